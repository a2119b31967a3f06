import type { ImageFile } from '../../../storage/image-file.ts';
import { readEach } from '../../../storage/storage.ts';
import { BLOCK, type BlockStore } from './block-store.ts';

/** Blocks that are kept in memory at most, so that they need not be read again: 16 MiB. */
const MOST_BLOCKS = 256;

/** An image in records. Writes go to the records' thread at once: a page can be left at any time. */
export class RecordImage implements ImageFile {
  readonly #store: BlockStore;
  readonly #blocks = new Map<number, Uint8Array>();
  #length: number;

  constructor(store: BlockStore) {
    this.#store = store;
    this.#length = store.length();
  }

  get length(): number {
    return this.#length;
  }

  read(offset: number, into: Uint8Array): void {
    const inside = Math.max(0, Math.min(into.length, this.#length - offset));
    for (let done = 0; done < inside; ) {
      const start = (offset + done) % BLOCK;
      const block = this.#block(Math.floor((offset + done) / BLOCK), true);
      const part = block.subarray(start, Math.min(BLOCK, start + inside - done));
      into.set(part, done);
      done += part.length;
    }
    into.fill(0, inside);
  }

  write(offset: number, from: Uint8Array): void {
    this.writeParts(offset, [from]);
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  /** @throws Error where the browser has no room */
  writeParts(offset: number, from: readonly Uint8Array[]): void {
    let at = offset;
    let changed: number | undefined;
    for (const part of from) {
      for (let done = 0; done < part.length; ) {
        const index = Math.floor(at / BLOCK);
        // Each block goes once, however many parts there are.
        if (changed !== undefined && changed !== index) this.#put(changed);
        changed = index;
        const piece = part.subarray(done, done + BLOCK - (at % BLOCK));
        this.#block(index, piece.length < BLOCK).set(piece, at % BLOCK);
        done += piece.length;
        at += piece.length;
        this.#length = Math.max(this.#length, at);
      }
    }
    if (changed !== undefined) this.#put(changed);
  }

  flush(): void {
    this.#store.flush();
  }

  /** @param isRead whether the content there matters; all of it is to be overwritten, else */
  #block(index: number, isRead: boolean): Uint8Array {
    let block = this.#blocks.get(index);
    if (block === undefined) {
      block = new Uint8Array(BLOCK);
      if (isRead && index * BLOCK < this.#length) block.set(this.#store.read(index));
      if (this.#blocks.size >= MOST_BLOCKS) {
        const [oldest] = this.#blocks.keys();
        this.#blocks.delete(oldest);
      }
    } else this.#blocks.delete(index);
    this.#blocks.set(index, block);
    return block;
  }

  #put(index: number): void {
    const block = this.#blocks.get(index) ?? new Uint8Array();
    try {
      this.#store.put(index, block.subarray(0, this.#length - index * BLOCK));
    } catch (error) {
      // The block as it is there is the one from before.
      this.#blocks.delete(index);
      throw error;
    }
  }
}
