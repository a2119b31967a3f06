import type { ImageFile } from '../image-file.ts';
import { CorruptImage } from './errors.ts';
import { ENTRY, ENTRY_BYTES, ZERO } from './facts.ts';
import type { Qcow2Header } from './header.ts';
import type { Refcounts } from './refcounts.ts';
import { put64, TableCache } from './table-cache.ts';

/** Bytes of L2 tables that are kept in memory: with clusters of 64 KiB enough for 256 GiB. */
const MOST_BYTES = 2 ** 25;

/** The kinds of places for the data of a guest's cluster. */
export const KIND = {
  /** The contents of the backing file, or zeroes. */
  NONE: 0,
  ZERO: 1,
  DATA: 2,
  COMPRESSED: 3,
} as const;

/** Both halves of an entry of an L2 table. */
export interface Entry {
  readonly high: number;
  readonly low: number;
}

/** Clusters of the guest that are alike and, where they have data, follow each other in the file as well. */
export interface Run {
  readonly kind: (typeof KIND)[keyof typeof KIND];
  readonly count: number;
  /** Offset of the first one's data in the file. */
  readonly host: number;
  /** Data that nothing else refers to. */
  readonly own: boolean;
  /** The entry of the first one. */
  readonly entry: Entry;
}

const NOTHING: Entry = { high: 0, low: 0 };

/** Where the clusters of the guest are in an image's file: the L1 table and the L2 tables. */
export class Mapping {
  readonly #file: ImageFile;
  readonly #cluster: number;
  readonly #l1At: number;
  readonly #l1: DataView<ArrayBuffer>;
  readonly #changed = new Set<number>();
  readonly #cache: TableCache;
  readonly #version: number;
  readonly #guarded: Set<number>;
  /** Entries in an L2 table. */
  readonly perTable: number;

