import { type I64, i64 } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import type { Extension } from '../instruction.ts';
import { reverseBits, reverseBitsOfBytes, reverseBytes } from '../words.ts';
import { carryless, carrylessHigh } from '../zbc.ts';
import { operation, vs1Is } from './define.ts';
import { elementsOf } from './elements.ts';
import { V_UNARY, VROR_VI } from './formats.ts';
import type { ElementFunction, ElementOperands, ElementsFacts, ElementsShape } from './shapes.ts';

const BOTH = ['vv', 'vx'] as const;
const SHIFTS = ['vv', 'vx', 'vu'] as const;

const brought = (
  extension: Extension,
  instructions: readonly InstructionDefinition[],
): InstructionDefinition[] => instructions.map((instruction) => ({ ...instruction, extension }));

/** Properties that the functions of one operand share; it is zero-extended. */
const UNSIGNED = {
  ...{ kind: 'elements', source: 'none', d: 0, a: 0, b: 0 },
  ...{ signedA: false, signedB: false, readsD: false, mask: 'optional' },
} as const satisfies ElementsFacts;

function unary(name: string, field: number, compute: ElementFunction): InstructionDefinition {
  return operation(`${name}.v`, V_UNARY, 'mvv', 0b010010, { ...UNSIGNED, compute }, vs1Is(field));
}

/** The upper bits of 64 moved down to those of an element. */
const down = (value: I64, sew: number): I64 => i64.shr_u(value, i64.const(64 - sew));

/** Rotation to the left by the low bits of an amount, of an element that is zero-extended. */
function rotated(a: I64, amount: I64, sew: number): I64 {
  if (sew === 64) return i64.rotl(a, amount);
  const most = i64.const(sew - 1);
  const back = i64.and(i64.sub(i64.const(0), amount), most);
  return i64.or(i64.shl(a, i64.and(amount, most)), i64.shr_u(a, back));
}

const left: ElementFunction = ({ a, b, sew }) => rotated(a, b, sew);
const right: ElementFunction = ({ a, b, sew, let: keep }) => rotated(a, keep(i64.sub(i64.const(0), b)), sew);
const rightByImmediate: ElementsShape = { ...UNSIGNED, source: 'u6', compute: right };

const unsigned = elementsOf({ signedA: false, signedB: false });
const ofCryptography = [
  ...unsigned('vandn', 0b000001, BOTH, ({ a, b }) => i64.and(a, i64.xor(b, i64.const(-1)))),
  unary('vbrev8', 8, (operands) => reverseBitsOfBytes(operands, operands.a)),
  unary('vrev8', 9, (operands) => down(reverseBytes(operands, operands.a, 64), operands.sew)),
  ...unsigned('vror', 0b010100, BOTH, right),
  operation('vror.vi', VROR_VI, 'ivi', 0b010100, rightByImmediate),
  ...unsigned('vrol', 0b010101, BOTH, left),
];

const wide = elementsOf({ d: 1, signedA: false, signedB: false });
const basic = [
  unary('vbrev', 10, (operands) => down(reverseBits(operands, operands.a), operands.sew)),
  unary('vclz', 12, ({ a, sew }) => i64.sub(i64.clz(a), i64.const(64 - sew))),
  unary('vctz', 13, ({ a, sew }) => i64.ctz(sew < 64 ? i64.or(a, i64.const(2 ** sew)) : a)),
  unary('vcpop', 14, ({ a }) => i64.popcnt(a)),
  ...wide('vwsll', 0b110101, SHIFTS, ({ a, b, sew }) => i64.shl(a, i64.and(b, i64.const(2 * sew - 1)))),
];

/** Products without carries are there for elements of 64 bits only. */
const doublewords = elementsOf({ kind: 'multiply', onlySew: 64 });
const named = ({ a, b, let: keep }: ElementOperands): [I64, I64] => [keep(a), keep(b)];
const products = [
  ...doublewords('vclmul', 0b001100, BOTH, (operands) => carryless(operands, ...named(operands))),
  ...doublewords('vclmulh', 0b001101, BOTH, (operands) => carrylessHigh(operands, ...named(operands))),
];

/** Zvbb, its part Zvkb, and Zvbc (unprivileged specification, "Cryptography Extensions: Vector Instructions"). */
export const bitInstructions: readonly InstructionDefinition[] = [
  ...brought('zvkb', ofCryptography),
  ...brought('zvbb', basic),
  ...brought('zvbc', products),
];
