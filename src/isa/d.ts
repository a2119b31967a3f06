import { type I64, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { type FloatFamily, floatOperations } from './float.ts';
import { F_LOAD, F_STORE, F_TO_X, F_UNARY_ROUNDED, X_TO_F } from './formats.ts';

const SIGN = -(2n ** 63n);
const signOf = (value: I64): I64 => i64.and(value, i64.const(SIGN));
const magnitude = (value: I64): I64 => i64.and(value, i64.const(~SIGN));

const doubles: FloatFamily<'d'> = {
  format: 'd',
  extension: 'd',
  fmt: 1 << 25,
  setResult: (float, value) => float.rd.setD(value),
  negate: (value) => i64.xor(value, i64.const(SIGN)),
  withSign: (value, sign) => i64.or(magnitude(value), signOf(sign)),
  xorSign: (value, sign) => i64.xor(value, signOf(sign)),
};

const d = instructionsOf({ extension: 'd', needsFloat: true });
const d64 = instructionsOf({ extension: 'd', needsFloat: true, xlen: 64 });

/** D (unprivileged specification, chapter "D"). */
export const dInstructions: readonly InstructionDefinition[] = [
  d('fld', F_LOAD, 0x0000_3007, ({ rs1, imm, float, memory }) =>
    float.rd.setD(memory.load('i64', i64.add(rs1, imm))),
  ),
  d('fsd', F_STORE, 0x0000_3027, ({ rs1, imm, float, memory }) =>
    memory.store(64, i64.add(rs1, imm), float.rs2.raw),
  ),
  d('fcvt.s.d', F_UNARY_ROUNDED, 0x4010_0053, ({ float }) => float.rd.setS(float.narrow(float.rs1.d))),
  d('fcvt.d.s', F_UNARY_ROUNDED, 0x4200_0053, ({ float }) => float.rd.setD(float.widen(float.rs1.s))),
  d64('fmv.x.d', F_TO_X, 0xe200_0053, ({ rd, float }) => rd.set(float.rs1.raw)),
  d64('fmv.d.x', X_TO_F, 0xf200_0053, ({ rs1, float }) => float.rd.setD(rs1)),
  ...floatOperations(doubles),
];
