import type { FloatFunctions } from '../../float/float.ts';
import type { FunctionBuilder, FunctionRef, I32, I64, Local } from '../../wasm/index.ts';
import type { PrivilegedCode } from './privileged-code.ts';

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
  /** Leaves the time in ticks, without htimedelta, in the mailbox value. */
  readonly time: FunctionRef<'void'>;
  /** Tells that FIELD.lastRegion is left too often because it cannot go on. */
  readonly balk: FunctionRef<'void'>;
  /** Carries out the current instruction. */
  readonly system: FunctionRef<'i32'>;
  /** Raises an illegal-instruction exception for the current instruction. */
  readonly illegal: FunctionRef<'i32'>;
  /** Loads from the mailbox address into the mailbox value; the argument is an index of LOAD_KINDS. */
  readonly load: FunctionRef<'i32'>;
  /** Stores the mailbox value; the argument is the width in bytes. */
  readonly store: FunctionRef<'i32'>;
  /**
   * Translates the mailbox address for an atomic access and leaves its address in linear memory in the mailbox value;
   * the argument is the width in bytes, plus 16 for LR (which needs only read permission).
   */
  readonly atomic: FunctionRef<'i32'>;
}

/**
 * What a call-out returns: `proceed`, or that the current slot has changed (a trap, or a jump by TypeScript), or that
 * `run` must return.
 */
export const STATUS = { proceed: 0, changed: 1, leave: 2 } as const;

/** The function into which the code of an instruction is generated: the dispatch loop, or a function of its own. */
export interface Frame {
  readonly f: FunctionBuilder;
  /** Address of the hart block. */
  readonly hart: Local<'i32'>;
  /** Address of the current slot. */
  readonly slot: Local<'i32'>;
  readonly out: CallOuts;
  readonly float: FloatFunctions;
  readonly privileged: PrivilegedCode;
  /** Makes a call-out and leaves the instruction unless it returns `proceed`. */
  callOut(callee: FunctionRef<'i32'>, ...args: I32[]): void;
  /** Continues `distance` bytes of slots further (a jump within the page). */
  goNear(distance: I32): void;
  /** Continues at a guest-virtual address. */
  goFar(target: I64): void;
}
