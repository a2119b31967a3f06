import { fdatasyncSync, readSync, writeSync } from 'node:fs';
import { checkRange, type Storage } from '../../storage/storage.ts';

/** Zeroes that are written at a time. */
const ZEROES = new Uint8Array(1 << 20);

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
    checkRange(this, offset, into.length);
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.#descriptor, into, done, into.length - done, offset + done);
      if (count === 0) throw new Error(`the file has become shorter than ${offset + into.length} bytes`);
      done += count;
    }
  }

  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    for (let done = 0; done < from.length; ) {
      done += writeSync(this.#descriptor, from, done, from.length - done, offset + done);
    }
  }

  flush(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {}

  /** Node has no way to make a hole in a file, so that what is discarded keeps its room. */
  zero(offset: number, bytes: number): void {
    checkRange(this, offset, bytes);
    for (let done = 0; done < bytes; done += ZEROES.length) {
      this.write(offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, bytes - done)));
    }
  }
}
