import { describe, expect, test } from 'vitest';
import { bits, type Mode, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const ILLEGAL = BigInt(-2);
const VIRTUAL = BigInt(-22);
const TWO_64 = 1n << 64n;

describe('counter enables', () => {
  test.each([
    ['HS', 0, 0, 0, ILLEGAL],
    ['HS', 1, 0, 0, 0n],
    ['U', 1, 1, 0, ILLEGAL],
    ['U', 0, 1, 1, ILLEGAL],
    ['U', 1, 0, 1, 0n],
    ['VS', 1, 0, 1, VIRTUAL],
    ['VS', 0, 0, 1, ILLEGAL],
    ['VS', 0, 1, 1, ILLEGAL],
    ['VS', 1, 1, 0, 0n],
    ['VU', 1, 1, 0, VIRTUAL],
    ['VU', 1, 0, 1, VIRTUAL],
    ['VU', 0, 0, 0, ILLEGAL],
    ['VU', 1, 1, 1, 0n],
    ['M', 0, 0, 0, 0n],
  ] as const)('in %s with mcounteren %i, hcounteren %i, scounteren %i', (mode, m, h, s, expected) => {
    for (const [name, bit] of [
      ['cycle', 0],
      ['time', 1],
      ['instret', 2],
      ['hpmcounter3', 3],
      ['hpmcounter31', 31],
    ] as const) {
      const bed = new PrivilegedBed();
      const others = 0xffff_ffffn & ~bits(bit);
      bed.write('mcounteren', others | (m ? bits(bit) : 0n));
      bed.write('hcounteren', others | (h ? bits(bit) : 0n));
      bed.write('scounteren', others | (s ? bits(bit) : 0n));
      expect(bed.enter(mode as Mode).csrr(name)).toBe(expected);
    }
  });

  test('are 32 bits wide', () => {
    const bed = new PrivilegedBed();
    for (const name of ['mcounteren', 'hcounteren', 'scounteren']) {
      bed.write(name, TWO_64 - 1n);
      expect(bed.read(name)).toBe(0xffff_ffffn);
    }
  });
});

describe('mcycle and minstret', () => {
  test.each(['minstret', 'mcycle'])('%s: what is written is what the next instruction reads', (name) => {
    const bed = new PrivilegedBed();
    bed.retired = 0xffff_fffen;
    expect(bed.csrr(name)).toBe(0xffff_fffen);
    for (const value of [0n, 5n, 0xffff_ffff_ffffn, TWO_64 - 1n]) {
      bed.csrw(name, value);
      expect(bed.csrr(name)).toBe(value);
      expect(bed.csrr(name)).toBe((value + 1n) % TWO_64);
    }
  });

  test('a write from outside between two instructions holds at once', () => {
    const bed = new PrivilegedBed();
    bed.retired = 1000n;
    bed.write('minstret', 7n);
    expect(bed.read('minstret')).toBe(7n);
    expect(bed.csrr('instret')).toBe(7n);
  });

  test('cycle and instret are the same counters, seen from below', () => {
    const bed = new PrivilegedBed();
    bed.retired = 10n;
    bed.write('mcycle', 500n);
    expect([bed.read('cycle'), bed.read('instret')]).toEqual([500n, 10n]);
  });

  test('mcountinhibit stops one counter and keeps its value; the stopped one can be written', () => {
    const bed = new PrivilegedBed();
    bed.retired = 100n;
    bed.write('mcountinhibit', TWO_64 - 1n);
    expect(bed.read('mcountinhibit')).toBe(bits(0, 2));
    bed.write('mcountinhibit', bits(2));
    bed.retired += 50n;
    expect([bed.read('mcycle'), bed.read('minstret')]).toEqual([150n, 100n]);
    bed.write('minstret', 9n);
    bed.retired += 50n;
    expect(bed.read('minstret')).toBe(9n);
    bed.write('mcountinhibit', 0n);
    expect(bed.read('minstret')).toBe(9n);
    bed.retired += 1n;
    expect(bed.read('minstret')).toBe(10n);
  });

  test('event counters and their selectors are read-only 0', () => {
    const bed = new PrivilegedBed();
    for (const name of ['mhpmcounter3', 'mhpmcounter31', 'mhpmevent3', 'mhpmevent31', 'hpmcounter3']) {
      expect(bed.csrr(name)).toBe(0n);
      if (name.startsWith('m')) expect(bed.csrw(name, 1n)).toBeUndefined();
      expect(bed.csrr(name)).toBe(0n);
    }
  });
});
