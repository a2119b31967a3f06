import { type I32, i32, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { type FloatFamily, floatOperations } from './float.ts';
import { F_LOAD, F_STORE, F_TO_X, F_UNARY_ROUNDED, X_TO_F } from './formats.ts';
import { word } from './words.ts';

const SIGN = 0x8000;
const signOf = (value: I32): I32 => i32.and(value, i32.const(SIGN));

const halves: FloatFamily<'h'> = {
  format: 'h',
  extension: 'zfh',
  fmt: 2 << 25,
  setResult: (float, value) => float.rd.setH(value),
  negate: (value) => i32.xor(value, i32.const(SIGN)),
  withSign: (value, sign) => i32.or(i32.and(value, i32.const(SIGN - 1)), signOf(sign)),
  xorSign: (value, sign) => i32.xor(value, signOf(sign)),
};

const zfhmin = instructionsOf({ extension: 'zfhmin', needsFloat: true });
const withDoubles = instructionsOf({ extension: 'zfhmin', alsoNeeds: 'd', needsFloat: true });

/** Zfhmin, the part that keeps and converts halves, and Zfh, which computes with them. */
export const zfhInstructions: readonly InstructionDefinition[] = [
  zfhmin('flh', F_LOAD, 0x0000_1007, ({ rs1, imm, float, memory }) =>
    float.rd.setH(word(memory.load('u16', i64.add(rs1, imm)))),
  ),
  zfhmin('fsh', F_STORE, 0x0000_1027, ({ rs1, imm, float, memory }) =>
    memory.store(16, i64.add(rs1, imm), float.rs2.raw),
  ),
  zfhmin('fmv.x.h', F_TO_X, 0xe400_0053, ({ rd, float }) => rd.set(i64.extend16_s(float.rs1.raw))),
  zfhmin('fmv.h.x', X_TO_F, 0xf400_0053, ({ rs1, float }) =>
    float.rd.setH(i32.and(word(rs1), i32.const(0xffff))),
  ),
  zfhmin('fcvt.s.h', F_UNARY_ROUNDED, 0x4020_0053, ({ float }) =>
    float.rd.setS(float.fromHalf('s', float.rs1.h)),
  ),
  zfhmin('fcvt.h.s', F_UNARY_ROUNDED, 0x4400_0053, ({ float }) =>
    float.rd.setH(float.toHalf('s', float.rs1.s)),
  ),
  withDoubles('fcvt.d.h', F_UNARY_ROUNDED, 0x4220_0053, ({ float }) =>
    float.rd.setD(float.fromHalf('d', float.rs1.h)),
  ),
  withDoubles('fcvt.h.d', F_UNARY_ROUNDED, 0x4410_0053, ({ float }) =>
    float.rd.setH(float.toHalf('d', float.rs1.d)),
  ),
  ...floatOperations(halves),
];
