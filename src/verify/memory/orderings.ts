/**
 * How the kernel's operations are ordered on RISC-V, as data: a protocol that is written with
 * `interrupts/field/bitops.ts`, as C on hardware. Sources: Linux
 * `arch/riscv/include/asm/{bitops,cmpxchg,barrier,fence}.h` and `include/asm-generic/{barrier,ticket_spinlock}.h`;
 * Xen's `arch/riscv/include/asm` has the same, except where noted.
 */
import { FENCE_FULL, type FenceOrder, type Order, READS, RELAXED, WRITES } from './program.ts';

/** The instructions of one operation: fences, the access with its annotations, fences. */
export interface Ordering {
  readonly before: readonly FenceOrder[];
  readonly order: Order;
  readonly after: readonly FenceOrder[];
  /**
   * The annotations of the load-reserved, for a read-modify-write that is LR/SC; {@link order} is then the
   * store-conditional's, and a comparison that fails executes neither it nor the fences behind. Without it, an AMO.
   */
  readonly reserve?: Order;
}

const ACQUIRE: Order = { acquire: true, release: false, rcsc: true };
const RELEASE: Order = { acquire: false, release: true, rcsc: true };
const BOTH: Order = { acquire: true, release: true, rcsc: true };

const FENCE_R_R: FenceOrder = { before: READS, after: READS };
const FENCE_W_W: FenceOrder = { before: WRITES, after: WRITES };
/** `RISCV_ACQUIRE_BARRIER` */
const FENCE_R_RW: FenceOrder = { before: READS, after: READS | WRITES };
/** `RISCV_RELEASE_BARRIER` */
const FENCE_RW_W: FenceOrder = { before: READS | WRITES, after: WRITES };

function ordering(order: Order, fences: { before?: FenceOrder[]; after?: FenceOrder[] } = {}): Ordering {
  return { before: fences.before ?? [], order, after: fences.after ?? [] };
}

/** Orders as C11 and the literature call them; `sc` is at least as strong as everything else here. */
export const NAMED_ORDERINGS = {
  rlx: ordering(RELAXED),
  acq: ordering(ACQUIRE),
  rel: ordering(RELEASE),
  acqrel: ordering(BOTH),
  sc: ordering(BOTH, { before: [...FENCE_FULL], after: [...FENCE_FULL] }),
} as const satisfies Readonly<Record<string, Ordering>>;

/**
 * The kernel's operations. `test_and_set_bit()` is an `amoor.aqrl` whether or not it changes the bit; the kernel's
 * documentation promises no order when it does not (`Documentation/atomic_bitops.txt`), nor for a failed `cmpxchg()`.
 */
export const KERNEL_ORDERINGS = {
  READ_ONCE: ordering(RELAXED),
  WRITE_ONCE: ordering(RELAXED),
  set_bit: ordering(RELAXED),
  clear_bit: ordering(RELAXED),
  change_bit: ordering(RELAXED),
  clear_bit_unlock: ordering(RELEASE),
  test_and_set_bit: ordering(BOTH),
  test_and_clear_bit: ordering(BOTH),
  test_and_change_bit: ordering(BOTH),
  test_and_set_bit_lock: ordering(ACQUIRE),
  xchg: ordering(BOTH),
  /** Linux only: an unannotated `amoswap` and a fence behind it. */
  xchg_acquire: ordering(RELAXED, { after: [FENCE_R_RW] }),
  xchg_release: ordering(RELAXED, { before: [FENCE_RW_W] }),
  xchg_relaxed: ordering(RELAXED),
  /** LR/SC with `.rl` and a full fence when it succeeds. Xen: `lr.aq` and `sc.aqrl`, no fence. */
  cmpxchg: { ...ordering(RELEASE, { after: [...FENCE_FULL] }), reserve: RELAXED },
  cmpxchg_acquire: { ...ordering(RELAXED, { after: [FENCE_R_RW] }), reserve: RELAXED },
  smp_load_acquire: ordering(RELAXED, { after: [FENCE_R_RW] }),
  smp_store_release: ordering(RELAXED, { before: [FENCE_RW_W] }),
  /** The ticket is taken with a fully ordered `atomic_fetch_add()`. */
  raw_spin_lock: ordering(BOTH),
  raw_spin_unlock: ordering(RELAXED, { before: [FENCE_RW_W] }),
} as const satisfies Readonly<Record<string, Ordering>>;

export type KernelOperation = keyof typeof KERNEL_ORDERINGS;

/** Barriers that stand alone. */
export const KERNEL_BARRIERS = {
  smp_mb: FENCE_FULL,
  smp_rmb: [FENCE_R_R],
  smp_wmb: [FENCE_W_W],
  smp_mb__before_atomic: FENCE_FULL,
  smp_mb__after_atomic: FENCE_FULL,
} as const satisfies Readonly<Record<string, readonly FenceOrder[]>>;

export type KernelBarrier = keyof typeof KERNEL_BARRIERS;

/** One order that was taken away. */
export interface Weakening {
  /** The place that was weakened: an operation or a barrier. */
  readonly at: string;
  /** The missing order, as assembly calls it: `.aq`, `.rl`, `fence rw,rw`. */
  readonly without: string;
}

/** The orderings of a protocol by the place in it, for instance `flush: xchg_acquire`. */
export interface ProtocolOrderings {
  readonly accesses: Readonly<Record<string, Ordering>>;
  readonly barriers: Readonly<Record<string, readonly FenceOrder[]>>;
}

/**
 * Every way to take one order away. An order is load-bearing when a property that holds with all of them fails without
 * it.
 */
export function* weaken(
  orderings: ProtocolOrderings,
): Generator<{ readonly weakening: Weakening; readonly orderings: ProtocolOrderings }> {
  for (const [at, access] of Object.entries(orderings.accesses)) {
    for (const [without, weaker] of weakerAccesses(access)) {
      const accesses = { ...orderings.accesses, [at]: weaker };
      yield { weakening: { at, without }, orderings: { ...orderings, accesses } };
    }
  }
  for (const [at, fences] of Object.entries(orderings.barriers)) {
    for (const [index, fence] of fences.entries()) {
      const barriers = { ...orderings.barriers, [at]: fences.filter((_, other) => other !== index) };
      yield { weakening: { at, without: fenceText(fence) }, orderings: { ...orderings, barriers } };
    }
  }
}

function* weakerAccesses(access: Ordering): Generator<readonly [string, Ordering]> {
  const { order, reserve } = access;
  if (order.acquire) yield ['.aq', { ...access, order: { ...order, acquire: false } }];
  if (order.release) yield ['.rl', { ...access, order: { ...order, release: false } }];
  if (reserve?.acquire) yield ['lr.aq', { ...access, reserve: { ...reserve, acquire: false } }];
  for (const side of ['before', 'after'] as const) {
    for (const [index, fence] of access[side].entries()) {
      yield [fenceText(fence), { ...access, [side]: access[side].filter((_, other) => other !== index) }];
    }
  }
}

/** A fence as assembly writes it. */
export function fenceText({ before, after }: FenceOrder): string {
  const set = (mask: number): string => (mask & READS ? 'r' : '') + (mask & WRITES ? 'w' : '');
  return `fence ${set(before)},${set(after)}`;
}
