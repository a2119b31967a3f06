import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  datum,
  ENCODINGS,
  FORMATS,
  type FormatName,
  type FunctionName,
  instantiate,
  integer,
  MODES,
  neighbour,
  specials,
} from '../../test/float/harness.ts';
import {
  arithmetic,
  classify,
  compare,
  DOUBLE,
  extremum,
  fromInteger,
  HALF,
  integral,
  modularWord,
  nanExtremum,
  type Operation,
  quietCompare,
  type Result,
  resize,
  SINGLE,
  toInteger,
} from '../../test/float/reference.ts';
import { ModuleBuilder } from '../wasm/index.ts';
import { declareFloat, defineFloat } from './float.ts';

const run = instantiate();
const REPEATABLE = { seed: 20260801, numRuns: 3000 };
const mode = fc.constantFrom(...MODES);

/** Flags set before an operation: none, or inexact, which opens the fast paths, or all others. */
const BEFORE = [0, 1, 30] as const;

/** Fails unless the function gives the reference's bits and adds the reference's flags to any earlier ones. */
function check(name: FunctionName, operands: readonly bigint[], rm: number, reference: Result): void {
  for (const before of BEFORE) {
    const { bits, flags } = run(name, operands, rm, before);
    const wanted = BigInt.asUintN(64, reference.bits);
    if (bits === wanted && flags === (before | reference.flags)) continue;
    const hex = operands.map((operand) => operand.toString(16)).join(', ');
    const call = `${name}(${hex}) in mode ${rm} with flags ${before}`;
    expect({ call, bits: bits.toString(16), flags }).toEqual({
      call,
      bits: wanted.toString(16),
      flags: before | reference.flags,
    });
  }
}

function checkArithmetic(format: FormatName, operation: Operation, operands: readonly bigint[], rm: number) {
  const reference = arithmetic(ENCODINGS[format], operation, operands, rm);
  check(`${format}.${operation}`, operands, rm, reference);
}

const BINARY = ['add', 'sub', 'mul', 'div'] as const;
const INTEGERS = [
  { name: 'I32', width: 32, signed: true },
  { name: 'U32', width: 32, signed: false },
  { name: 'I64', width: 64, signed: true },
  { name: 'U64', width: 64, signed: false },
] as const;

