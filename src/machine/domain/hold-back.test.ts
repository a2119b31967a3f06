import { describe, expect, test } from 'vitest';
import type { PcpuStart } from '../thread.ts';
import { holdBack } from './hold-back.ts';

/** Holds a pCPU back, with a run queue that has so many vCPUs at each look, and none behind the last one. */
function looksOf(start: Pick<PcpuStart, 'index' | 'heldBack'>, waiting: readonly number[]) {
  let looks = 0;
  const scheduler = {
    get waiting() {
      return waiting[looks - 1] ?? 0;
    },
  };
  holdBack(start, scheduler, { rest: () => void looks++ });
  return looks;
}

/** That vCPUs wait at so many looks in a row. */
const waits = (count: number) => Array.from({ length: count }, () => 1);

describe('a pCPU', () => {
  test('that is the first one works at once', () => {
    expect(looksOf({ index: 0, heldBack: 'boot' }, [])).toBe(0);
    expect(looksOf({ index: 0, heldBack: 'restored' }, [])).toBe(0);
  });

  test('of a program of its own works at once', () => {
    expect(looksOf({ index: 1 }, [])).toBe(0);
  });

  test('waits for a bounded time while one thread is enough', () => {
    expect(looksOf({ index: 1, heldBack: 'boot' }, [])).toBe(150);
    expect(looksOf({ index: 1, heldBack: 'restored' }, [])).toBe(20);
    // vCPUs that wait now and then are on their way to a thread.
    const nowAndThen = Array.from({ length: 150 }, (_, index) => index % 2);
    expect(looksOf({ index: 1, heldBack: 'boot' }, nowAndThen)).toBe(150);
    expect(looksOf({ index: 1, heldBack: 'restored' }, nowAndThen)).toBe(20);
  });

  test('works as soon as vCPUs keep waiting', () => {
    expect(looksOf({ index: 1, heldBack: 'boot' }, waits(10))).toBe(10);
    expect(looksOf({ index: 1, heldBack: 'boot' }, [...waits(9), 0, ...waits(10)])).toBe(20);
    expect(looksOf({ index: 3, heldBack: 'restored' }, [0, ...waits(10)])).toBe(11);
  });
});
