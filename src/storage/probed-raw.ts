import { FORMAT_BYTES, formatOf } from './formats.ts';
import { type Storage, writeEach } from './storage.ts';

/**
 * A disk byte for byte, of which nobody has said that it is one: it was taken for one by how it began. A guest that let
 * it begin as an image of another format does could name files of the host in it, which would be opened at the next
 * start, so that such a write is refused.
 */
export class ProbedRaw implements Storage {
  readonly size: number;
  readonly #disk: Storage;

  constructor(disk: Storage) {
    this.size = disk.size;
    this.#disk = disk;
  }

  read(offset: number, into: Uint8Array): void {
    this.#disk.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    if (offset >= FORMAT_BYTES || from.length === 0) {
      this.#disk.write(offset, from);
      return;
    }
    // A copy: the guest may change its memory between the look and the write.
    const start = from.slice(0, FORMAT_BYTES);
    const after = new Uint8Array(Math.min(FORMAT_BYTES, this.size));
    this.#disk.read(0, after);
    after.set(start.subarray(0, after.length - offset), offset);
    const format = formatOf(after);
    if (format !== undefined)
      throw new Error(
        `the guest wants the disk to begin as a ${format} image, which the next start would take it for. ` +
          'With format=raw it may: --drive file=...,format=raw',
      );
    this.#disk.write(offset, start);
    if (from.length > start.length) this.#disk.write(offset + start.length, from.subarray(start.length));
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    this.#disk.readParts(offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    if (offset >= FORMAT_BYTES) this.#disk.writeParts(offset, from);
    else writeEach(this, offset, from);
  }

  flush(): void {
    this.#disk.flush();
  }

  zero(offset: number, bytes: number, discard: boolean): void {
    this.#disk.zero(offset, bytes, discard);
  }

  close(): void {
    this.#disk.close();
  }
}
