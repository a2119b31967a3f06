import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../../test/fixtures/manual-clock.ts';
import { Bus } from '../bus.ts';
import { Clint } from './device.ts';
import { MAP } from './registers.ts';

const HARTS = 3;
const MASK_64 = 2n ** 64n - 1n;
let clock = new ManualClock();
let told: number[] = [];

function makeClint(harts = HARTS): Clint {
  told = [];
  clock = new ManualClock();
  return new Clint(new Int32Array(new SharedArrayBuffer(4 * Clint.wordsFor(harts))), {
    harts,
    clock,
    onChange: (hart) => told.push(hart),
  });
}

let clint = makeClint();
const low = (value: bigint) => Number(value & 0xffff_ffffn);
const high = (value: bigint) => Number((value >> 32n) & 0xffff_ffffn);
const compareOffset = (hart: number) => MAP.MTIMECMP + 8 * hart;
const put64 = (offset: number, value: bigint) => clint.write64(offset, low(value), high(value));
function get64(offset: number): bigint {
  const into = { low: 0, high: 0 };
  clint.read64(offset, into);
  return (BigInt(into.high) << 32n) | BigInt(into.low);
}

beforeEach(() => {
  clint = makeClint();
});

describe('software interrupts', () => {
  test('bit 0 raises and lowers, the other bits are not kept', () => {
    clint.write(4, 4, 0xffff_ffff);
    expect([0, 4, 8].map((offset) => clint.read(offset, 4))).toEqual([0, 1, 0]);
    expect([0, 1, 2].map((hart) => clint.softPending(hart))).toEqual([false, true, false]);
    clint.write(4, 4, 1);
    clint.write(4, 4, 0xffff_fffe);
    expect(clint.softPending(1)).toBe(false);
    expect(told).toEqual([1, 1]);
  });

  test('an 8-byte write reaches two harts', () => {
    put64(0, 0x1_0000_0001n);
    expect([0, 1, 2].map((hart) => clint.softPending(hart))).toEqual([true, true, false]);
    expect(get64(0)).toBe(0x1_0000_0001n);
    put64(8, MASK_64);
    expect(get64(8)).toBe(1n);
  });

  test('harts that do not exist read 0 and ignore writes', () => {
    for (const offset of [4 * HARTS, MAP.MTIMECMP - 4, compareOffset(HARTS), MAP.END, 0xfffc]) {
      clint.write(offset, 4, 1);
      expect(clint.read(offset, 4)).toBe(0);
    }
    put64(compareOffset(HARTS), 5n);
    put64(MAP.END, 5n);
    expect([get64(compareOffset(HARTS)), get64(MAP.END)]).toEqual([0n, 0n]);
    expect(told).toEqual([]);
  });
});

