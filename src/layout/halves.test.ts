import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addTo, type Halves, isAtLeast, setNumber, subtractTo, toNumber } from './halves.ts';

const edge = fc.constantFrom(0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n, (1n << 64n) - 1n);
const wide = fc.oneof(edge, fc.bigInt(0n, (1n << 64n) - 1n));
const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
const joined = (value: Halves): bigint => (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);

test('sums, differences and comparisons are those of unsigned 64-bit numbers', () => {
  fc.assert(
    fc.property(wide, wide, (a, b) => {
      const out = { low: 0, high: 0 };
      addTo(out, low(a), high(a), low(b), high(b));
      expect(joined(out)).toBe(BigInt.asUintN(64, a + b));
      subtractTo(out, low(a), high(a), low(b), high(b));
      expect(joined(out)).toBe(BigInt.asUintN(64, a - b));
      expect(isAtLeast(low(a), high(a), low(b), high(b))).toBe(a >= b);
    }),
  );
});

test('whole numbers keep their value in halves', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const out = { low: 0, high: 0 };
      setNumber(out, value);
      expect(joined(out)).toBe(BigInt(value));
      expect(toNumber(out.low, out.high)).toBe(value);
    }),
  );
});