describe.each(FORMATS)('%s', (format) => {
  const encoding = ENCODINGS[format];
  const any = datum(encoding);
  const special = specials(encoding);
  const pair = fc.oneof(
    fc.tuple(any, any),
    any.chain((a) => fc.tuple(fc.constant(a), neighbour(encoding, a))),
  );

  test.each(BINARY)('%s rounds the exact result', (operation) => {
    for (const rm of MODES) {
      for (const a of special) for (const b of special) checkArithmetic(format, operation, [a, b], rm);
    }
    fc.assert(
      fc.property(pair, mode, (operands, rm) => checkArithmetic(format, operation, operands, rm)),
      REPEATABLE,
    );
  });

  test('div finds exact and nearly exact quotients', () => {
    const dividend = fc
      .tuple(any, any)
      .chain(([b, quotient]) =>
        fc.tuple(neighbour(encoding, arithmetic(encoding, 'mul', [b, quotient], 0).bits), fc.constant(b)),
      );
    fc.assert(
      fc.property(dividend, mode, (operands, rm) => checkArithmetic(format, 'div', operands, rm)),
      REPEATABLE,
    );
  });

  test('sqrt rounds the exact root', () => {
    const square = any.chain((a) => neighbour(encoding, arithmetic(encoding, 'mul', [a, a], 0).bits));
    for (const rm of MODES) for (const a of special) checkArithmetic(format, 'sqrt', [a], rm);
    fc.assert(
      fc.property(fc.oneof(any, square), mode, (a, rm) => checkArithmetic(format, 'sqrt', [a], rm)),
      { ...REPEATABLE, numRuns: 1000 },
    );
  });

  test('fma rounds once', () => {
    const triple = fc.tuple(any, any).chain(([a, b]) => {
      const product = arithmetic(encoding, 'mul', [a, b], 0).bits;
      return fc.tuple(fc.constant(a), fc.constant(b), fc.oneof(any, neighbour(encoding, product)));
    });
    fc.assert(
      fc.property(triple, mode, (operands, rm) => checkArithmetic(format, 'fma', operands, rm)),
      { ...REPEATABLE, numRuns: 6000 },
    );
  });

  test('fma treats special operands as IEEE 754 and RISC-V do', () => {
    for (const a of special) {
      for (const b of special) {
        for (const c of special) for (const rm of [0, 2]) checkArithmetic(format, 'fma', [a, b, c], rm);
      }
    }
  });

  test('comparisons, minimum and maximum, classes', () => {
    const operands = [
      ...special.flatMap((a) => special.map((b) => [a, b] as const)),
      ...fc.sample(pair, REPEATABLE),
    ];
    for (const [a, b] of operands) {
      for (const relation of ['eq', 'lt', 'le'] as const) {
        check(`${format}.${relation}`, [a, b], 0, compare(encoding, relation, a, b));
      }
      for (const which of ['min', 'max'] as const) {
        check(`${format}.${which}`, [a, b], 0, extremum(encoding, which, a, b));
      }
      check(`${format}.classify`, [a], 0, { bits: classify(encoding, a), flags: 0 });
    }
  });

  test('rounding to integral numbers, and what is quiet about NaNs', () => {
    const checkRound = (a: bigint, rm: number) => {
      check(`${format}.round`, [a], rm, integral(encoding, a, rm, false));
      check(`${format}.roundInexact`, [a], rm, integral(encoding, a, rm, true));
    };
    for (const rm of MODES) for (const a of special) checkRound(a, rm);
    fc.assert(fc.property(any, mode, checkRound), REPEATABLE);
    const operands = [
      ...special.flatMap((a) => special.map((b) => [a, b] as const)),
      ...fc.sample(pair, { ...REPEATABLE, numRuns: 1000 }),
    ];
    for (const [a, b] of operands) {
      check(`${format}.ltq`, [a, b], 0, quietCompare(encoding, 'lt', a, b));
      check(`${format}.leq`, [a, b], 0, quietCompare(encoding, 'le', a, b));
      check(`${format}.minm`, [a, b], 0, nanExtremum(encoding, 'min', a, b));
      check(`${format}.maxm`, [a, b], 0, nanExtremum(encoding, 'max', a, b));
    }
  });

  test.each(INTEGERS)('converts to and from $name', (kind) => {
    const nearInteger = fc
      .tuple(integer(), mode)
      .chain(([value, rm]) => neighbour(encoding, fromInteger(encoding, BigInt.asIntN(64, value), rm).bits));
    const number = fc.oneof(any, nearInteger);
    const checkTo = (bits: bigint, rm: number) =>
      check(`${format}.to${kind.name}`, [bits], rm, toInteger(encoding, bits, rm, kind));
    for (const rm of MODES) for (const bits of special) checkTo(bits, rm);
    fc.assert(fc.property(number, mode, checkTo), REPEATABLE);
    fc.assert(
      fc.property(integer(), mode, (register, rm) => {
        const value = kind.signed
          ? BigInt.asIntN(kind.width, register)
          : BigInt.asUintN(kind.width, register);
        check(`${format}.from${kind.name}`, [register], rm, fromInteger(encoding, value, rm));
      }),
      REPEATABLE,
    );
  });
});

