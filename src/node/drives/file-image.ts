import { fdatasyncSync, fstatSync, readSync, writeSync } from 'node:fs';
import type { ImageFile } from '../../storage/image-file.ts';

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
    for (let done = 0; done < inside; ) {
      const count = readSync(this.#descriptor, into, done, inside - done, offset + done);
      if (count === 0) throw new Error(`the file has become shorter than ${this.#length} bytes`);
      done += count;
    }
    into.fill(0, inside);
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      done += writeSync(this.#descriptor, from, done, from.length - done, offset + done);
    }
    this.#length = Math.max(this.#length, offset + from.length);
  }

  flush(): void {
    fdatasyncSync(this.#descriptor);
  }
}
