/**
 * The kernel's names for operations on bitmaps and for its spinlock, so that a protocol taken from C reads like its
 * original.
 *
 * A bitmap is given by the index of its first word; `nr` is a bit number in it. The kernel's barriers have no
 * counterpart here, because `Atomics` are sequentially consistent; the protocols mention them in comments where the
 * original has them.
 */
import type { VcpuWords } from '../words.ts';

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

/** `WRITE_ONCE()` of one word. */
export function writeOnce(words: VcpuWords, index: number, value: number): void {
  Atomics.store(words, index, value);
}

/**
 * `__set_bit()`: two accesses, for a bitmap that a lock protects. They are `Atomics` here all the same, because every
 * access to a shared word is.
 */
export function setBitLocked(nr: number, words: VcpuWords, bitmap: number): void {
  const index = bitmap + (nr >> 5);
  Atomics.store(words, index, Atomics.load(words, index) | (1 << (nr & 31)));
}

/** `__clear_bit()`, see {@link setBitLocked}. */
export function clearBitLocked(nr: number, words: VcpuWords, bitmap: number): void {
  const index = bitmap + (nr >> 5);
  Atomics.store(words, index, Atomics.load(words, index) & ~(1 << (nr & 31)));
}

/** `__test_and_set_bit()`, see {@link setBitLocked}: whether the bit was set before. */
export function testAndSetBitLocked(nr: number, words: VcpuWords, bitmap: number): boolean {
  const index = bitmap + (nr >> 5);
  const bit = 1 << (nr & 31);
  const before = Atomics.load(words, index);
  Atomics.store(words, index, before | bit);
  return (before & bit) !== 0;
}

/**
 * `raw_spin_lock()` of a lock in one word. A failed attempt changes nothing and leaves no trace in the caller, so any
 * number of them in a row is one state to a checker.
 *
 * The kernel disables interrupts while it holds the lock; a worker thread cannot, and a thread that waits for one that
 * was descheduled spins until that one runs again.
 */
export function spinLock(words: VcpuWords, lock: number): void {
  // Meets the store in `spinUnlock`, and this access of other threads: one of them gets the lock.
  while (Atomics.compareExchange(words, lock, 0, 1) !== 0) {
    // Spin.
  }
}

/** `raw_spin_unlock()` */
export function spinUnlock(words: VcpuWords, lock: number): void {
  // Meets the compare-exchange in `spinLock`, which acquires the writes under the lock.
  Atomics.store(words, lock, 0);
}
