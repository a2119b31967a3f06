/** The AIA where registers have 32 bits: upper halves, and registers behind a select one by one. */
import { describe, expect, test } from 'vitest';
import { bits, type Mode, PrivilegedBed } from '../../../../test/hart/privileged-bed.ts';

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

describe('who may access what', () => {
  const MODES: readonly Mode[] = ['M', 'HS', 'U', 'VS', 'VU'];
  /** The causes of exceptions in M, HS, U, VS and VU; 0 where there is none. */
  const causes = (bed: PrivilegedBed, csr: number, write: boolean): number[] =>
    MODES.map((mode) => {
      bed.enter(mode);
      if (write) return bed.csrw(csr, 0n) ?? 0;
      const value = bed.csrr(csr);
      return value < 0n ? Number(-value) : 0;
    });
  const FORBIDDEN = 2;
  const BY_LEVEL: Readonly<Record<string, readonly number[]>> = {
    m: [0, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    s: [0, 0, FORBIDDEN, 0, VIRTUAL],
    h: [0, 0, FORBIDDEN, VIRTUAL, VIRTUAL],
    v: [0, 0, FORBIDDEN, VIRTUAL, VIRTUAL],
  };

  test.each(Object.entries(UPPER_HALVES))('of %s', (name, number) => {
    for (const write of [false, true]) {
      expect(causes(narrow(), number, write)).toEqual(BY_LEVEL[name.charAt(0)]);
      // On RV64 there is no such register, and a guest's access is not a virtual one either.
      const wide = new PrivilegedBed({ aia: 'aplic-imsic', guestExternalInterrupts: 1 });
      expect(causes(wide, number, write)).toEqual(MODES.map(() => FORBIDDEN));
    }
  });

  test.each([
    // Select; sireg where the guest has a file, and where it has none.
    [0x2f, [FORBIDDEN, FORBIDDEN, FORBIDDEN, VIRTUAL, VIRTUAL], [2, 2, 2, VIRTUAL, VIRTUAL]],
    [0x30, [0, 0, FORBIDDEN, VIRTUAL, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0x31, [0, 0, FORBIDDEN, VIRTUAL, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0x3f, [0, 0, FORBIDDEN, VIRTUAL, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0x40, [FORBIDDEN, FORBIDDEN, FORBIDDEN, VIRTUAL, VIRTUAL], [2, 2, 2, VIRTUAL, VIRTUAL]],
    [0x70, [0, 0, FORBIDDEN, 0, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0x73, [0, 0, FORBIDDEN, 0, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0x81, [0, 0, FORBIDDEN, 0, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0xff, [0, 0, FORBIDDEN, 0, VIRTUAL], [0, 0, 2, VIRTUAL, VIRTUAL]],
    [0x100, [FORBIDDEN, FORBIDDEN, FORBIDDEN, VIRTUAL, VIRTUAL], [2, 2, 2, VIRTUAL, VIRTUAL]],
  ])('behind select %i', (select, withFile, withoutFile) => {
    for (const [vgein, expected] of [
      [1n, withFile],
      [0n, withoutFile],
      [2n, withoutFile],
    ] as const) {
      const bed = narrow();
      bed.write('hstatus', vgein << 12n);
      for (const name of ['siselect', 'vsiselect']) bed.write(name, BigInt(select));
      for (const write of [false, true]) expect(causes(bed, 0x151, write)).toEqual(expected);
    }
  });

  test('hvictl.VTI closes stimecmph to writes of guests', () => {
    const bed = narrow();
    for (const name of ['menvcfg', 'henvcfg']) bed.write(name, bits(63));
    for (const name of ['mcounteren', 'hcounteren']) bed.write(name, bits(1));
    for (const number of [0x14d, 0x15d]) {
      bed.write('hvictl', 0n);
      expect(causes(bed, number, true)).toEqual([0, 0, FORBIDDEN, 0, VIRTUAL]);
      bed.enter('M').write('hvictl', bits(30));
      expect(causes(bed, number, false)).toEqual([0, 0, FORBIDDEN, 0, VIRTUAL]);
      expect(causes(bed, number, true)).toEqual([0, 0, FORBIDDEN, VIRTUAL, VIRTUAL]);
    }
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