describe('between the formats', () => {
  test('narrow rounds', () => {
    // The neighbours of binary32 numbers and of the ties between them.
    const near = fc
      .tuple(datum(SINGLE), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
      .map(([a, units, tie]) => {
        const wide = resize(SINGLE, DOUBLE, a, 0).bits;
        return BigInt.asUintN(64, wide + (tie ? 1n << 28n : 0n) + units);
      });
    const checkNarrow = (bits: bigint, rm: number) =>
      check('narrow', [bits], rm, resize(DOUBLE, SINGLE, bits, rm));
    for (const rm of MODES) for (const bits of specials(DOUBLE)) checkNarrow(bits, rm);
    fc.assert(fc.property(fc.oneof(datum(DOUBLE), near), mode, checkNarrow), REPEATABLE);
  });

  test('widen is exact', () => {
    const checkWiden = (bits: bigint) => check('widen', [bits], 0, resize(SINGLE, DOUBLE, bits, 0));
    for (const bits of specials(SINGLE)) checkWiden(bits);
    fc.assert(fc.property(datum(SINGLE), checkWiden), REPEATABLE);
  });
});

/** Each of the numbers there are: nothing is left to chance. */
describe('every half', () => {
  const all = Array.from({ length: 0x1_0000 }, (_, bits) => BigInt(bits));

  test('has the right root, class and integral numbers', () => {
    for (const a of all) {
      const rm = Number(a % 5n);
      checkArithmetic('f16', 'sqrt', [a], rm);
      check('f16.classify', [a], 0, { bits: classify(HALF, a), flags: 0 });
      check('f16.roundInexact', [a], rm, integral(HALF, a, rm, true));
    }
  });

  test('becomes the same number of the other formats, and comes back', () => {
    for (const a of all) {
      for (const [to, out, back] of [
        [SINGLE, 'halfToSingle', 'halfFromSingle'],
        [DOUBLE, 'halfToDouble', 'halfFromDouble'],
      ] as const) {
        const wide = resize(HALF, to, a, 0);
        check(out, [a], 0, wide);
        check(back, [wide.bits], 0, resize(to, HALF, wide.bits, 0));
      }
    }
  });

  test('becomes the right integer', () => {
    for (const a of all) {
      for (const kind of INTEGERS)
        check(`f16.to${kind.name}`, [a], Number(a % 5n), toInteger(HALF, a, Number(a % 5n), kind));
    }
  });
});

test.each([
  ['halfFromSingle', SINGLE],
  ['halfFromDouble', DOUBLE],
] as const)('%s rounds', (name, from) => {
  // The neighbours of halves and of the ties between them.
  const tie = 1n << BigInt(from.fractionBits - HALF.fractionBits - 1);
  const near = fc
    .tuple(datum(HALF), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
    .map(([a, units, isTie]) =>
      BigInt.asUintN(64, resize(HALF, from, a, 0).bits + (isTie ? tie : 0n) + units),
    );
  const width = from === SINGLE ? 32 : 64;
  fc.assert(
    fc.property(fc.oneof(datum(from), near), mode, (bits, rm) => {
      const operand = BigInt.asUintN(width, bits);
      check(name, [operand], rm, resize(from, HALF, operand, rm));
    }),
    { ...REPEATABLE, numRuns: 6000 },
  );
});

test('toModularWord wraps', () => {
  const power = fc.tuple(
    fc.integer({ min: 1020, max: 1115 }),
    fc.bigInt({ min: 0n, max: (1n << 52n) - 1n }),
    fc.boolean(),
  );
  const wide = power.map(
    ([field, fraction, negative]) => (negative ? 1n << 63n : 0n) | (BigInt(field) << 52n) | fraction,
  );
  for (const bits of specials(DOUBLE)) check('toModularWord', [bits], 0, modularWord(bits));
  fc.assert(
    fc.property(fc.oneof(datum(DOUBLE), wide), (bits) =>
      check('toModularWord', [bits], 0, modularWord(bits)),
    ),
    REPEATABLE,
  );
});

test('declared, the functions are as they are when they are defined', () => {
  const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
  expect(declareFloat()).toEqual(defineFloat(module));
});
