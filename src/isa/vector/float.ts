import { type I64, i64, select } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import type { Format } from '../formats.ts';
import type { FloatArithmetic } from '../semantics.ts';
import { type Category, operation, UNMASKED, vs1Is } from './define.ts';
import * as F from './formats.ts';
import type {
  ElementsFacts,
  ElementsShape,
  FloatFunction,
  FloatScale,
  FloatUse,
  SpecialShape,
} from './shapes.ts';

/** How a variant gets its second operand: elements of vs1, or a floating-point register. */
type Variant = 'v' | 'f';

const BOTH = ['v', 'f'] as const;
const NO_VECTOR = ['f'] as const;

const CATEGORIES: Readonly<Record<Variant, Category>> = { v: 'fvv', f: 'fvf' };
const BINARY: Readonly<Record<Variant, Format>> = { v: F.VV, f: F.VF };
const FUSED: Readonly<Record<Variant, Format>> = { v: F.MAC_VV, f: F.MAC_VF };

/** Use of floating point: all of it with numbers of the widths that are given. */
export function floats(
  widths: readonly FloatScale[] = [0],
  { halves = 'zvfh', rounding = 'dynamic' }: Partial<FloatUse> = {},
): FloatUse {
  return { widths, halves, rounding };
}

/** Common properties: elements of SEW bits with an optional mask. */
export const ELEMENTS = {
  ...{ kind: 'elements', source: 'none', d: 0, a: 0, b: 0 },
  ...{ signedA: false, signedB: false, readsD: false, mask: 'optional', float: floats() },
} as const satisfies ElementsFacts & { readonly float: FloatUse };

/** Differences within a group. */
interface Group {
  readonly d?: FloatScale | 'mask';
  readonly a?: FloatScale;
  readonly fused?: boolean;
}

/** Defines the variants of instructions of two operands. */
function group({ d = 0, a = 0, fused = false }: Group = {}) {
  const wide = d === 1 || a === 1;
  const formats = fused ? FUSED : BINARY;
  const float = floats(wide ? [0, 1] : [0]);
  const first = a === 1 ? 'w' : 'v';
  return (
    name: string,
    funct6: number,
    variants: readonly Variant[],
    compute: FloatFunction,
    lanes?: ElementsFacts['lanes'],
  ): InstructionDefinition[] =>
    variants.map((source) => {
      const fast = lanes === undefined ? {} : { lanes };
      const shape = { ...ELEMENTS, source, d, a, readsD: fused, float, compute, ...fast };
      return operation(`${name}.${first}${source}`, formats[source], CATEGORIES[source], funct6, shape);
    });
}

const of =
  (name: FloatArithmetic): FloatFunction =>
  ({ a, b, float }) =>
    float.arithmetic(name, a, b);
const reversed =
  (name: FloatArithmetic): FloatFunction =>
  ({ a, b, float }) =>
    float.arithmetic(name, b, a);

const plain = group();
const arithmetic = [
  ...plain('vfadd', 0b000000, BOTH, of('add'), 'fadd'),
  ...plain('vfsub', 0b000010, BOTH, of('sub'), 'fsub'),
  ...plain('vfrsub', 0b100111, NO_VECTOR, reversed('sub')),
  ...plain('vfmul', 0b100100, BOTH, of('mul'), 'fmul'),
  ...plain('vfdiv', 0b100000, BOTH, of('div'), 'fdiv'),
  ...plain('vfrdiv', 0b100001, NO_VECTOR, reversed('div')),
  ...plain('vfmin', 0b000100, BOTH, ({ a, b, float }) => float.minmax('min', a, b)),
  ...plain('vfmax', 0b000110, BOTH, ({ a, b, float }) => float.minmax('max', a, b)),
  ...plain('vfsgnj', 0b001000, BOTH, ({ a, b, float }) => float.withSign(a, b)),
  ...plain('vfsgnjn', 0b001001, BOTH, ({ a, b, float }) => float.withSign(a, float.negate(b))),
  ...plain('vfsgnjx', 0b001010, BOTH, ({ a, b, float }) => float.xorSign(a, b)),
];

