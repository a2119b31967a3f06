import { checkRange, readEach, type Storage, writeEach } from '../../src/storage/storage.ts';

/** A drive of bytes in memory. */
export class MemoryStorage implements Storage {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    this.bytes.set(from, offset);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    writeEach(this, offset, from);
  }

  flush(): void {}

  close(): void {}

  zero(offset: number, bytes: number): void {
    checkRange(this, offset, bytes);
    this.bytes.fill(0, offset, offset + bytes);
  }
}
