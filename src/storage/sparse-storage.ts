import { checkRange, readEach, type Storage, writeEach } from './storage.ts';

/** Bytes that get memory together. */
const CHUNK = 1 << 16;

/** A drive of zeroes that gets memory where it is written, up to a bound. */
export class SparseStorage implements Storage {
  readonly size: number;
  readonly #most: number;
  readonly #chunks = new Map<number, Uint8Array>();

  /** @param most bytes of memory, all together */
  constructor(size: number, most: number) {
    this.size = size;
    this.#most = most;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    this.#each(offset, into.length, (index, start, bytes, done) => {
      const chunk = this.#chunks.get(index);
      if (chunk === undefined) into.fill(0, done, done + bytes);
      else into.set(chunk.subarray(start, start + bytes), done);
    });
  }

  /** @throws Error beyond the bound; bytes written before it are there */
  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    this.#each(offset, from.length, (index, start, bytes, done) => {
      this.#chunk(index).set(from.subarray(done, done + bytes), start);
    });
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    writeEach(this, offset, from);
  }

  flush(): void {}

  /** Gives the memory of whole chunks back. */
  zero(offset: number, bytes: number): void {
    checkRange(this, offset, bytes);
    this.#each(offset, bytes, (index, start, length) => {
      if (length === CHUNK) this.#chunks.delete(index);
      else this.#chunks.get(index)?.fill(0, start, start + length);
    });
  }

  close(): void {
    this.#chunks.clear();
  }

  #chunk(index: number): Uint8Array {
    const known = this.#chunks.get(index);
    if (known !== undefined) return known;
    if ((this.#chunks.size + 1) * CHUNK > this.#most)
      throw new Error(`there is no room for more than ${this.#most / 2 ** 20} MiB of changes`);
    const chunk = new Uint8Array(CHUNK);
    this.#chunks.set(index, chunk);
    return chunk;
  }

  /** Visits the pieces of a range: the chunk, the place in it, the length, and the bytes before it. */
  #each(
    offset: number,
    bytes: number,
    visit: (index: number, start: number, bytes: number, done: number) => void,
  ): void {
    for (let done = 0; done < bytes; ) {
      const start = (offset + done) % CHUNK;
      const length = Math.min(CHUNK - start, bytes - done);
      visit(Math.floor((offset + done) / CHUNK), start, length, done);
      done += length;
    }
  }
}
