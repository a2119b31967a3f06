import type { ValType } from './expression.ts';

/**
 * A piece of code that has been written once, with holes for numbers. To write it again is to copy it: nothing of what
 * described it is looked at any more.
 */
export interface Stencil {
  /** Bytes, and holes, which are larger. */
  readonly operations: Int32Array;
  /** Types of its own locals, of unknown value before; other stencils may use the same ones. */
  readonly temporaries: readonly ValType[];
  /** Numbers of the imported functions that it calls. */
  readonly callees: readonly number[];
}
