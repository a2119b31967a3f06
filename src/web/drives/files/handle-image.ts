import type { ImageFile } from '../../../storage/image-file.ts';
import { readEach, writeEach } from '../../../storage/storage.ts';
import { reasonOf } from '../reason.ts';

/** A file of the origin's private file system, as workers open it; the compiler is told of pages alone. */
export interface SyncAccessHandle {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(from: Uint8Array, options: { readonly at: number }): number;
  flush(): void;
  getSize(): number;
  close(): void;
}

/** An open file of this browser that holds an image. */
export class HandleImage implements ImageFile {
  readonly #handle: SyncAccessHandle;
  #length: number;

  constructor(handle: SyncAccessHandle) {
    this.#handle = handle;
    this.#length = handle.getSize();
  }

  get length(): number {
    return this.#length;
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const count = this.#handle.read(into.subarray(done), { at: offset + done });
      if (count === 0) {
        into.fill(0, done);
        return;
      }
      done += count;
    }
  }

  /** @throws Error where the browser has no room */
  write(offset: number, from: Uint8Array): void {
    try {
      for (let done = 0; done < from.length; ) {
        const count = this.#handle.write(from.subarray(done), { at: offset + done });
        if (count === 0) throw new Error('the browser takes no more for this file');
        done += count;
      }
      this.#length = Math.max(this.#length, offset + from.length);
    } catch (error) {
      // Some of it may be there, and is no hole.
      this.#length = Math.max(this.#length, this.#handle.getSize());
      throw new Error(reasonOf(error));
    }
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    writeEach(this, offset, from);
  }

  flush(): void {
    this.#handle.flush();
  }
}
