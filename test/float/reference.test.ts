import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { datum } from './harness.ts';
import { arithmetic, DOUBLE, resize, SINGLE, toInteger } from './reference.ts';

const view = new DataView(new ArrayBuffer(8));

function toNumber(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function toBits(value: number): bigint {
  view.setFloat64(0, value);
  return Number.isNaN(value) ? 0x7ff8_0000_0000_0000n : view.getBigUint64(0);
}

const NATIVE = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  sqrt: (a: number) => Math.sqrt(a),
} as const;

const REPEATABLE = { seed: 20260802, numRuns: 3000 };

describe('the reference', () => {
  test.each(['add', 'sub', 'mul', 'div', 'sqrt'] as const)('agrees with JavaScript on %s', (operation) => {
    fc.assert(
      fc.property(datum(DOUBLE), datum(DOUBLE), (a, b) => {
        const { bits } = arithmetic(DOUBLE, operation, operation === 'sqrt' ? [a] : [a, b], 0);
        expect(bits).toBe(toBits(NATIVE[operation](toNumber(a), toNumber(b))));
      }),
      REPEATABLE,
    );
  });

  test('agrees with Math.fround', () => {
    fc.assert(
      fc.property(datum(DOUBLE), (a) => {
        const single = resize(DOUBLE, SINGLE, a, 0).bits;
        expect(resize(SINGLE, DOUBLE, single, 0).bits).toBe(toBits(Math.fround(toNumber(a))));
      }),
      REPEATABLE,
    );
  });

  // Flags as an x86-64 processor (MXCSR) and QEMU's riscv64 give them.
  test.each([
    ['rounded up to the smallest normal, yet tiny', 'mul', [0x3f7f_ffffn, 0x0080_0000n], 0, 0x0080_0000n, 3],
    ['rounded up to the smallest normal, not tiny', 'mul', [0x3f7f_ffffn, 0x0080_0001n], 0, 0x0080_0000n, 1],
    ['overflow toward zero', 'add', [0x7f7f_ffffn, 0x7f7f_ffffn], 1, 0x7f7f_ffffn, 5],
    ['exact cancellation downward', 'sub', [0x3f80_0000n, 0x3f80_0000n], 2, 0x8000_0000n, 0],
    ['division by zero', 'div', [0xbf80_0000n, 0n], 0, 0xff80_0000n, 8],
    ['root of a negative number', 'sqrt', [0xbf80_0000n], 0, 0x7fc0_0000n, 16],
    ['infinity times zero plus a NaN', 'fma', [0x7f80_0000n, 0n, 0x7fc0_0000n], 0, 0x7fc0_0000n, 16],
  ] as const)('knows the flags of: %s', (_, operation, operands, rm, bits, flags) => {
    expect(arithmetic(SINGLE, operation, operands, rm)).toEqual({ bits, flags });
  });

  test.each([
    [2.5, 0, 2n, 1],
    [2.5, 4, 3n, 1],
    [-0.5, 2, -1n, 1],
    [2 ** 31, 1, 2n ** 31n - 1n, 16],
    [Number.NaN, 0, 2n ** 31n - 1n, 16],
  ])('converts %d in mode %d', (value, rm, bits, flags) => {
    expect(toInteger(DOUBLE, toBits(value), rm, { width: 32, signed: true })).toEqual({ bits, flags });
  });
});
