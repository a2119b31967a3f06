import type { Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { type I32, i32 } from '../wasm/operations.ts';

/**
 * Accrued exceptions, the bits of `fflags` (RISC-V unprivileged specification, "Floating-Point Control and Status").
 */
export const FLAG = { inexact: 1, underflow: 2, overflow: 4, divideByZero: 8, invalid: 16 } as const;

/** Rounding modes, the encodings of `frm` (same section). */
export const ROUND = { nearestEven: 0, towardZero: 1, down: 2, up: 3, nearestAway: 4 } as const;

/** ORs bits into the flags word at the address `flags`. */
export function raise(f: FunctionBuilder, flags: Local<'i32'>, bits: I32 | number): void {
  const value = typeof bits === 'number' ? i32.const(bits) : bits;
  f.store('i32.store', flags, i32.or(i32.load(flags), value));
}

/** Nonzero when inexactness was seen already, so that raising it again changes nothing. */
export function inexactSeen(flags: Local<'i32'>): I32 {
  return i32.and(i32.load(flags), i32.const(FLAG.inexact));
}
