/** The AIA where registers have 32 bits: upper halves, and registers behind a select one by one. */
import { describe, expect, test } from 'vitest';
import { bits, PrivilegedBed } from '../../../../test/hart/privileged-bed.ts';

const ILLEGAL = -2n;
const VIRTUAL = 22;
const UPPER_HALVES = {
  midelegh: 0x313,
  mieh: 0x314,
  mvienh: 0x318,
  mviph: 0x319,
  miph: 0x354,
  sieh: 0x114,
  siph: 0x154,
  hidelegh: 0x613,
  hvienh: 0x618,
  hviph: 0x655,
  hviprio1h: 0x656,
  hviprio2h: 0x657,
  vsieh: 0x214,
  vsiph: 0x254,
} as const;

function narrow(stateEnable = false): PrivilegedBed {
  const options = { aia: 'aplic-imsic', guestExternalInterrupts: 1, stateEnable } as const;
  return new PrivilegedBed(options, 32);
}

describe('upper halves', () => {
  test.each(Object.entries(UPPER_HALVES))('%s is number %i, on RV32 with the AIA alone', (name, number) => {
    expect(narrow().csrr(number)).toBe(0n);
    expect(narrow().read(name)).toBe(0n);
    expect(new PrivilegedBed({ aia: 'aplic-imsic' }).csrr(number)).toBe(ILLEGAL);
    expect(new PrivilegedBed({}, 32).csrr(number)).toBe(ILLEGAL);
  });

  test('a guest has interrupts above 31 by hviph', () => {
    const bed = narrow();
    bed.csrw('hvienh', bits(8));
    bed.csrw('hviph', bits(8, 9));
    expect(bed.read('hvien')).toBe(bits(40));
    bed.enter('VS');
    expect(bed.csrr('siph')).toBe(bits(8));
    expect(bed.csrw('sieh', 0xffff_ffffn)).toBeUndefined();
    expect(bed.csrr('sieh')).toBe(bits(8));
    bed.enter('HS');
    expect(bed.csrr('vstopi')).toBe((40n << 16n) | 1n);
    bed.enter('VU');
    expect(bed.takeInterrupt()).toBe('VS');
    expect(bed.read('vscause')).toBe(bits(31) | 40n);
    expect(bed.csrw('siph', 0n)).toBeUndefined();
    bed.enter('HS');
    expect(bed.csrr('hviph')).toBe(bits(9));
    expect(bed.csrr('vstopi')).toBe(0n);
  });

  test('supervisor level has them by mviph', () => {
    const bed = narrow();
    bed.csrw('mvienh', bits(3));
    bed.csrw('mviph', bits(3));
    bed.enter('HS');
    expect(bed.csrr('siph')).toBe(bits(3));
    bed.csrw('sieh', bits(3));
    expect(bed.csrr('stopi') >> 16n).toBe(35n);
    bed.csrw('hidelegh', 0xffff_ffffn);
    expect(bed.csrr('hidelegh')).toBe(bits(3));
    expect(bed.csrr('stopi')).toBe(0n);
    expect(bed.csrr('vsiph')).toBe(bits(3));
    expect(bed.csrr('vsieh')).toBe(bits(3));
  });

  test('a write to one half leaves the other alone', () => {
    const bed = narrow();
    bed.csrw('hviprio1', 0x0500_0300n);
    bed.csrw('hviprio1h', 0x0908_0700n);
    expect(bed.read('hviprio1')).toBe(0x0908_0700_0500_0300n);
    bed.csrw('hviprio1', 0n);
    expect(bed.read('hviprio1')).toBe(0x0908_0700_0000_0000n);
  });

  test('hvictl.VTI and state enables close them', () => {
    const bed = narrow(true);
    const inMode = (mode: 'HS' | 'VS', name: string) => bed.enter(mode).csrr(name);
    for (const name of ['siph', 'sieh', 'hviph', 'hidelegh', 'vsieh', 'vsiph']) {
      expect(inMode('HS', name)).toBe(ILLEGAL);
    }
    bed.enter('M').csrw('mstateen0h', bits(27));
    expect(inMode('HS', 'siph')).toBe(0n);
    expect(inMode('VS', 'siph')).toBe(BigInt(-VIRTUAL));
    bed.enter('HS').csrw('hstateen0h', bits(27));
    bed.enter('M').csrw('mstateen0h', bits(27, 31));
    bed.enter('HS').csrw('hstateen0h', bits(27));
    expect(inMode('VS', 'siph')).toBe(0n);
    bed.write('hvictl', bits(30));
    expect(inMode('VS', 'siph')).toBe(BigInt(-VIRTUAL));
    expect(inMode('VS', 'sieh')).toBe(BigInt(-VIRTUAL));
  });
});

describe('registers behind a select', () => {
  test('have odd numbers, too', () => {
    const bed = narrow();
    bed.files[0].receive(40);
    bed.csrw('miselect', 0x81n);
    expect(bed.csrr('mireg')).toBe(bits(8));
    bed.csrw('miselect', 0x80n);
    expect(bed.csrr('mireg')).toBe(0n);
    bed.csrw('miselect', 0x31n);
    bed.csrw('mireg', 0xffff_ffffn);
    expect(BigInt.asUintN(32, bed.csrr('mireg'))).toBe(0xff00_ff00n);
    bed.csrw('miselect', 0x30n);
    expect(bed.csrr('mireg')).toBe(0n);
  });
});
