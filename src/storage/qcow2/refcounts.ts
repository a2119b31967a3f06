import type { ImageFile } from '../image-file.ts';
import { readCount, writeCount } from './counts.ts';
import { CorruptImage } from './errors.ts';
import { ENTRY_BYTES, FIELD } from './facts.ts';
import { LARGEST_TABLE, type Qcow2Header } from './header.ts';
import { put64, TableCache } from './table-cache.ts';

/** Bytes of reference counts that are kept in memory. */
const MOST_BYTES = 2 ** 22;
/** Clusters that are looked at for one allocation: none takes long, with any counts. */
const MOST_LOOKS = 2 ** 16;

/** Counts behind the end of a file that are looked at: the counts are made anew where there are more. */
const MOST_BEHIND = 2 ** 22;

/** Consecutive clusters of the file. */
export interface Clusters {
  /** The number of the first one: its offset in clusters. */
  readonly first: number;
  readonly count: number;
}

/** How often each cluster of an image's file is referenced, and which are free. */
export class Refcounts {
  readonly #file: ImageFile;
  readonly #cluster: number;
  readonly #bits: number;
  /** Counts in a block. */
  readonly #perBlock: number;
  readonly #cache: TableCache;
  /** Offsets of the blocks; 0 where there is none, and all its counts are 0. */
  #table: Float64Array;
  #tableAt: Clusters;
  readonly #changedEntries = new Set<number>();
  /** Below this cluster none is known to be free. */
  #cursor = 0;
  /** Clusters that hold tables, which data must never be written to. */
  readonly #guarded: Set<number>;

