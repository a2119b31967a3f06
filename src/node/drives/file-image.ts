import { fdatasyncSync, fstatSync } from 'node:fs';
import type { ImageFile } from '../../storage/image-file.ts';
import { bytesOf, readEach } from '../../storage/storage.ts';
import { readFully, writeFully } from './transfer.ts';

/** An open file that holds an image. */
export class FileImage implements ImageFile {
  readonly #descriptor: number;
  #length: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#length = fstatSync(descriptor).size;
  }

  get length(): number {
    return this.#length;
  }

  read(offset: number, into: Uint8Array): void {
    const inside = Math.max(0, Math.min(into.length, this.#length - offset));
    readFully(this.#descriptor, offset, [inside === into.length ? into : into.subarray(0, inside)]);
    into.fill(0, inside);
  }

  write(offset: number, from: Uint8Array): void {
    this.writeParts(offset, [from]);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    if (offset + bytesOf(into) > this.#length) readEach(this, offset, into);
    else readFully(this.#descriptor, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    const end = offset + bytesOf(from);
    try {
      writeFully(this.#descriptor, offset, from);
    } catch (error) {
      // Some of it may be there, and is no hole.
      this.#length = Math.max(this.#length, fstatSync(this.#descriptor).size);
      throw error;
    }
    if (end > this.#length) this.#length = end;
  }

  flush(): void {
    fdatasyncSync(this.#descriptor);
  }
}
