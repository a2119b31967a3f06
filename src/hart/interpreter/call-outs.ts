import type { FunctionRef } from '../../wasm/index.ts';

/** Functions that the generated code calls in TypeScript; all work on the hart's block and its mailbox. */
export interface CallOuts {
  /** Decodes the code from the current slot on. */
  readonly decode: FunctionRef<'void'>;
  /** Finds the decoded page of FIELD.pc and sets the current slot. */
  readonly fetch: FunctionRef<'i32'>;
  /** Decodes the instruction at the end of the page and makes it the current slot. */
  readonly straddle: FunctionRef<'i32'>;
  /** Notes that the hart has just arrived at the current slot, now and then, to find the code that is run most. */
  readonly sample: FunctionRef<'void'>;
  /** Notes that FIELD.stretch has ended at a region, now and then, to find the code that no sample meets. */
  readonly stretch: FunctionRef<'void'>;
  /** Leaves the time in ticks, without htimedelta, in the mailbox value. */
  readonly time: FunctionRef<'void'>;
  /** Tells that FIELD.lastRegion is left too often because it cannot go on. */
  readonly deoptimize: FunctionRef<'void'>;
  /** Carries out the current instruction. */
  readonly system: FunctionRef<'i32'>;
  /** Raises an illegal-instruction exception for the current instruction. */
  readonly illegal: FunctionRef<'i32'>;
  /** Loads from the mailbox address into the mailbox value; the argument is an index of LOAD_KINDS. */
  readonly load: FunctionRef<'i32'>;
  /** Stores the mailbox value; the argument is the width in bytes. */
  readonly store: FunctionRef<'i32'>;
  /**
   * A message has made the identity in the mailbox value pending in the interrupt file whose pending bits are at that
   * address of linear memory, where it was not so before.
   */
  readonly message: FunctionRef<'i32'>;
  /**
   * Translates the mailbox address for an atomic access and leaves its address in linear memory in the mailbox value;
   * the argument is the width in bytes, plus 16 for LR (which needs only read permission).
   */
  readonly atomic: FunctionRef<'i32'>;
}

/**
 * The return value of a call-out: `proceed`, or the current slot has changed (a trap, or a jump by TypeScript), or
 * `run` must return.
 */
export const CALL_RESULT = { proceed: 0, changed: 1, leave: 2 } as const;

/** Added to the width in the argument of the `atomic` call-out: read permission suffices. */
export const ATOMIC_READ = 32;
