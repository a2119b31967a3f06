import type { ImageFile } from '../../src/storage/image-file.ts';
import { readEach, writeEach } from '../../src/storage/storage.ts';

/** Something done to a file. */
export type FileEvent = { readonly offset: number; readonly bytes: Uint8Array } | 'flush';

/** A file in memory, which remembers what was done to it. */
export class MemoryImage implements ImageFile {
  #bytes: Uint8Array;
  #length: number;
  readonly events: FileEvent[] = [];

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  read(offset: number, into: Uint8Array): void {
    const part = this.bytes.subarray(offset, offset + into.length);
    into.set(part);
    into.fill(0, part.length);
  }

  write(offset: number, from: Uint8Array): void {
    this.events.push({ offset, bytes: from.slice() });
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

  flush(): void {
    this.events.push('flush');
  }
}
