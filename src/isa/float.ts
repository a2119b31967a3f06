import { i64 } from '../wasm/index.ts';
import { type Define, type InstructionDefinition, instructionsOf } from './define.ts';
import {
  F_BINARY,
  F_BINARY_ROUNDED,
  F_COMPARE,
  F_FUSED,
  F_TO_X,
  F_TO_X_ROUNDED,
  F_UNARY_ROUNDED,
  X_TO_F_ROUNDED,
} from './formats.ts';
import type { Extension } from './instruction.ts';
import type { FloatBits, FloatFormat, FloatSemantics, IntegerFormat, SemanticsOf } from './semantics.ts';

/** Differences between the formats: the fmt field of the encoding, and how signs are handled on raw bits. */
export interface FloatFamily<F extends FloatFormat> {
  readonly format: F;
  readonly extension: Extension;
  /** The fmt field (bits 26:25) in place. */
  readonly fmt: number;
  setResult(float: FloatSemantics, value: FloatBits[F]): void;
  negate(value: FloatBits[F]): FloatBits[F];
  /** The magnitude of `value` with the sign of `sign`. */
  withSign(value: FloatBits[F], sign: FloatBits[F]): FloatBits[F];
  /** The magnitude of `value` with the sign of `value` xor that of `sign`. */
  xorSign(value: FloatBits[F], sign: FloatBits[F]): FloatBits[F];
}

const ARITHMETIC = { add: 0x0000_0053, sub: 0x0800_0053, mul: 0x1000_0053, div: 0x1800_0053 } as const;
const INTEGERS = { w: 0, wu: 1, l: 2, lu: 3 } as const satisfies Record<IntegerFormat, number>;

/** The operations of one format; the formats differ in nothing but width. */
export function floatOperations<F extends FloatFormat>(family: FloatFamily<F>): InstructionDefinition[] {
  const { extension } = family;
  const define = instructionsOf({ extension, needsFloat: true });
  const define64 = instructionsOf({ extension, needsFloat: true, xlen: 64 });
  return [
    ...arithmetic(family, define),
    ...fused(family, define),
    ...signs(family, define),
    ...comparisons(family, define),
    ...conversions(family, 'w', define),
    ...conversions(family, 'wu', define),
    ...conversions(family, 'l', define64),
    ...conversions(family, 'lu', define64),
  ];
}

function arithmetic<F extends FloatFormat>(family: FloatFamily<F>, define: Define): InstructionDefinition[] {
  const { format, fmt } = family;
  const operations = (['add', 'sub', 'mul', 'div'] as const).map((operation) =>
    define(`f${operation}.${format}`, F_BINARY_ROUNDED, ARITHMETIC[operation] | fmt, ({ float }) =>
      family.setResult(float, float.arithmetic(operation, format, float.rs1[format], float.rs2[format])),
    ),
  );
  const minmax = (['min', 'max'] as const).map((which, funct3) =>
    define(`f${which}.${format}`, F_BINARY, 0x2800_0053 | (funct3 << 12) | fmt, ({ float }) =>
      family.setResult(float, float.minmax(which, format, float.rs1[format], float.rs2[format])),
    ),
  );
  const sqrt = define(`fsqrt.${format}`, F_UNARY_ROUNDED, 0x5800_0053 | fmt, ({ float }) =>
    family.setResult(float, float.sqrt(format, float.rs1[format])),
  );
  return [...operations, sqrt, ...minmax];
}

/** ±(rs1 × rs2) ± rs3 with one rounding: the signs are those of the first factor and of the addend. */
function fused<F extends FloatFormat>(family: FloatFamily<F>, define: Define): InstructionDefinition[] {
  const { format, fmt, negate } = family;
  const operation = (name: string, opcode: number, negateProduct: boolean, negateAddend: boolean) =>
    define(`${name}.${format}`, F_FUSED, opcode | fmt, ({ float }) => {
      const factor = negateProduct ? negate(float.rs1[format]) : float.rs1[format];
      const addend = negateAddend ? negate(float.rs3[format]) : float.rs3[format];
      family.setResult(float, float.fma(format, factor, float.rs2[format], addend));
    });
  return [
    operation('fmadd', 0x43, false, false),
    operation('fmsub', 0x47, false, true),
    operation('fnmsub', 0x4b, true, false),
    operation('fnmadd', 0x4f, true, true),
  ];
}

function signs<F extends FloatFormat>(family: FloatFamily<F>, define: Define): InstructionDefinition[] {
  const { format, fmt, withSign, xorSign, negate } = family;
  const operation = (name: string, funct3: number, combine: typeof withSign) =>
    define(`${name}.${format}`, F_BINARY, 0x2000_0053 | (funct3 << 12) | fmt, ({ float }) =>
      family.setResult(float, combine(float.rs1[format], float.rs2[format])),
    );
  return [
    operation('fsgnj', 0, withSign),
    operation('fsgnjn', 1, (value, sign) => withSign(value, negate(sign))),
    operation('fsgnjx', 2, xorSign),
  ];
}

function comparisons<F extends FloatFormat>(family: FloatFamily<F>, define: Define): InstructionDefinition[] {
  const { format, fmt } = family;
  const comparison = (['le', 'lt', 'eq'] as const).map((which, funct3) =>
    define(`f${which}.${format}`, F_COMPARE, 0xa000_0053 | (funct3 << 12) | fmt, ({ rd, float }) =>
      rd.set(i64.extend_i32_u(float.compare(which, format, float.rs1[format], float.rs2[format]))),
    ),
  );
  const classify: SemanticsOf = ({ rd, float }) =>
    rd.set(i64.extend_i32_u(float.classify(format, float.rs1[format])));
  return [...comparison, define(`fclass.${format}`, F_TO_X, 0xe000_1053 | fmt, classify)];
}

function conversions<F extends FloatFormat>(
  family: FloatFamily<F>,
  integer: IntegerFormat,
  define: Define,
): InstructionDefinition[] {
  const { format, fmt } = family;
  const selector = INTEGERS[integer] << 20;
  return [
    define(`fcvt.${integer}.${format}`, F_TO_X_ROUNDED, 0xc000_0053 | selector | fmt, ({ rd, float }) =>
      rd.set(float.toInteger(integer, format, float.rs1[format])),
    ),
    define(`fcvt.${format}.${integer}`, X_TO_F_ROUNDED, 0xd000_0053 | selector | fmt, ({ rs1, float }) =>
      family.setResult(float, float.fromInteger(integer, format, rs1)),
    ),
  ];
}
