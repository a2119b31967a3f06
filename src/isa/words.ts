import { type I32, type I64, i32, i64 } from '../wasm/index.ts';

/** The low 32 bits of a register. */
export function word(value: I64): I32 {
  return i32.wrap_i64(value);
}

/** A 32-bit result as RV64 keeps it: sign-extended. */
export function wordResult(value: I32): I64 {
  return i64.extend_i32_s(value);
}

/** The amount of a 32-bit shift; WebAssembly takes it modulo 32, as RISC-V does. */
export function shiftAmount(value: I64): I32 {
  return i32.wrap_i64(value);
}

/** The low 32 bits of a register, zero-extended. */
export function unsignedWord(value: I64): I64 {
  return i64.and(value, i64.const(0xffff_ffff));
}