  /**
   * @param guarded gets the clusters of tables
   * @param flush makes all tables safe
   */
  constructor(file: ImageFile, header: Qcow2Header, guarded: Set<number>, flush: () => void) {
    const { cluster, l1, version } = header;
    this.#file = file;
    this.#cluster = cluster;
    this.#version = version;
    this.#l1At = l1.offset;
    this.#l1 = new DataView(new ArrayBuffer(l1.entries * ENTRY_BYTES));
    this.#guarded = guarded;
    this.perTable = cluster / ENTRY_BYTES;
    this.#cache = new TableCache(file, cluster, MOST_BYTES, flush);
    file.read(l1.offset, new Uint8Array(this.#l1.buffer));
    for (let at = 0; at < l1.entries * ENTRY_BYTES; at += cluster) guarded.add((l1.offset + at) / cluster);
    for (const { offset } of this.tables()) guarded.add(offset / cluster);
  }

  /** The L2 tables that there are. @throws CorruptImage for one that is in no cluster */
  *tables(): Iterable<{ readonly index: number; readonly offset: number }> {
    for (let index = 0; index < this.#l1.byteLength / ENTRY_BYTES; index++) {
      const offset = this.#tableAt(index);
      if (offset !== 0) yield { index, offset };
    }
  }

  /** The run of like places from a cluster of the guest on, up to so many clusters. */
  run(index: number, most: number): Run {
    const place = index % this.perTable;
    const limit = Math.min(most, this.perTable - place);
    const offset = this.#tableAt((index - place) / this.perTable);
    if (offset === 0) return { kind: KIND.NONE, count: limit, host: 0, own: false, entry: NOTHING };
    const { view } = this.#cache.get(offset);
    const high = view.getUint32(place * ENTRY_BYTES);
    const low = view.getUint32(place * ENTRY_BYTES + 4);
    const entry = { high, low };
    const kind = this.#kindOf(high, low);
    if (kind === KIND.COMPRESSED) return { kind, count: 1, host: 0, own: false, entry };
    const host = this.#offsetOf(high, low);
    const own = (high & ENTRY.COPIED) !== 0;
    const flags = low & 0x1ff;
    const flagsHigh = high & ~ENTRY.OFFSET;
    const step = host === 0 ? 0 : this.#cluster;
    let count = 1;
    for (let next = host + step; count < limit; count++, next += step) {
      const at = (place + count) * ENTRY_BYTES;
      const nextHigh = view.getUint32(at);
      const nextLow = view.getUint32(at + 4);
      if ((nextLow & 0x1ff) !== flags || (nextHigh & ~ENTRY.OFFSET) !== flagsHigh) break;
      if ((nextHigh & ENTRY.OFFSET) * 2 ** 32 + ((nextLow & ~0x1ff) >>> 0) !== next) break;
    }
    return { kind, count, host, own, entry };
  }

  /** The entry of a cluster. */
  entry(index: number): Entry {
    return this.run(index, 1).entry;
  }

  /**
   * Lets an entry point elsewhere. The table must be one that may be written to: {@link ownTable}.
   *
   * @param host offset of data that nothing else refers to, or 0
   */
  set(index: number, host: number, zero: boolean): void {
    const place = index % this.perTable;
    const table = this.#cache.get(this.#tableAt((index - place) / this.perTable));
    const at = place * ENTRY_BYTES;
    put64(table.view, at, host);
    if (host !== 0) table.view.setUint32(at, table.view.getUint32(at) | ENTRY.COPIED);
    if (zero) table.view.setUint32(at + 4, table.view.getUint32(at + 4) | ZERO);
    this.#cache.changed(table, at, at + ENTRY_BYTES);
  }

  /**
   * Makes the table of a cluster one that may be written to.
   *
   * @param release is given a table that a snapshot goes on to use
   */
  ownTable(index: number, refcounts: Refcounts, release: (cluster: number) => void): void {
    const l1Index = Math.floor(index / this.perTable);
    const old = this.#tableAt(l1Index);
    if (old !== 0 && (this.#l1.getUint32(l1Index * ENTRY_BYTES) & ENTRY.COPIED) !== 0) return;
    // Copied first: any table that is got may have others written out, fresh ones too.
    const content = old === 0 ? undefined : this.#cache.get(old).bytes.slice();
    const { first } = refcounts.allocate(1);
    const table = this.#cache.add(first * this.#cluster);
    if (content !== undefined) {
      table.bytes.set(content);
      release(old / this.#cluster);
      this.#guarded.delete(old / this.#cluster);
    }
    this.#guarded.add(first);
    put64(this.#l1, l1Index * ENTRY_BYTES, first * this.#cluster);
    const high = this.#l1.getUint32(l1Index * ENTRY_BYTES);
    this.#l1.setUint32(l1Index * ENTRY_BYTES, high | ENTRY.COPIED);
    this.#changed.add(l1Index);
  }

  /** Whether something that the file points to has changed. */
  get dirty(): boolean {
    return this.#changed.size > 0 || this.#cache.dirty;
  }

  /** Writes tables that nothing in the file points to yet. */
  writeFresh(): void {
    this.#cache.write(true);
  }

  /** Writes all other changes: everything that they point to is safe in the file. */
  writeRest(): void {
    this.#cache.write(false);
    for (const index of this.#changed) {
      const at = index * ENTRY_BYTES;
      this.#file.write(this.#l1At + at, new Uint8Array(this.#l1.buffer, at, ENTRY_BYTES));
    }
    this.#changed.clear();
  }

  #kindOf(high: number, low: number): Run['kind'] {
    if ((high & ENTRY.COMPRESSED) !== 0) return KIND.COMPRESSED;
    if (this.#version > 2 && (low & ZERO) !== 0) return KIND.ZERO;
    return (high & ENTRY.OFFSET) === 0 && (low & ~0x1ff) === 0 ? KIND.NONE : KIND.DATA;
  }

  #tableAt(index: number): number {
    const at = index * ENTRY_BYTES;
    return this.#offsetOf(this.#l1.getUint32(at), this.#l1.getUint32(at + 4));
  }

  #offsetOf(high: number, low: number): number {
    const offset = (high & ENTRY.OFFSET) * 2 ** 32 + ((low & ~0x1ff) >>> 0);
    if (offset % this.#cluster !== 0 || (high & ENTRY.BEYOND) !== 0)
      throw new CorruptImage(`a table points to ${offset}, which is no cluster`);
    return offset;
  }
}
