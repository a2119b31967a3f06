/**
 * The kernel's names for atomic operations on bitmaps, so that a protocol taken from C reads like its original.
 *
 * A bitmap is given by the index of its first word; `nr` is a bit number in it. The kernel's barriers have no
 * counterpart here, because `Atomics` are sequentially consistent; the protocols mention them in comments where the
 * original has them.
 */
import type { VcpuWords } from './words.ts';

/** `set_bit()` */
export function setBit(nr: number, words: VcpuWords, bitmap: number): void {
  Atomics.or(words, bitmap + (nr >> 5), 1 << (nr & 31));
}

/** `clear_bit()` */
export function clearBit(nr: number, words: VcpuWords, bitmap: number): void {
  Atomics.and(words, bitmap + (nr >> 5), ~(1 << (nr & 31)));
}

/** `test_and_set_bit()`: whether the bit was set before. */
export function testAndSetBit(nr: number, words: VcpuWords, bitmap: number): boolean {
  const bit = 1 << (nr & 31);
  return (Atomics.or(words, bitmap + (nr >> 5), bit) & bit) !== 0;
}

/** `xchg()` and `xchg_acquire()` of one word. */
export function xchg(words: VcpuWords, index: number, value: number): number {
  return Atomics.exchange(words, index, value);
}

/** `READ_ONCE()`, Xen's `ACCESS_ONCE()`, of one word. */
export function readOnce(words: VcpuWords, index: number): number {
  return Atomics.load(words, index);
}