/** Operands of SEW, or the first one of twice that; results of twice that. */
const widened =
  (name: FloatArithmetic): FloatFunction =>
  ({ a, b, float }) =>
    float.arithmetic(name, float.widen(a), float.widen(b), 1);
const widenedSecond =
  (name: FloatArithmetic): FloatFunction =>
  ({ a, b, float }) =>
    float.arithmetic(name, a, float.widen(b), 1);

const wide = group({ d: 1 });
const wideFirst = group({ d: 1, a: 1 });
const widening = [
  ...wide('vfwadd', 0b110000, BOTH, widened('add')),
  ...wide('vfwsub', 0b110010, BOTH, widened('sub')),
  ...wideFirst('vfwadd', 0b110100, BOTH, widenedSecond('add')),
  ...wideFirst('vfwsub', 0b110110, BOTH, widenedSecond('sub')),
  ...wide('vfwmul', 0b111000, BOTH, widened('mul')),
];

/** ±(b × vs2) ± vd, or ±(b × vd) ± vs2: the function of elements, and that of lanes. */
function multiplyAdd(negateProduct: boolean, negateAddend: boolean, factor: 'a' | 'd') {
  const compute: FloatFunction = ({ a, b, d, float, let: keep }) => {
    const [other, addend] = factor === 'a' ? [a, d] : [d, a];
    const signed = (value: I64, negative: boolean): I64 => (negative ? keep(float.negate(value)) : value);
    return float.fma(signed(b, negateProduct), other, signed(addend, negateAddend));
  };
  return [compute, { negateProduct, negateAddend, factor }] as const;
}

const fusedGroup = group({ fused: true });
const fused = [
  ...fusedGroup('vfmadd', 0b101000, BOTH, ...multiplyAdd(false, false, 'd')),
  ...fusedGroup('vfnmadd', 0b101001, BOTH, ...multiplyAdd(true, true, 'd')),
  ...fusedGroup('vfmsub', 0b101010, BOTH, ...multiplyAdd(false, true, 'd')),
  ...fusedGroup('vfnmsub', 0b101011, BOTH, ...multiplyAdd(true, false, 'd')),
  ...fusedGroup('vfmacc', 0b101100, BOTH, ...multiplyAdd(false, false, 'a')),
  ...fusedGroup('vfnmacc', 0b101101, BOTH, ...multiplyAdd(true, true, 'a')),
  ...fusedGroup('vfmsac', 0b101110, BOTH, ...multiplyAdd(false, true, 'a')),
  ...fusedGroup('vfnmsac', 0b101111, BOTH, ...multiplyAdd(true, false, 'a')),
];

const wideFused =
  (negateProduct: boolean, negateAddend: boolean): FloatFunction =>
  ({ a, b, d, float, let: keep }) => {
    const factor = keep(float.widen(negateProduct ? keep(float.negate(b)) : b));
    const addend = negateAddend ? keep(float.negate(d, 1)) : d;
    return float.fma(factor, float.widen(a), addend, 1);
  };

const wideFusedGroup = group({ d: 1, fused: true });
const wideningFused = [
  ...wideFusedGroup('vfwmacc', 0b111100, BOTH, wideFused(false, false)),
  ...wideFusedGroup('vfwnmacc', 0b111101, BOTH, wideFused(true, true)),
  ...wideFusedGroup('vfwmsac', 0b111110, BOTH, wideFused(false, true)),
  ...wideFusedGroup('vfwnmsac', 0b111111, BOTH, wideFused(true, false)),
];

const test = group({ d: 'mask' });
const comparisons = [
  ...test('vmfeq', 0b011000, BOTH, ({ a, b, float }) => float.compare('eq', a, b)),
  ...test('vmfle', 0b011001, BOTH, ({ a, b, float }) => float.compare('le', a, b)),
  ...test('vmflt', 0b011011, BOTH, ({ a, b, float }) => float.compare('lt', a, b)),
  ...test('vmfne', 0b011100, BOTH, ({ a, b, float }) => i64.xor(float.compare('eq', a, b), i64.const(1))),
  ...test('vmfgt', 0b011101, NO_VECTOR, ({ a, b, float }) => float.compare('lt', b, a)),
  ...test('vmfge', 0b011111, NO_VECTOR, ({ a, b, float }) => float.compare('le', b, a)),
];

