/**
 * The next thing that a thread does: an access to one shared word, or one of the checker's own pauses. Kinds are small
 * integers because the explorer keeps them in typed arrays.
 */
export const Kind = {
  LOAD: 0,
  STORE: 1,
  OR: 2,
  AND: 3,
  XOR: 4,
  EXCHANGE: 5,
  COMPARE_EXCHANGE: 6,
  ADD: 7,
  SUB: 8,
  /** Waits until the word equals the operand. */
  AWAIT_EQUAL: 9,
  /** Waits until the word differs from the operand. */
  AWAIT_DIFFERENT: 10,
  /**
   * `Atomics.wait` looks: falls asleep when the word equals the operand. `b` is 1 when the wait has a limit of time.
   */
  WAIT: 11,
  /** The thread sleeps in `Atomics.wait`, or has been woken there and has not gone on yet. Operands as of `WAIT`. */
  ASLEEP: 12,
  /** `Atomics.notify` of at most so many threads as the operand says. */
  NOTIFY: 13,
  /** Branches: the operand is the number of ways to go on. */
  CHOOSE: 14,
  /** The thread has ended. */
  END: 15,
  /** The explored code threw an error, or the world found a rule broken. */
  FAIL: 16,
} as const;

export type Kind = (typeof Kind)[keyof typeof Kind];

/** The kinds that access a word; all of them come before {@link Kind.CHOOSE}. */
export function touchesMemory(kind: Kind): boolean {
  return kind < Kind.CHOOSE;
}

/** The results of {@link Kind.WAIT} and {@link Kind.ASLEEP} for the thread. */
export const WaitResult = {
  /** Of `ASLEEP`: somebody woke the thread. */
  WOKEN: 0,
  /** Of `WAIT`: the word differed. */
  DIFFERENT: 1,
  /** Of `WAIT`: the thread sleeps now. */
  SLEEPS: 2,
  /** Of `ASLEEP`: time was over. */
  TIMED_OUT: 3,
} as const;

/** The operand of a {@link Kind.NOTIFY} that wakes all. */
export const ALL_SLEEPERS = 255;

/** Whether an operation is about the threads that sleep on a word, beside or instead of its content. */
export function concernsSleepers(kind: Kind): boolean {
  return kind >= Kind.WAIT && kind <= Kind.NOTIFY;
}

/** Names of the accesses as `Atomics` has them. */
export const ATOMICS_KINDS = {
  load: Kind.LOAD,
  store: Kind.STORE,
  or: Kind.OR,
  and: Kind.AND,
  xor: Kind.XOR,
  exchange: Kind.EXCHANGE,
  compareExchange: Kind.COMPARE_EXCHANGE,
  add: Kind.ADD,
  sub: Kind.SUB,
} as const;

/** One pending operation of a thread. For a compare-exchange `a` is the expected value and `b` the replacement. */
export interface Operation {
  readonly kind: Kind;
  /** Address in the {@link SharedMemory} of the scenario, -1 when the kind touches no memory. */
  readonly address: number;
  readonly a: number;
  readonly b: number;
  /** The function of the protocol that does it, where that is recorded (see `located`). */
  readonly within?: string;
}

/** The content of the word after the operation found `old` in it. */
export function valueAfter(kind: Kind, old: number, a: number, b: number): number {
  switch (kind) {
    case Kind.STORE:
    case Kind.EXCHANGE:
      return a;
    case Kind.OR:
      return old | a;
    case Kind.AND:
      return old & a;
    case Kind.XOR:
      return old ^ a;
    case Kind.COMPARE_EXCHANGE:
      return old === a ? b : old;
    case Kind.ADD:
      return (old + a) | 0;
    case Kind.SUB:
      return (old - a) | 0;
    default:
      return old;
  }
}

/** The result of the operation for the thread when it found `old`. */
export function resultOf(kind: Kind, old: number, a: number): number {
  return kind === Kind.STORE ? a : old;
}

/**
 * Whether a thread that is about to wait for a word may go on when the word holds `value`. Of a thread that sleeps the
 * word says nothing.
 */
export function isEnabled(kind: Kind, value: number, a: number): boolean {
  if (kind === Kind.AWAIT_EQUAL) return value === a;
  if (kind === Kind.AWAIT_DIFFERENT) return value !== a;
  return kind < Kind.END && kind !== Kind.ASLEEP;
}
