/**
 * Faults: what keeps the checker from giving a verdict. They are neither a proof nor a counterexample, so each kind
 * has a name and an exit status of its own.
 */
const FAULT_KINDS = [
  /** Two runs with the same results did different things: the explored code keeps state that the checker cannot see. */
  'non-determinism',
  /** A shared word was read or written without `Atomics`. */
  'plain-access',
  /** The explored code caught the exception by which the checker suspends it. */
  'swallowed-suspension',
  /** A thread goes on for ever without touching a shared word. */
  'endless-step',
  /** An access that the checker has no model for, or memory that it does not know. */
  'unsupported-access',
  /** A counterexample could not be replayed from its schedule: a defect of the checker. */
  'replay-mismatch',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** Thrown where a fault is found, and reported by `verify` as the verdict `FAULT`. */
export class HarnessFault extends Error {
  override readonly name = 'HarnessFault';
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