describe('timer', () => {
  test('mtimecmp starts at its highest value and nothing is due', () => {
    clock.setTicks(Number.MAX_SAFE_INTEGER);
    expect(get64(compareOffset(0))).toBe(MASK_64);
    expect([clint.timerPending(0), clint.deadline(0)]).toEqual([false, Number.POSITIVE_INFINITY]);
  });

  test('is due from the tick that mtimecmp names, for that hart only', () => {
    put64(compareOffset(1), 1000n);
    expect(told).toEqual([1]);
    clock.setTicks(999);
    expect([clint.timerPending(1), clint.deadline(1)]).toEqual([false, 1000]);
    clock.setTicks(1000);
    expect([clint.timerPending(1), clint.deadline(1)]).toEqual([true, 1000]);
    clock.setTicks(5000);
    expect(clint.deadline(1)).toBe(1000);
    expect([clint.timerPending(0), clint.timerPending(2)]).toEqual([false, false]);
  });

  test('halves are written one by one as RV32 software does', () => {
    const offset = compareOffset(2);
    clint.write(offset, 4, 0xffff_ffff);
    clint.write(offset + 4, 4, 3);
    clint.write(offset, 4, 7);
    expect([clint.read(offset, 4), clint.read(offset + 4, 4)]).toEqual([7, 3]);
    clock.setTicks(3 * 2 ** 32 + 6);
    expect(clint.timerPending(2)).toBe(false);
    clock.setTicks(3 * 2 ** 32 + 7);
    expect(clint.timerPending(2)).toBe(true);
  });

  test('mtime counts, can be set, and counts on from there', () => {
    clock.setTicks(123_456_789_012_345);
    expect(get64(MAP.MTIME)).toBe(123_456_789_012_345n);
    put64(MAP.MTIME, MASK_64 - 1n);
    expect(told).toEqual([0, 1, 2]);
    clock.setTicks(123_456_789_012_346);
    expect(get64(MAP.MTIME)).toBe(MASK_64);
    clock.setTicks(123_456_789_012_347);
    expect(get64(MAP.MTIME)).toBe(0n);
    clint.write(MAP.MTIME + 4, 4, 2);
    expect([clint.read(MAP.MTIME, 4), clint.read(MAP.MTIME + 4, 4)]).toEqual([0, 2]);
  });

  test('comparison, counter and deadline agree with 64-bit arithmetic', () => {
    const any64 = fc.bigInt(0n, MASK_64);
    const edges = [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1];
    const ticks = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(...edges));
    fc.assert(
      fc.property(
        any64,
        ticks,
        ticks,
        fc.oneof(any64, fc.integer({ min: -3, max: 3 })),
        (mtime, set, now, compare) => {
          clint = makeClint();
          clock.setTicks(set);
          put64(MAP.MTIME, mtime);
          clock.setTicks(now);
          const expected = (mtime + BigInt(now) - BigInt(set)) & MASK_64;
          expect(get64(MAP.MTIME)).toBe(expected);
          const target = typeof compare === 'bigint' ? compare : (expected + BigInt(compare)) & MASK_64;
          put64(compareOffset(0), target);
          expect(clint.timerPending(0)).toBe(expected >= target);
          const away = target - expected;
          const at = BigInt(now) + away;
          if (away <= 0n) expect(clint.deadline(0)).toBe(now + Number(away));
          else if (at >= BigInt(Number.MAX_SAFE_INTEGER))
            expect(clint.deadline(0)).toBe(Number.POSITIVE_INFINITY);
          else expect(clint.deadline(0)).toBe(Number(at));
        },
      ),
    );
  });
});

test('answers words and double words on the bus', () => {
  const bus = new Bus();
  bus.attach(0x200_0000, clint);
  expect(bus.write(0x200_4008, 8, 0x55, 0x66)).toBe(true);
  expect(bus.read(0x200_4008, 8)).toBe(true);
  expect([bus.low, bus.high]).toEqual([0x55, 0x66]);
  expect([bus.read(0x200_0000, 1), bus.read(0x200_0000, 2), bus.read(0x200_bffc, 4)]).toEqual([
    false,
    false,
    true,
  ]);
});

test('reset and restore put every register back and tell every hart', () => {
  clint.write(0, 4, 1);
  put64(compareOffset(2), 77n);
  clock.setTicks(50);
  put64(MAP.MTIME, 1000n);
  const saved = structuredClone(clint.save());
  told = [];
  clint.reset();
  expect(told).toEqual([0, 1, 2]);
  expect([clint.softPending(0), get64(compareOffset(2)), get64(MAP.MTIME)]).toEqual([false, MASK_64, 50n]);
  clint.restore(saved);
  expect([clint.softPending(0), get64(compareOffset(2)), get64(MAP.MTIME)]).toEqual([true, 77n, 1000n]);
});

test('an impossible number of harts, or too little memory, is refused', () => {
  const words = new Int32Array(100);
  const make = (harts: number) => new Clint(words, { harts, clock, onChange() {} });
  for (const harts of [0, -1, 4096, 1.5, Number.NaN]) expect(() => make(harts)).toThrow(/1 to 4095/);
  expect(() => make(100)).toThrow(/shared words/);
});
