import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bits, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const ILLEGAL = 2;
const VIRTUAL = 22;
const STCE = bits(63);
const TM = bits(1);
const TWO_64 = 1n << 64n;

/** Sstc on for HS and guests, with STI and VSTI handed on and enabled. */
function timed(): PrivilegedBed {
  const bed = new PrivilegedBed();
  bed.write('menvcfg', STCE);
  bed.write('henvcfg', STCE);
  bed.write('mcounteren', TM);
  bed.write('hcounteren', TM);
  bed.write('mideleg', bits(5));
  bed.write('hideleg', bits(6));
  bed.write('mie', bits(5, 6));
  return bed;
}

describe('stimecmp', () => {
  test('drives STIP; mip.STIP is not writable then', () => {
    const bed = timed().enter('HS');
    expect(bed.csrw('stimecmp', 100n)).toBeUndefined();
    bed.ticks = 99;
    expect(bed.csrr('sip')).toBe(0n);
    bed.ticks = 100;
    expect(bed.csrr('sip')).toBe(bits(5));
    bed.write('mip', 0n);
    expect(bed.csrr('sip')).toBe(bits(5));
    bed.csrw('stimecmp', 101n);
    bed.write('mip', bits(5));
    expect(bed.csrr('sip')).toBe(0n);
  });

  test('with menvcfg.STCE=0 STIP is what M-mode wrote', () => {
    const bed = timed();
    bed.write('menvcfg', 0n);
    bed.write('stimecmp', 0n);
    expect(bed.read('mip')).toBe(0n);
    bed.write('mip', bits(5));
    expect(bed.read('mip')).toBe(bits(5));
  });

  test('what M-mode wrote and what stimecmp says do not mix when STCE changes', () => {
    const bed = timed();
    bed.write('mip', bits(5));
    bed.write('menvcfg', 0n);
    expect(bed.read('mip')).toBe(0n);
    bed.write('mip', bits(5));
    bed.write('menvcfg', STCE);
    expect(bed.read('mip')).toBe(0n);
  });

  test('is closed to HS by mcounteren.TM=0 and by menvcfg.STCE=0', () => {
    const bed = timed().enter('HS');
    for (const name of ['stimecmp', 'vstimecmp']) {
      expect(bed.csrr(name)).toBe(TWO_64 - 1n);
      bed.write('mcounteren', 0n);
      expect(bed.csrr(name)).toBe(BigInt(-ILLEGAL));
      bed.write('mcounteren', TM);
      bed.write('menvcfg', 0n);
      expect(bed.csrr(name)).toBe(BigInt(-ILLEGAL));
      expect(bed.enter('M').csrr(name)).toBe(TWO_64 - 1n);
      bed.enter('HS').write('menvcfg', STCE);
    }
  });
});

describe('vstimecmp', () => {
  test('scenario 44: the guest sets and clears its STIP itself; hvip.VSTIP adds to it', () => {
    const bed = timed().enter('VS');
    bed.ticks = 500;
    bed.write('htimedelta', 1000n);
    expect(bed.csrw('stimecmp', 1500n)).toBeUndefined();
    expect([bed.csrr('sip'), bed.read('hvip')]).toEqual([bits(5), 0n]);
    bed.csrw('stimecmp', 1501n);
    expect(bed.csrr('sip')).toBe(0n);
    bed.write('hvip', bits(6));
    expect(bed.csrr('sip')).toBe(bits(5));
    bed.csrw('stimecmp', TWO_64 - 1n);
    expect([bed.csrr('sip'), bed.read('hip')]).toEqual([bits(5), bits(6)]);
    expect([bed.read('stimecmp'), bed.read('vstimecmp')]).toEqual([TWO_64 - 1n, TWO_64 - 1n]);
  });

  test('scenario 40: with STIE=0 STIP is seen but neither traps nor wakes', () => {
    const bed = timed().enter('VS');
    bed.write('vsstatus', bits(1));
    bed.csrw('stimecmp', 0n);
    bed.csrw('sie', 0n);
    expect(bed.takeInterrupt()).toBeUndefined();
    expect(bed.csrr('sip')).toBe(bits(5));
    expect(bed.execute('wfi')).toBe('wait');
    bed.csrw('sie', bits(5));
    expect(bed.takeInterrupt()).toBe('VS');
    expect(bed.read('vscause')).toBe(bits(63) | 5n);
  });

  test('VSTIP is defined while V=0', () => {
    const bed = timed().enter('HS');
    bed.write('vstimecmp', 10n);
    bed.ticks = 10;
    expect(bed.csrr('hip')).toBe(bits(6));
  });

  test('scenario 45: STCE=0 or TM=0 of the hypervisor is a virtual instruction, and VSTIP is hvip’s', () => {
    const bed = timed().enter('VS');
    bed.write('vstimecmp', 0n);
    bed.write('henvcfg', 0n);
    expect(bed.csrr('stimecmp')).toBe(BigInt(-VIRTUAL));
    expect(bed.read('hip')).toBe(0n);
    bed.write('henvcfg', STCE);
    bed.write('hcounteren', 0n);
    expect(bed.csrr('stimecmp')).toBe(BigInt(-VIRTUAL));
    bed.write('hcounteren', TM);
    expect(bed.csrr('stimecmp')).toBe(0n);
    bed.write('mcounteren', 0n);
    expect(bed.csrr('stimecmp')).toBe(BigInt(-ILLEGAL));
    expect(bed.enter('VU').csrr('stimecmp')).toBe(BigInt(-ILLEGAL));
    bed.write('mcounteren', TM);
    expect(bed.csrr('stimecmp')).toBe(BigInt(-VIRTUAL));
  });

  test('menvcfg.STCE=0 makes henvcfg.STCE read-only 0', () => {
    const bed = timed();
    bed.write('menvcfg', 0n);
    expect(bed.read('henvcfg') & STCE).toBe(0n);
    bed.write('henvcfg', STCE);
    expect(bed.read('henvcfg') & STCE).toBe(0n);
    bed.write('vstimecmp', 0n);
    expect(bed.read('hip')).toBe(0n);
  });
});

describe('guest time', () => {
  const ticks = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));
  const word = fc.oneof(
    fc.bigInt(0n, TWO_64 - 1n),
    fc.constantFrom(0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, TWO_64 - 1n, 1n << 63n),
  );

  test('scenario 46: time + htimedelta modulo 2^64, compared unsigned', () => {
    fc.assert(
      fc.property(ticks, word, word, (now, delta, deadline) => {
        const bed = timed();
        bed.ticks = now;
        bed.write('htimedelta', delta);
        bed.write('vstimecmp', deadline);
        const time = (BigInt(now) + delta) % TWO_64;
        expect(bed.enter('VS').csrr('time')).toBe(time);
        expect(bed.enter('HS').csrr('time')).toBe(BigInt(now));
        expect(bed.read('hip')).toBe(time >= deadline ? bits(6) : 0n);
      }),
    );
  });

  test('scenario 43: values on both sides of 2^32 are told apart', () => {
    const bed = timed().enter('VS');
    bed.ticks = 0xffff_ffff;
    bed.csrw('stimecmp', 0x1_0000_0000n);
    expect(bed.csrr('sip')).toBe(0n);
    bed.csrw('stimecmp', 0xffff_ffffn);
    expect(bed.csrr('sip')).toBe(bits(5));
  });
});