/** Functions of one operand: the place of vs1 tells which. */
function unary(
  name: string,
  field: number,
  compute: FloatFunction,
  fast: Pick<ElementsFacts, 'lanes'> = {},
): InstructionDefinition {
  const shape = { ...ELEMENTS, compute, ...fast };
  return operation(`${name}.v`, F.V_UNARY, 'fvv', 0b010011, shape, vs1Is(field));
}

const functions = [
  unary('vfsqrt', 0, ({ a, float }) => float.sqrt(a), { lanes: 'fsqrt' }),
  unary('vfrsqrt7', 4, ({ a, float }) => float.estimate('reciprocalRoot', a)),
  unary('vfrec7', 5, ({ a, float }) => float.estimate('reciprocal', a)),
  unary('vfclass', 16, ({ a, float }) => float.classify(a)),
];

const special = (name: SpecialShape['operation'], source: 'f' | 'none'): SpecialShape => ({
  kind: 'special',
  operation: name,
  source,
  float: floats(),
});
const merge: ElementsShape = {
  ...{ ...ELEMENTS, source: 'f', mask: 'operand' },
  compute: ({ a, b, bit }) => select(i64.eqz(bit), a, b),
};
const fill: ElementsShape = {
  ...{ ...ELEMENTS, source: 'f', a: undefined, mask: 'none', lanes: 'second' },
  compute: ({ b }) => b,
};

/** Moves and slides, of which the scalar is a floating-point register. */
const moves = [
  operation('vfmerge.vfm', F.VF_V0, 'fvf', 0b010111, merge),
  operation('vfmv.v.f', F.MOVE_F, 'fvf', 0b010111, fill, UNMASKED),
  operation('vfmv.f.s', F.V_TO_F, 'fvv', 0b010000, special('vfmv.f.s', 'none'), UNMASKED),
  operation('vfmv.s.f', F.MOVE_F, 'fvf', 0b010000, special('vmv.s.x', 'f'), UNMASKED),
  operation('vfslide1up.vf', F.VF, 'fvf', 0b001110, special('vslide1up', 'f')),
  operation('vfslide1down.vf', F.VF, 'fvf', 0b001111, special('vslide1down', 'f')),
];

function reduction(name: string, funct6: number, compute: FloatFunction, d: FloatScale = 0) {
  const float = floats(d === 1 ? [0, 1] : [0]);
  return operation(`${name}.vs`, F.VV, 'fvv', funct6, {
    kind: 'reduction',
    d,
    signed: false,
    compute,
    float,
  });
}

const sum: FloatFunction = ({ a, b, float }) => float.arithmetic('add', b, a);
const wideSum: FloatFunction = ({ a, b, float }) => float.arithmetic('add', b, float.widen(a), 1);

/**
 * "Vector Single-Width Floating-Point Reduction Instructions" and wide ones. Unordered sums are taken in order, too.
 */
const reductions = [
  reduction('vfredusum', 0b000001, sum),
  reduction('vfredosum', 0b000011, sum),
  reduction('vfredmin', 0b000101, ({ a, b, float }) => float.minmax('min', b, a)),
  reduction('vfredmax', 0b000111, ({ a, b, float }) => float.minmax('max', b, a)),
  reduction('vfwredusum', 0b110001, wideSum, 1),
  reduction('vfwredosum', 0b110011, wideSum, 1),
];

/** "Vector Floating-Point Instructions" but conversions. */
export const floatInstructions: readonly InstructionDefinition[] = [
  ...arithmetic,
  ...widening,
  ...fused,
  ...wideningFused,
  ...comparisons,
  ...functions,
  ...moves,
  ...reductions,
];
