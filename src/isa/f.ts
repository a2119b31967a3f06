import { type I32, i32, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { type FloatFamily, floatOperations } from './float.ts';
import { F_LOAD, F_STORE, F_TO_X, X_TO_F } from './formats.ts';
import { word, wordResult } from './words.ts';

const SIGN = -0x8000_0000;
const signOf = (value: I32): I32 => i32.and(value, i32.const(SIGN));
const magnitude = (value: I32): I32 => i32.and(value, i32.const(~SIGN));

const singles: FloatFamily<'s'> = {
  format: 's',
  extension: 'f',
  fmt: 0,
  setResult: (float, value) => float.rd.setS(value),
  negate: (value) => i32.xor(value, i32.const(SIGN)),
  withSign: (value, sign) => i32.or(magnitude(value), signOf(sign)),
  xorSign: (value, sign) => i32.xor(value, signOf(sign)),
};

const f = instructionsOf({ extension: 'f', needsFloat: true });

/** F (unprivileged specification, chapter "F"). */
export const fInstructions: readonly InstructionDefinition[] = [
  f('flw', F_LOAD, 0x0000_2007, ({ rs1, imm, float, memory }) =>
    float.rd.setS(word(memory.load('u32', i64.add(rs1, imm)))),
  ),
  // Stores and moves to integer registers take the low bits, whether they are NaN-boxed or not.
  f('fsw', F_STORE, 0x0000_2027, ({ rs1, imm, float, memory }) =>
    memory.store(32, i64.add(rs1, imm), float.rs2.raw),
  ),
  f('fmv.x.w', F_TO_X, 0xe000_0053, ({ rd, float }) => rd.set(wordResult(word(float.rs1.raw)))),
  f('fmv.w.x', X_TO_F, 0xf000_0053, ({ rs1, float }) => float.rd.setS(word(rs1))),
  ...floatOperations(singles),
];
