import { type I32, type I64, i64, select } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { operation, UNMASKED, vs1Is } from './define.ts';
import { elementsOf, PLAIN, v0Suffix, WITH_V0, wideSuffix } from './elements.ts';
import * as F from './formats.ts';
import type { ElementFunction, ElementsShape, Scale, Source } from './shapes.ts';

const ALL = ['vv', 'vx', 'vi'] as const;
const NO_IMMEDIATE = ['vv', 'vx'] as const;
const NO_VECTOR = ['vx', 'vi'] as const;
const SHIFTS = ['vv', 'vx', 'vu'] as const;

const bit = (condition: I32): I64 => i64.extend_i32_u(condition);
/** The amount of a shift: as many low bits as the shifted width has numbers. */
const amount = (b: I64, width: number): I64 => i64.and(b, i64.const(width - 1));

const signed = elementsOf();
const unsigned = elementsOf({ signedA: false, signedB: false });

const arithmetic = [
  ...signed('vadd', 0b000000, ALL, ({ a, b }) => i64.add(a, b), 'add'),
  ...signed('vsub', 0b000010, NO_IMMEDIATE, ({ a, b }) => i64.sub(a, b), 'sub'),
  ...signed('vrsub', 0b000011, NO_VECTOR, ({ a, b }) => i64.sub(b, a), 'reverseSub'),
  ...unsigned('vminu', 0b000100, NO_IMMEDIATE, ({ a, b }) => select(i64.lt_u(a, b), a, b), 'min_u'),
  ...signed('vmin', 0b000101, NO_IMMEDIATE, ({ a, b }) => select(i64.lt_s(a, b), a, b), 'min_s'),
  ...unsigned('vmaxu', 0b000110, NO_IMMEDIATE, ({ a, b }) => select(i64.gt_u(a, b), a, b), 'max_u'),
  ...signed('vmax', 0b000111, NO_IMMEDIATE, ({ a, b }) => select(i64.gt_s(a, b), a, b), 'max_s'),
  ...signed('vand', 0b001001, ALL, ({ a, b }) => i64.and(a, b), 'and'),
  ...signed('vor', 0b001010, ALL, ({ a, b }) => i64.or(a, b), 'or'),
  ...signed('vxor', 0b001011, ALL, ({ a, b }) => i64.xor(a, b), 'xor'),
];

const shifts = [
  ...signed('vsll', 0b100101, SHIFTS, ({ a, b, sew }) => i64.shl(a, amount(b, sew)), 'shl'),
  ...unsigned('vsrl', 0b101000, SHIFTS, ({ a, b, sew }) => i64.shr_u(a, amount(b, sew)), 'shr_u'),
  ...signed('vsra', 0b101001, SHIFTS, ({ a, b, sew }) => i64.shr_s(a, amount(b, sew)), 'shr_s'),
];

const narrowing = { a: 1, suffix: wideSuffix } as const;
const narrowUnsigned = elementsOf({ ...narrowing, signedA: false });
const narrowSigned = elementsOf(narrowing);
const narrowingShifts = [
  ...narrowUnsigned('vnsrl', 0b101100, SHIFTS, ({ a, b, sew }) => i64.shr_u(a, amount(b, 2 * sew))),
  ...narrowSigned('vnsra', 0b101101, SHIFTS, ({ a, b, sew }) => i64.shr_s(a, amount(b, 2 * sew))),
];

const withCarry = elementsOf({ formats: WITH_V0, mask: 'operand', suffix: v0Suffix });
const carryGroup = { d: 'mask', signedA: false, signedB: false } as const;
const carryIn = elementsOf({ ...carryGroup, formats: WITH_V0, mask: 'operand', suffix: v0Suffix });
const carryOnly = elementsOf({ ...carryGroup, formats: PLAIN, mask: 'none', fixed: UNMASKED });

/** Bit SEW of a + b + carry. With 64 bits the sum has wrapped around if it is less than an operand. */
const carryOut: ElementFunction = ({ a, b, bit: carry, sew, let: name }) => {
  const sum = name(i64.add(i64.add(a, b), carry));
  if (sew < 64) return i64.shr_u(sum, i64.const(sew));
  return bit(select(i64.eqz(carry), i64.lt_u(sum, a), i64.le_u(sum, a)));
};
const borrowOut: ElementFunction = ({ a, b, bit: borrow }) =>
  bit(select(i64.eqz(borrow), i64.lt_u(a, b), i64.le_u(a, b)));

