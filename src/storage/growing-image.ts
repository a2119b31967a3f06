import type { ImageFile } from './image-file.ts';
import { readEach, writeEach } from './storage.ts';

/** An image in memory, or the beginning of one. */
export class GrowingImage implements ImageFile {
  #bytes: Uint8Array<ArrayBuffer>;
  #length: number;

  constructor(bytes: Uint8Array<ArrayBuffer> = new Uint8Array()) {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  read(offset: number, into: Uint8Array): void {
    const part = this.bytes.subarray(offset, offset + into.length);
    into.set(part);
    into.fill(0, part.length);
  }

  write(offset: number, from: Uint8Array): void {
    const end = offset + from.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(from, offset);
    this.#length = Math.max(this.#length, end);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    writeEach(this, offset, from);
  }

  flush(): void {}
}
