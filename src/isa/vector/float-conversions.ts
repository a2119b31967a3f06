import type { InstructionDefinition } from '../define.ts';
import { operation, vs1Is } from './define.ts';
import { ELEMENTS, floats } from './float.ts';
import * as F from './formats.ts';
import type { ElementsShape, FloatFunction, FloatScale, FloatUse } from './shapes.ts';

/** Widths of the operand and of the result; and which of the two is a floating-point number. */
interface Conversion {
  readonly from: FloatScale;
  readonly to: FloatScale;
  readonly use: FloatUse;
  /** An integer that is converted is signed. */
  readonly signed?: boolean;
}

function conversion(
  name: string,
  field: number,
  { from, to, use, signed = false }: Conversion,
  compute: FloatFunction,
): InstructionDefinition {
  const shape: ElementsShape = { ...ELEMENTS, a: from, d: to, signedA: signed, float: use, compute };
  return operation(name, F.V_UNARY, 'fvv', 0b010010, shape, vs1Is(field));
}

/** A group of conversions: the ends of their names, the first number in the place of vs1, and the widths. */
interface Widths {
  readonly prefix: string;
  readonly suffix: string;
  readonly field: number;
  readonly from: FloatScale;
  readonly to: FloatScale;
}

const GROUPS: readonly Widths[] = [
  { prefix: 'vfcvt', suffix: 'v', field: 0, from: 0, to: 0 },
  { prefix: 'vfwcvt', suffix: 'v', field: 8, from: 0, to: 1 },
  { prefix: 'vfncvt', suffix: 'w', field: 16, from: 1, to: 0 },
];

/** Between integers, signed or not, and floating-point numbers. */
function withIntegers({ prefix, suffix, field, from, to }: Widths): InstructionDefinition[] {
  return ([false, true] as const).flatMap((signed) => {
    const integer = signed ? 'x' : 'xu';
    const place = field + Number(signed);
    const toInteger: FloatFunction = ({ a, float }) => float.toInteger(a, signed, from, to);
    const fromInteger: FloatFunction = ({ a, float }) => float.fromInteger(a, signed, to);
    const widths = { from, to };
    const truncated = floats([from], { rounding: 'towardZero' });
    const name = (start: string, ...parts: string[]): string => [prefix, start, ...parts, suffix].join('.');
    return [
      conversion(name(integer, 'f'), place, { ...widths, use: floats([from]) }, toInteger),
      conversion(name('f', integer), place + 2, { ...widths, use: floats([to]), signed }, fromInteger),
      conversion(name('rtz', integer, 'f'), place + 6, { ...widths, use: truncated }, toInteger),
    ];
  });
}

const widen: FloatFunction = ({ a, float }) => float.widen(a);
const narrow: FloatFunction = ({ a, float }) => float.narrow(a);
const up = { from: 0, to: 1 } as const;
const down = { from: 1, to: 0 } as const;
const minimal = floats([0, 1], { halves: 'zvfhmin' });
const toOdd = floats([0, 1], { rounding: 'toOdd' });

/** "Vector Floating-Point/Integer Type-Convert Instructions", also those that widen and narrow. */
export const floatConversionInstructions: readonly InstructionDefinition[] = [
  ...GROUPS.flatMap(withIntegers),
  conversion('vfwcvt.f.f.v', 12, { ...up, use: minimal }, widen),
  conversion('vfncvt.f.f.w', 20, { ...down, use: minimal }, narrow),
  conversion('vfncvt.rod.f.f.w', 21, { ...down, use: toOdd }, narrow),
];
