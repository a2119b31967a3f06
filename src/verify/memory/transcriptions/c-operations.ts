/**
 * The operations of the C code that protocols are transcribed with, by the names that the kernel, or Xen, has for them.
 * Each does with `Atomics` what the C operation does to the word, and leaves on record which operation of which
 * function it is, by which its ordering is found.
 */
import type { VcpuWords } from '../../../interrupts/words.ts';
import { IRQS_PENDING_LOCK, IRQS_PENDING_MASK } from '../../../interrupts/words.ts';
import { within } from '../../atomics.ts';
import {
  KERNEL_BARRIERS,
  KERNEL_ORDERINGS,
  type KernelBarrier,
  type KernelOperation,
  NAMED_ORDERINGS,
  type Ordering,
} from '../orderings.ts';

/** Operations that KVM and Xen do not use there. */
const OWN_ORDERINGS = {
  /** Linux's names, with the annotations that the ISA has for them; Linux emits a relaxed AMO and a fence. */
  atomic_fetch_or_release: NAMED_ORDERINGS.rel,
  atomic_fetch_andnot_acquire: NAMED_ORDERINGS.acq,
  atomic_fetch_andnot_relaxed: NAMED_ORDERINGS.rlx,
  /** Plain accesses, under a lock. */
  __set_bit: NAMED_ORDERINGS.rlx,
  __clear_bit: NAMED_ORDERINGS.rlx,
  __test_and_set_bit: NAMED_ORDERINGS.rlx,
  /** Plain accesses in program order, one instruction each. */
  load: NAMED_ORDERINGS.rlx,
  store: NAMED_ORDERINGS.rlx,
} as const satisfies Readonly<Record<string, Ordering>>;

export type COperation = KernelOperation | keyof typeof OWN_ORDERINGS;

/** One operation in the text of a function. */
export interface Place {
  /** Its name in reports, for instance `set: set_bit(mask)`. */
  readonly name: string;
  readonly ordering: Ordering;
  /** The barrier that stands directly before it. */
  readonly barrier: KernelBarrier | undefined;
}

function wordName(index: number): string {
  if (index >= IRQS_PENDING_LOCK) return 'lock';
  return index >= IRQS_PENDING_MASK ? 'mask' : 'pending';
}

/** One call of a function of the C code. */
export class CFunction {
  readonly #name: string;
  readonly #places: Map<string, Place>;
  #barrier: KernelBarrier | undefined;

  /**
   * @param name of the function.
   * @param places are added to as operations come.
   */
  constructor(name: string, places: Map<string, Place>) {
    this.#name = name;
    this.#places = places;
  }

  smp_mb(): void {
    this.#barrier = 'smp_mb';
  }

  smp_wmb(): void {
    this.#barrier = 'smp_wmb';
  }

  smp_mb__before_atomic(): void {
    this.#barrier = 'smp_mb__before_atomic';
  }

  set_bit(nr: number, words: VcpuWords, bitmap: number): void {
    this.#do('set_bit', bitmap, () => Atomics.or(words, bitmap + (nr >> 5), bitOf(nr)));
  }

  clear_bit(nr: number, words: VcpuWords, bitmap: number): void {
    this.#do('clear_bit', bitmap, () => Atomics.and(words, bitmap + (nr >> 5), ~bitOf(nr)));
  }

  test_and_set_bit(nr: number, words: VcpuWords, bitmap: number): boolean {
    return this.#do('test_and_set_bit', bitmap, () => {
      return (Atomics.or(words, bitmap + (nr >> 5), bitOf(nr)) & bitOf(nr)) !== 0;
    });
  }

  xchg(words: VcpuWords, index: number, value: number): number {
    return this.#do('xchg', index, () => Atomics.exchange(words, index, value));
  }

  xchg_acquire(words: VcpuWords, index: number, value: number): number {
    return this.#do('xchg_acquire', index, () => Atomics.exchange(words, index, value));
  }

  atomic_fetch_or_release(bits: number, words: VcpuWords, index: number): number {
    return this.#do('atomic_fetch_or_release', index, () => Atomics.or(words, index, bits));
  }

  atomic_fetch_andnot_relaxed(bits: number, words: VcpuWords, index: number): number {
    return this.#do('atomic_fetch_andnot_relaxed', index, () => Atomics.and(words, index, ~bits));
  }

  atomic_fetch_andnot_acquire(bits: number, words: VcpuWords, index: number): number {
    return this.#do('atomic_fetch_andnot_acquire', index, () => Atomics.and(words, index, ~bits));
  }

  READ_ONCE(words: VcpuWords, index: number): number {
    return this.#do('READ_ONCE', index, () => Atomics.load(words, index));
  }

  WRITE_ONCE(words: VcpuWords, index: number, value: number): void {
    this.#do('WRITE_ONCE', index, () => Atomics.store(words, index, value));
  }

  load(words: VcpuWords, index: number): number {
    return this.#do('load', index, () => Atomics.load(words, index));
  }

  store(words: VcpuWords, index: number, value: number): void {
    this.#do('store', index, () => Atomics.store(words, index, value));
  }

  __set_bit(nr: number, words: VcpuWords, bitmap: number): void {
    const index = bitmap + (nr >> 5);
    this.#do('__set_bit', bitmap, () => Atomics.store(words, index, Atomics.load(words, index) | bitOf(nr)));
  }

  __clear_bit(nr: number, words: VcpuWords, bitmap: number): void {
    const index = bitmap + (nr >> 5);
    this.#do('__clear_bit', bitmap, () =>
      Atomics.store(words, index, Atomics.load(words, index) & ~bitOf(nr)),
    );
  }

  __test_and_set_bit(nr: number, words: VcpuWords, bitmap: number): boolean {
    const index = bitmap + (nr >> 5);
    return this.#do('__test_and_set_bit', bitmap, () => {
      const before = Atomics.load(words, index);
      Atomics.store(words, index, before | bitOf(nr));
      return (before & bitOf(nr)) !== 0;
    });
  }

  raw_spin_lock(words: VcpuWords, lock: number): void {
    this.#do('raw_spin_lock', lock, () => {
      while (Atomics.compareExchange(words, lock, 0, 1) !== 0) {
        // Spin.
      }
    });
  }

  raw_spin_unlock(words: VcpuWords, lock: number): void {
    this.#do('raw_spin_unlock', lock, () => Atomics.store(words, lock, 0));
  }

  #do<T>(operation: COperation, index: number, body: () => T): T {
    const name = `${this.#name}: ${operation}(${wordName(index)})`;
    const barrier = this.#barrier;
    this.#barrier = undefined;
    if (!this.#places.has(name)) this.#places.set(name, { name, ordering: orderingOf(operation), barrier });
    return within(name, body);
  }
}

function orderingOf(operation: COperation): Ordering {
  return { ...KERNEL_ORDERINGS, ...OWN_ORDERINGS }[operation];
}

/** The fences of a place's barrier. */
export function fencesOf({ barrier }: Place): (typeof KERNEL_BARRIERS)[KernelBarrier] | readonly [] {
  return barrier === undefined ? [] : KERNEL_BARRIERS[barrier];
}

function bitOf(nr: number): number {
  return 1 << (nr & 31);
}