const carries = [
  ...withCarry('vadc', 0b010000, ALL, ({ a, b, bit: carry }) => i64.add(i64.add(a, b), carry)),
  ...carryIn('vmadc', 0b010001, ALL, carryOut),
  ...carryOnly('vmadc', 0b010001, ALL, carryOut),
  ...withCarry('vsbc', 0b010010, NO_IMMEDIATE, ({ a, b, bit: borrow }) => i64.sub(i64.sub(a, b), borrow)),
  ...carryIn('vmsbc', 0b010011, NO_IMMEDIATE, borrowOut),
  ...carryOnly('vmsbc', 0b010011, NO_IMMEDIATE, borrowOut),
];

const signedTest = elementsOf({ d: 'mask' });
const unsignedTest = elementsOf({ d: 'mask', signedA: false, signedB: false });
const comparisons = [
  ...signedTest('vmseq', 0b011000, ALL, ({ a, b }) => bit(i64.eq(a, b)), 'eq'),
  ...signedTest('vmsne', 0b011001, ALL, ({ a, b }) => bit(i64.ne(a, b)), 'ne'),
  ...unsignedTest('vmsltu', 0b011010, NO_IMMEDIATE, ({ a, b }) => bit(i64.lt_u(a, b)), 'lt_u'),
  ...signedTest('vmslt', 0b011011, NO_IMMEDIATE, ({ a, b }) => bit(i64.lt_s(a, b)), 'lt_s'),
  ...unsignedTest('vmsleu', 0b011100, ALL, ({ a, b }) => bit(i64.le_u(a, b)), 'le_u'),
  ...signedTest('vmsle', 0b011101, ALL, ({ a, b }) => bit(i64.le_s(a, b)), 'le_s'),
  ...unsignedTest('vmsgtu', 0b011110, NO_VECTOR, ({ a, b }) => bit(i64.gt_u(a, b)), 'gt_u'),
  ...signedTest('vmsgt', 0b011111, NO_VECTOR, ({ a, b }) => bit(i64.gt_s(a, b)), 'gt_s'),
];

const merge = elementsOf({ formats: WITH_V0, mask: 'operand', suffix: v0Suffix });

/** A move from one source. */
function move(source: Source): ElementsShape {
  const rest = { signedA: true, signedB: true, readsD: false, mask: 'none', lanes: 'second' } as const;
  return { kind: 'elements', source, d: 0, a: undefined, b: 0, ...rest, compute: ({ b }) => b };
}

const moves = [
  ...merge('vmerge', 0b010111, ALL, ({ a, b, bit: chosen }) => select(i64.eqz(chosen), a, b)),
  operation('vmv.v.v', F.MOVE_V, 'ivv', 0b010111, move('v'), UNMASKED),
  operation('vmv.v.x', F.MOVE_X, 'ivx', 0b010111, move('x'), UNMASKED),
  operation('vmv.v.i', F.MOVE_I, 'ivi', 0b010111, move('i'), UNMASKED),
  ...([1, 2, 4, 8] as const).map((registers) =>
    operation(
      `vmv${registers}r.v`,
      F.V_UNARY_PLAIN,
      'ivi',
      0b100111,
      { kind: 'whole-move', registers },
      UNMASKED | vs1Is(registers - 1),
    ),
  ),
];

/** vzext and vsext: the field of vs1 has the factor. */
const extensions = (
  [
    [8, -3, 2],
    [4, -2, 4],
    [2, -1, 6],
  ] as const
).flatMap(([factor, a, field]) => [
  extension(`vzext.vf${factor}`, a, false, field),
  extension(`vsext.vf${factor}`, a, true, field + 1),
]);

function extension(name: string, a: Scale, signedA: boolean, field: number): InstructionDefinition {
  const rest = { b: 0, signedB: true, readsD: false, mask: 'optional' } as const;
  const compute: ElementFunction = ({ a: value }) => value;
  const shape = { kind: 'elements', source: 'none', d: 0, a, signedA, ...rest, compute } as const;
  return operation(name, F.V_UNARY, 'mvv', 0b010010, shape, vs1Is(field));
}

/** "Vector Integer Arithmetic Instructions" but products and quotients. */
export const integerInstructions: readonly InstructionDefinition[] = [
  ...arithmetic,
  ...shifts,
  ...narrowingShifts,
  ...carries,
  ...comparisons,
  ...moves,
  ...extensions,
];
