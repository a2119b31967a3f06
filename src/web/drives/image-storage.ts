import type { ImageFile } from '../../storage/image-file.ts';
import { bytesOf, checkRange, type Storage } from '../../storage/storage.ts';

/** Zeroes that are written at a time. */
const ZEROES = new Uint8Array(1 << 16);

/** A drive that is a file, byte for byte. */
export class ImageStorage implements Storage {
  readonly size: number;
  readonly #file: ImageFile;

  constructor(file: ImageFile) {
    this.#file = file;
    this.size = file.length;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    this.#file.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    this.#file.write(offset, from);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    checkRange(this, offset, bytesOf(into));
    this.#file.readParts(offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    checkRange(this, offset, bytesOf(from));
    this.#file.writeParts(offset, from);
  }

  flush(): void {
    this.#file.flush();
  }

  zero(offset: number, bytes: number): void {
    checkRange(this, offset, bytes);
    for (let done = 0; done < bytes; done += ZEROES.length)
      this.#file.write(offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, bytes - done)));
  }

  close(): void {}
}
