import type { ImageFile } from '../../../storage/image-file.ts';
import { readEach, writeEach } from '../../../storage/storage.ts';
import { BLOCK, type BlockStore } from './block-store.ts';

/** Blocks that are kept in memory at most: 16 MiB. */
const MOST_BLOCKS = 256;

interface Block {
  readonly bytes: Uint8Array;
  dirty: boolean;
}

/** An image in records: blocks that were used last are kept in memory, and are written when it is flushed or there are many. */
export class RecordImage implements ImageFile {
  readonly #store: BlockStore;
  readonly #blocks = new Map<number, Block>();
  #length: number;
  #changed = false;

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
      const { bytes } = this.#block(Math.floor((offset + done) / BLOCK), true);
      const part = bytes.subarray(start, Math.min(BLOCK, start + inside - done));
      into.set(part, done);
      done += part.length;
    }
    into.fill(0, inside);
  }

  /** @throws Error where earlier changes have no room in the browser */
  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const start = (offset + done) % BLOCK;
      const part = from.subarray(done, done + BLOCK - start);
      const block = this.#block(Math.floor((offset + done) / BLOCK), part.length < BLOCK);
      block.bytes.set(part, start);
      block.dirty = true;
      this.#changed = true;
      done += part.length;
      this.#length = Math.max(this.#length, offset + done);
    }
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    readEach(this, offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    writeEach(this, offset, from);
  }

  flush(): void {
    this.#writeOut(true);
  }

  /** @param isRead whether what is there matters; all of it is to be overwritten, else */
  #block(index: number, isRead: boolean): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) {
      this.#blocks.delete(index);
      this.#blocks.set(index, known);
      return known;
    }
    this.#makeRoom();
    const block = { bytes: new Uint8Array(BLOCK), dirty: false };
    if (isRead && index * BLOCK < this.#length) block.bytes.set(this.#store.read(index));
    this.#blocks.set(index, block);
    return block;
  }

  #makeRoom(): void {
    if (this.#blocks.size < MOST_BLOCKS) return;
    const [[oldest, { dirty }]] = this.#blocks;
    if (dirty) this.#writeOut(false);
    this.#blocks.delete(oldest);
  }

  #writeOut(safe: boolean): void {
    if (!this.#changed) return;
    const dirty = [...this.#blocks].filter(([, block]) => block.dirty);
    for (const [index, { bytes }] of dirty) this.#store.put(index, bytes);
    this.#store.commit(this.#length, safe);
    // Not before: what could not be written is tried again.
    for (const [, block] of dirty) block.dirty = false;
    // What was written without a flush has to be made safe by the next one.
    this.#changed = !safe;
  }
}
