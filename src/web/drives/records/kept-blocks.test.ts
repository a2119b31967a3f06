import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BLOCK } from './block-store.ts';
import { type BlockBytes, type BlockKeeper, KeptBlocks } from './kept-blocks.ts';

/** A database in memory: what it was given by each transaction. */
class Keeper implements BlockKeeper {
  readonly kept = new Map<number, Uint8Array>();
  readonly writes: {
    readonly length: number;
    readonly indices: readonly number[];
    readonly safe: boolean;
  }[] = [];
  full = false;
  /** The promise that a write waits for. */
  slow: Promise<void> = Promise.resolve();

  read(index: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.kept.get(index));
  }

  async write(
    length: number,
    blocks: readonly (readonly [number, BlockBytes])[],
    safe: boolean,
  ): Promise<void> {
    await this.slow;
    if (this.full) throw new Error('no room');
    for (const [index, bytes] of blocks) this.kept.set(index, bytes);
    this.writes.push({ length, indices: blocks.map(([index]) => index), safe });
  }
}

describe('blocks of a disk that was opened', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('are written a moment later, together, also when nobody flushes', async () => {
    const keeper = new Keeper();
    const blocks = new KeptBlocks(keeper, 0);
    await blocks.put(1, Uint8Array.of(1));
    await blocks.put(3, Uint8Array.of(2, 3));
    expect([...(await blocks.read(1)), ...(await blocks.read(2))]).toEqual([1]);
    expect(keeper.writes).toEqual([]);
    await vi.runAllTimersAsync();
    expect(keeper.writes).toEqual([{ length: 3 * BLOCK + 2, indices: [1, 3], safe: false }]);
    expect([...(await blocks.read(3))]).toEqual([2, 3]);
  });

  test('are safe when a flush returns, which does nothing where nothing has changed', async () => {
    const keeper = new Keeper();
    const blocks = new KeptBlocks(keeper, 10 * BLOCK);
    await blocks.put(1, Uint8Array.of(1));
    await vi.runAllTimersAsync();
    await blocks.flush();
    await blocks.flush();
    await blocks.put(2, Uint8Array.of(1));
    await blocks.flush();
    expect(keeper.writes).toEqual([
      { length: 10 * BLOCK, indices: [1], safe: false },
      { length: 10 * BLOCK, indices: [], safe: true },
      { length: 10 * BLOCK, indices: [2], safe: true },
    ]);
  });

  test('that come while others are written are not taken for those', async () => {
    const keeper = new Keeper();
    const blocks = new KeptBlocks(keeper, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    keeper.slow = promise;
    await blocks.put(0, Uint8Array.of(1));
    const flush = blocks.flush();
    // The write has begun.
    await Promise.resolve();
    await blocks.put(0, Uint8Array.of(2));
    resolve();
    await flush;
    expect([...(await blocks.read(0))]).toEqual([2]);
    await blocks.flush();
    expect([...(keeper.kept.get(0) ?? [])]).toEqual([2]);
  });

  test('wait while the browser has no room, 16 MiB of them, and none is lost', async () => {
    const keeper = new Keeper();
    const blocks = new KeptBlocks(keeper, 0);
    keeper.full = true;
    for (let index = 0; index < 256; index++) await blocks.put(index, Uint8Array.of(index));
    await vi.runAllTimersAsync();
    await expect(blocks.flush()).rejects.toThrow('no room');
    await expect(blocks.put(256, Uint8Array.of(1))).rejects.toThrow('no room');
    // One that waits already may change.
    await blocks.put(7, Uint8Array.of(77));
    keeper.full = false;
    await blocks.flush();
    expect(keeper.kept.size).toBe(256);
    expect([...(keeper.kept.get(7) ?? [])]).toEqual([77]);
  });
});
