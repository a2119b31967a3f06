import type { ImageFile } from '../image-file.ts';

/** A cluster of the file that holds a table, with the changes to it that are not in the file yet. */
class Table {
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** Not in the file at all, and nothing in the file points to it. */
  fresh: boolean;
  #from = Number.POSITIVE_INFINITY;
  #to = 0;

  constructor(offset: number, size: number, fresh: boolean) {
    this.offset = offset;
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    this.fresh = fresh;
  }

  get dirty(): boolean {
    return this.fresh || this.#to > 0;
  }

  /** Bytes of it were changed. */
  touch(from: number, to: number): void {
    if (from < this.#from) this.#from = from;
    if (to > this.#to) this.#to = to;
  }

  /** Writes the changed parts; all of a fresh one. */
  writeTo(file: ImageFile): void {
    const [from, to] = this.fresh ? [0, this.bytes.length] : [this.#from, this.#to];
    if (from < to) file.write(this.offset + from, this.bytes.subarray(from, to));
    this.fresh = false;
    this.#from = Number.POSITIVE_INFINITY;
    this.#to = 0;
  }
}

/** Tables that are cached at the least: an operation may be in the middle of some of them. */
const FEWEST = 4;

/**
 * Tables of an image that are kept in memory, up to a number of bytes. Those that were used last stay. A table that was
 * got may be given up as soon as another one is got.
 */
export class TableCache {
  readonly #file: ImageFile;
  readonly #size: number;
  readonly #most: number;
  readonly #writeOut: () => void;
  readonly #tables = new Map<number, Table>();
  readonly #dirty = new Set<Table>();
  #last: Table | undefined;

  /**
   * @param size bytes of a table
   * @param most bytes of all
   * @param writeOut writes dirty tables in an order that is safe, before one of them is given up
   */
  constructor(file: ImageFile, size: number, most: number, writeOut: () => void) {
    this.#file = file;
    this.#size = size;
    this.#most = Math.max(FEWEST, Math.floor(most / size));
    this.#writeOut = writeOut;
  }

  get(offset: number): Table {
    if (this.#last?.offset === offset) return this.#last;
    const known = this.#tables.get(offset);
    if (known !== undefined) {
      this.#tables.delete(offset);
      this.#tables.set(offset, known);
      this.#last = known;
      return known;
    }
    this.#makeRoom();
    const table = new Table(offset, this.#size, false);
    this.#file.read(offset, table.bytes);
    return this.#keep(table);
  }

  /** A table of zeroes for a cluster that is new. */
  add(offset: number): Table {
    this.#makeRoom();
    const table = new Table(offset, this.#size, true);
    this.#dirty.add(table);
    return this.#keep(table);
  }

  /** Bytes of a table were changed. */
  changed(table: Table, from: number, to: number): void {
    table.touch(from, to);
    this.#dirty.add(table);
  }

  /** Whether there are changes of tables that something in the file points to. */
  get dirty(): boolean {
    for (const { fresh } of this.#dirty) if (!fresh) return true;
    return false;
  }

  /** Writes the changes of fresh tables, or of the others. */
  write(fresh: boolean): void {
    for (const table of this.#dirty) {
      if (table.fresh !== fresh) continue;
      table.writeTo(this.#file);
      this.#dirty.delete(table);
    }
  }

  #keep(table: Table): Table {
    this.#tables.set(table.offset, table);
    this.#last = table;
    return table;
  }

  #makeRoom(): void {
    if (this.#tables.size < this.#most) return;
    const [oldest] = this.#tables.values();
    if (oldest.dirty) this.#writeOut();
    this.#tables.delete(oldest.offset);
    if (this.#last === oldest) this.#last = undefined;
  }
}

/** Writes an exact number as 64 bits. */
export function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value);
}
