import { fdatasyncSync } from 'node:fs';
import { bytesOf, checkRange, type Storage } from '../../storage/storage.ts';
import { readFully, writeFully } from './transfer.ts';

/** Zeroes that are written at a time. */
const ZEROES = new Uint8Array(1 << 16);

/** A drive that is an open file, byte for byte. */
export class FileStorage implements Storage {
  readonly size: number;
  readonly #descriptor: number;

  /** @param descriptor of a file that has `size` bytes at least */
  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor;
    this.size = size;
  }

  read(offset: number, into: Uint8Array): void {
    this.readParts(offset, [into]);
  }

  write(offset: number, from: Uint8Array): void {
    this.writeParts(offset, [from]);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    checkRange(this, offset, bytesOf(into));
    readFully(this.#descriptor, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    checkRange(this, offset, bytesOf(from));
    writeFully(this.#descriptor, offset, from);
  }

  flush(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {}

  /**
   * Node has no way to make a hole in a file, so that discarded blocks keep their room. Where it is zeroes already, it
   * is left alone: a hole stays one, and a guest that discards all of a new disk does not fill it.
   */
  zero(offset: number, bytes: number): void {
    checkRange(this, offset, bytes);
    const content = new Uint8Array(Math.min(ZEROES.length, bytes));
    for (let done = 0; done < bytes; done += ZEROES.length) {
      const zeroes = ZEROES.subarray(0, Math.min(ZEROES.length, bytes - done));
      const there = content.subarray(0, zeroes.length);
      this.read(offset + done, there);
      if (Buffer.compare(there, zeroes) !== 0) this.write(offset + done, zeroes);
    }
  }
}
