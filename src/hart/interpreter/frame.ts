import type { FloatFunctions } from '../../float/float.ts';
import type { Xlen } from '../../isa/index.ts';
import type { FunctionBuilder, FunctionRef, I32, I64, Local } from '../../wasm/index.ts';
import type { CallOuts } from './call-outs.ts';
import type { PrivilegedCode } from './privileged-code.ts';

/** The function into which the code of an instruction is generated: the dispatch loop, or a function of its own. */
export interface Frame {
  readonly f: FunctionBuilder;
  /** Address of the hart block. */
  readonly hart: Local<'i32'>;
  /** Address of the current slot. */
  readonly slot: Local<'i32'>;
  readonly xlen: Xlen;
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
