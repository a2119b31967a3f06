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
    expect(bed.read('mcountinhibit')).toBe(bits(0, 2, 3, 4, 5, 6));
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

  test('most event counters and their selectors are read-only 0', () => {
    const bed = new PrivilegedBed();
    for (const name of ['mhpmcounter7', 'mhpmcounter31', 'mhpmevent7', 'mhpmevent31', 'hpmcounter7']) {
      expect(bed.csrr(name)).toBe(0n);
      if (name.startsWith('m')) expect(bed.csrw(name, 1n)).toBeUndefined();
      expect(bed.csrr(name)).toBe(0n);
    }
  });
});

/** Bits of mhpmevent. */
const OF = bits(63);
const FILTERS = { M: bits(62), HS: bits(61), U: bits(60), VS: bits(59), VU: bits(58) } as const;
const LCOFI = bits(13);

describe('counters of events', () => {
  test('count cycles and instructions, and nothing else', () => {
    const bed = new PrivilegedBed();
    for (const [event, counted] of [
      [0n, 0n],
      [1n, 5n],
      [2n, 5n],
      [3n, 0n],
      [bits(32), 0n],
    ] as const) {
      bed.write('mhpmevent4', event);
      bed.write('mhpmcounter4', 7n);
      bed.retired += 5n;
      expect([bed.read('mhpmcounter4'), bed.read('hpmcounter4')]).toEqual([7n + counted, 7n + counted]);
    }
  });

  test('stand still while mcountinhibit says so', () => {
    const bed = new PrivilegedBed();
    bed.write('mhpmevent3', 2n);
    bed.write('mcountinhibit', bits(3));
    bed.retired += 5n;
    expect(bed.read('mhpmcounter3')).toBe(0n);
    bed.write('mcountinhibit', bits(4));
    bed.retired += 5n;
    expect(bed.read('mhpmcounter3')).toBe(5n);
  });

  test.each(Object.entries(FILTERS))('do not count in %s under its filter', (closed, filter) => {
    for (const [mode, privilege, virtual] of [
      ['M', 3, 0],
      ['HS', 1, 0],
      ['U', 0, 0],
      ['VS', 1, 1],
      ['VU', 0, 1],
    ] as const) {
      const bed = new PrivilegedBed();
      bed.write('mhpmevent5', 1n | filter);
      bed.privileged.enterMode(privilege, virtual);
      bed.retired += 100n;
      const value = bed.read('mhpmcounter5');
      expect(value, mode).toBe(mode === closed ? 0n : 100n);
      bed.privileged.enterMode(3, 0);
      expect(bed.read('mhpmcounter5'), mode).toBe(value);
    }
  });

  test('overflow once, with LCOFI, until OF is cleared', () => {
    const bed = new PrivilegedBed();
    bed.write('mhpmevent3', 2n);
    bed.write('mhpmcounter3', TWO_64 - 10n);
    expect(bed.privileged.untilOverflow()).toBe(10);
    bed.retired += 9n;
    bed.privileged.noticeOverflows();
    expect([bed.read('mip') & LCOFI, bed.read('mhpmevent3')]).toEqual([0n, 2n]);
    bed.retired += 1n;
    bed.privileged.noticeOverflows();
    expect([bed.read('mip') & LCOFI, bed.read('mhpmevent3')]).toEqual([LCOFI, 2n | OF]);
    expect(bed.read('scountovf')).toBe(bits(3));
    bed.write('mip', 0n);
    bed.write('mhpmcounter3', TWO_64 - 10n);
    expect(bed.privileged.untilOverflow()).toBe(Number.POSITIVE_INFINITY);
    bed.retired += 20n;
    bed.privileged.noticeOverflows();
    expect(bed.read('mip') & LCOFI).toBe(0n);
    bed.write('mhpmevent3', 2n);
    expect(bed.read('scountovf')).toBe(0n);
  });

  test('do not overflow by what software writes', () => {
    const bed = new PrivilegedBed();
    bed.write('mhpmevent3', 2n);
    bed.write('mhpmcounter3', TWO_64 - 10n);
    bed.write('mhpmcounter3', 0n);
    bed.privileged.noticeOverflows();
    expect(bed.read('mhpmevent3')).toBe(2n);
  });

  test('scountovf shows what mcounteren and hcounteren open', () => {
    const bed = new PrivilegedBed();
    for (const name of ['mhpmevent3', 'mhpmevent4', 'mhpmevent5', 'mhpmevent6']) bed.write(name, OF | 1n);
    bed.write('mcounteren', bits(3, 4, 7));
    bed.write('hcounteren', bits(4, 5));
    expect(bed.csrr('scountovf')).toBe(bits(3, 4, 5, 6));
    expect(bed.enter('HS').csrr('scountovf')).toBe(bits(3, 4));
    expect(bed.enter('VS').csrr('scountovf')).toBe(bits(4));
  });

  test('LCOFI can be delegated, enabled and cleared in S-mode', () => {
    const bed = new PrivilegedBed();
    bed.write('mip', LCOFI);
    expect(bed.read('sip') & LCOFI).toBe(0n);
    bed.write('mideleg', LCOFI);
    bed.write('sie', LCOFI);
    expect([bed.read('sip') & LCOFI, bed.read('mie') & LCOFI]).toEqual([LCOFI, LCOFI]);
    bed.enter('U');
    expect(bed.privileged.takeInterrupt()).toBe('HS');
    expect(bed.read('scause') & 0xffn).toBe(13n);
    bed.write('sip', 0n);
    expect(bed.read('mip') & LCOFI).toBe(0n);
  });
});