  /** @param guarded gets the clusters of counts */
  constructor(file: ImageFile, header: Qcow2Header, guarded: Set<number>) {
    const { cluster, refcounts } = header;
    this.#file = file;
    this.#cluster = cluster;
    this.#bits = refcounts.bits;
    this.#perBlock = (cluster * 8) / refcounts.bits;
    this.#cache = new TableCache(file, cluster, MOST_BYTES, () => this.write());
    this.#guarded = guarded;
    this.#tableAt = { first: refcounts.offset / cluster, count: refcounts.clusters };
    this.#table = this.#readTable();
    this.#guardTable();
    for (const offset of this.#table) if (offset !== 0) guarded.add(offset / cluster);
  }

  /** Numbers of clusters that counts, and the table of counts, are in. */
  *clusters(): Iterable<number> {
    for (let index = 0; index < this.#tableAt.count; index++) yield this.#tableAt.first + index;
    for (const offset of this.#table) if (offset !== 0) yield offset / this.#cluster;
  }

  /** The count of a cluster; Infinity for one beyond all numbers. */
  get(index: number): number {
    const offset = this.#table[Math.floor(index / this.#perBlock)] ?? 0;
    return offset === 0 ? 0 : readCount(this.#cache.get(offset).view, index % this.#perBlock, this.#bits);
  }

  /**
   * Whether any cluster from this one on counts as used. Where that would take long to say, the answer is yes.
   *
   * @param index the first cluster behind the file's end
   */
  countsBehind(index: number): boolean {
    let looks = 0;
    for (let block = Math.floor(index / this.#perBlock); block < this.#table.length; block++) {
      if (this.#table[block] === 0) continue;
      const end = (block + 1) * this.#perBlock;
      const first = Math.max(index, end - this.#perBlock);
      looks += end - first;
      if (looks > MOST_BEHIND) return true;
      for (let each = first; each < end; each++) if (this.get(each) !== 0) return true;
    }
    return false;
  }

  /** Sets the count of a cluster, which has a block if it is to be anything but 0. */
  set(index: number, count: number): void {
    if (count === 0 && (this.#table[Math.floor(index / this.#perBlock)] ?? 0) === 0) return;
    this.#ensureBlock(index);
    this.#put(index, count);
    if (count === 0 && index < this.#cursor) this.#cursor = index;
  }

  /** Takes a reference away. */
  release(index: number): void {
    const count = this.get(index);
    if (count === 0) throw new CorruptImage(`cluster ${index} is free and was in use`);
    this.set(index, count - 1);
  }

  /** Takes free clusters that follow each other, as many as `wanted` at most, and one at least. */
  allocate(wanted: number): Clusters {
    const end = Math.ceil(this.#file.length / this.#cluster);
    let first = this.#cursor;
    for (let looks = 0; first < end && looks < MOST_LOOKS && this.get(first) !== 0; looks++) first++;
    this.#cursor = first;
    if (first < end && this.get(first) !== 0) first = end;
    // Behind the end of the file, there may be counts of clusters that nobody has written to.
    for (let looks = 0; this.get(first) !== 0; looks++) {
      if (looks === MOST_LOOKS) throw new CorruptImage('no cluster is free');
      first++;
    }
    // A block that is made for these may be put where they were to be.
    while (this.#ensureBlock(first) || this.get(first) !== 0) first++;
    let count = 0;
    const most = Math.min(wanted, this.#perBlock - (first % this.#perBlock));
    while (count < most && this.get(first + count) === 0) count++;
    for (let index = first; index < first + count; index++) {
      if (this.#guarded.has(index)) throw new CorruptImage(`cluster ${index} is a table and counts as free`);
      this.#put(index, 1);
    }
    if (first === this.#cursor) this.#cursor = first + count;
    return { first, count };
  }

  /** Whether anything is not in the file. */
  get dirty(): boolean {
    return this.#cache.dirty || this.#changedEntries.size > 0;
  }

  /** Writes all changes, so that no entry of the table points to a block that is not there. */
  write(): void {
    this.#cache.write(true);
    this.#cache.write(false);
    if (this.#changedEntries.size === 0) return;
    this.#file.flush();
    const entry = new DataView(new ArrayBuffer(ENTRY_BYTES));
    for (const index of this.#changedEntries) {
      put64(entry, 0, this.#table[index]);
      const at = this.#tableAt.first * this.#cluster + index * ENTRY_BYTES;
      this.#file.write(at, new Uint8Array(entry.buffer));
    }
    this.#changedEntries.clear();
    this.#file.flush();
  }

  #put(index: number, count: number): void {
    const table = this.#cache.get(this.#table[Math.floor(index / this.#perBlock)]);
    const place = index % this.#perBlock;
    const at = Math.floor((place * this.#bits) / 8);
    writeCount(table.view, place, this.#bits, count);
    this.#cache.changed(table, at, at + Math.max(1, this.#bits / 8));
  }

  /** @returns whether the cluster had no block, so that the block was made, in this very cluster if that was free */
  #ensureBlock(index: number): boolean {
    const block = Math.floor(index / this.#perBlock);
    if (block >= this.#table.length) this.#grow(block + 1);
    if (this.#table[block] !== 0) return false;
    // Nothing in the range of a block that is not there is in use, so that it can hold its own count.
    if (this.#guarded.has(index)) throw new CorruptImage(`cluster ${index} is a table and has no count`);
    this.#cache.add(index * this.#cluster);
    this.#table[block] = index * this.#cluster;
    this.#changedEntries.add(block);
    this.#guarded.add(index);
    this.#put(index, 1);
    return true;
  }

  /**
   * Puts a larger table of counts, and the blocks for its own clusters, behind all that the old one can count. Until
   * the header points to it, nothing of it counts.
   */
  #grow(least: number): void {
    this.write();
    const first = this.#table.length * this.#perBlock;
    const entriesPerCluster = this.#cluster / ENTRY_BYTES;
    let count = Math.ceil((Math.max(least, this.#table.length * 2) + 1) / entriesPerCluster);
    let blocks = 1;
    // Each makes the other one longer, by less and less.
    for (;;) {
      blocks = Math.ceil((count + blocks) / this.#perBlock);
      const needed = Math.ceil((this.#table.length + blocks) / entriesPerCluster);
      if (needed <= count && blocks * this.#perBlock >= count + blocks) break;
      count = Math.max(count, needed);
      blocks++;
    }
    if (count * this.#cluster > LARGEST_TABLE)
      throw new Error('the image has no room for the reference counts of more clusters');
    const table = new Float64Array(count * entriesPerCluster);
    table.set(this.#table);
    const old = this.#tableAt;
    const before = this.#table;
    for (let block = 0; block < blocks; block++) {
      table[before.length + block] = (first + block) * this.#cluster;
      this.#cache.add((first + block) * this.#cluster);
    }
    this.#table = table;
    for (let index = first; index < first + blocks + count; index++) this.#put(index, 1);
    this.#cache.write(true);
    const bytes = new DataView(new ArrayBuffer(count * this.#cluster));
    for (const [index, offset] of table.entries()) put64(bytes, index * ENTRY_BYTES, offset);
    this.#tableAt = { first: first + blocks, count };
    this.#file.write(this.#tableAt.first * this.#cluster, new Uint8Array(bytes.buffer));
    this.#file.flush();
    const place = new DataView(new ArrayBuffer(12));
    put64(place, 0, this.#tableAt.first * this.#cluster);
    place.setUint32(8, count);
    this.#file.write(FIELD.REFCOUNT_TABLE, new Uint8Array(place.buffer));
    this.#file.flush();
    for (let index = first; index < first + blocks; index++) this.#guarded.add(index);
    this.#guardTable();
    for (let index = old.first; index < old.first + old.count; index++) {
      this.#guarded.delete(index);
      this.release(index);
    }
  }

  #guardTable(): void {
    const { first, count } = this.#tableAt;
    for (let index = first; index < first + count; index++) this.#guarded.add(index);
  }

  #readTable(): Float64Array {
    const { first, count } = this.#tableAt;
    const bytes = new Uint8Array(count * this.#cluster);
    this.#file.read(first * this.#cluster, bytes);
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / ENTRY_BYTES }, (_, index) => {
      const at = index * ENTRY_BYTES;
      const offset = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
      if (offset % this.#cluster !== 0 || offset > Number.MAX_SAFE_INTEGER)
        throw new CorruptImage(`the counts at ${offset} are in no cluster`);
      return offset;
    });
  }
}
