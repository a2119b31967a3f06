import type { ImageFile } from '../image-file.ts';
import { checkRange, readEach, type Storage } from '../storage.ts';

/** Bytes that are fetched at a time, and kept. */
export const PART = 2 ** 18;
/** Parts that are kept at most. */
const MOST_PARTS = 256;
/**
 * Milliseconds after a failure in which nobody is asked again: a guest that goes on asking shall not wait each time.
 */
const REST_MS = 5000;

/** Fetches parts of a file. */
export interface PartSource {
  /** @returns the bytes, until the next call. @throws Error that says why there are none */
  fetch(offset: number, bytes: number): Uint8Array;
  end(): void;
}

/** A file that is fetched in parts, to be read only. Parts that were read last are kept. */
export class HttpStorage implements Storage, ImageFile {
  readonly size: number;
  readonly #source: PartSource;
  readonly #now: () => number;
  readonly #parts = new Map<number, Uint8Array>();
  #failure: { readonly error: Error; readonly at: number } | undefined;

  constructor(size: number, source: PartSource, now: () => number = () => performance.now()) {
    this.size = size;
    this.#source = source;
    this.#now = now;
  }

  get length(): number {
    return this.size;
  }

  /** As a {@link Storage} and as an {@link ImageFile}: bytes behind the end of an image are zeroes. */
  read(offset: number, into: Uint8Array): void {
    const inside = Math.max(0, Math.min(into.length, this.size - offset));
    checkRange(this, offset, inside);
    for (let done = 0; done < inside; ) {
      const at = offset + done;
      const start = at % PART;
      const part = this.#part(Math.floor(at / PART)).subarray(start, start + inside - done);
      into.set(part, done);
      done += part.length;
    }
    into.fill(0, inside);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  writeParts(): void {
    this.write();
  }

  write(): void {
    throw new Error('a file on a server cannot be written');
  }

  flush(): void {}

  zero(): void {
    this.write();
  }

  close(): void {
    this.#source.end();
  }

  #part(index: number): Uint8Array {
    const known = this.#parts.get(index);
    if (known !== undefined) {
      this.#parts.delete(index);
      this.#parts.set(index, known);
      return known;
    }
    const offset = index * PART;
    const part = this.#fetch(offset, Math.min(PART, this.size - offset)).slice();
    if (this.#parts.size >= MOST_PARTS) {
      const [oldest] = this.#parts.keys();
      this.#parts.delete(oldest);
    }
    this.#parts.set(index, part);
    return part;
  }

  #fetch(offset: number, bytes: number): Uint8Array {
    if (this.#failure !== undefined && this.#now() < this.#failure.at + REST_MS) throw this.#failure.error;
    try {
      return this.#source.fetch(offset, bytes);
    } catch (error) {
      this.#failure = { error: error instanceof Error ? error : new Error(String(error)), at: this.#now() };
      throw error;
    }
  }
}
