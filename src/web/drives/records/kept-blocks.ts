import { BLOCK } from './block-store.ts';

/** Milliseconds after which blocks that were taken are written, if nobody flushes before. */
const BEHIND_MS = 50;
/** Blocks that wait at most: 16 MiB. */
const MOST_WAITING = 256;

/** Bytes that are not shared, as databases want them. */
export type BlockBytes = Uint8Array<ArrayBuffer>;

/** Where blocks are kept: `RecordStore`, with the name of a disk. */
export interface BlockKeeper {
  /** @returns nothing for a block that was never written */
  read(index: number): Promise<Uint8Array | undefined>;
  /** Writes blocks and the disk's length, all of it or nothing. */
  write(length: number, blocks: readonly (readonly [number, BlockBytes])[], safe: boolean): Promise<void>;
}

/** Blocks of a disk that was opened: those that were taken last wait to be written, several in one transaction. */
export class KeptBlocks {
  readonly #keeper: BlockKeeper;
  readonly #waiting = new Map<number, BlockBytes>();
  #length: number;
  /** All writes so far; none begins before the one before has ended. */
  #writes: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Something was written that a failure of power could still undo. */
  #unsafe = false;

  /** @param length bytes of the disk */
  constructor(keeper: BlockKeeper, length: number) {
    this.#keeper = keeper;
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  async read(index: number): Promise<Uint8Array> {
    return this.#waiting.get(index) ?? (await this.#keeper.read(index)) ?? new Uint8Array();
  }

  /** Takes a block. @throws Error where earlier ones cannot be written, and no more can wait */
  async put(index: number, bytes: BlockBytes): Promise<void> {
    if (this.#waiting.size >= MOST_WAITING && !this.#waiting.has(index)) await this.#write(false);
    this.#waiting.set(index, bytes);
    this.#length = Math.max(this.#length, index * BLOCK + bytes.length);
    // A block that cannot be written now is tried again with the next block, or by a flush, which is told.
    this.#timer ??= setTimeout(() => void this.#write(false).catch(() => undefined), BEHIND_MS);
  }

  async flush(): Promise<void> {
    if (this.#waiting.size > 0 || this.#unsafe) await this.#write(true);
  }

  #write(safe: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const write = this.#writes.then(() => this.#writeAll(safe));
    this.#writes = write.catch(() => undefined);
    return write;
  }

  async #writeAll(safe: boolean): Promise<void> {
    const blocks = [...this.#waiting];
    await this.#keeper.write(this.#length, blocks, safe);
    // One that has come meanwhile goes on waiting.
    for (const [index, bytes] of blocks) if (this.#waiting.get(index) === bytes) this.#waiting.delete(index);
    this.#unsafe = !safe;
  }
}
