import { describe, expect, test } from 'vitest';
import { bits, type Mode, PrivilegedBed } from '../../../../test/hart/privileged-bed.ts';
import { CSR_DEFINITIONS } from '../csr-table.ts';

const ILLEGAL = 2;
const VIRTUAL = 22;
const MODES: readonly Mode[] = ['M', 'HS', 'U', 'VS', 'VU'];

const DELIVERY = 0x70n;
const THRESHOLD = 0x72n;
const PENDING = 0x80n;
const ENABLED = 0xc0n;

/** A hart with interrupt files for M, S and three guests, and Sstc. */
function withImsic(): PrivilegedBed {
  const bed = new PrivilegedBed({ aia: 'aplic-imsic', guestExternalInterrupts: 3 });
  bed.write('menvcfg', bits(63));
  bed.write('henvcfg', bits(63));
  bed.write('mcounteren', bits(1));
  bed.write('hcounteren', bits(1));
  return bed;
}

/** The causes of exceptions by mode, of those that raise one. */
function refusals(bed: PrivilegedBed, csr: string, write = false): Partial<Record<Mode, number>> {
  const causes: Partial<Record<Mode, number>> = {};
  for (const mode of MODES) {
    bed.enter(mode);
    const cause = write ? bed.csrw(csr, 0n) : bed.causeOf('csrrs', { rd: 10, csr: numberOf(csr) });
    if (cause !== undefined) causes[mode] = cause;
  }
  bed.enter('M');
  return causes;
}

function numberOf(name: string): number {
  return CSR_DEFINITIONS.find((definition) => definition.name === name)?.number ?? -1;
}

/** Enables identities of a file by its CSRs, and delivery. */
function enable(bed: PrivilegedBed, level: 'm' | 's' | 'vs', identities: bigint): void {
  bed.write(`${level}iselect`, DELIVERY);
  bed.write(`${level}ireg`, 1n);
  bed.write(`${level}iselect`, ENABLED);
  bed.write(`${level}ireg`, identities);
}

describe('without the AIA', () => {
  test('no CSR of it is there, and interrupts have 32 bits', () => {
    const bed = new PrivilegedBed({ guestExternalInterrupts: 3 });
    for (const name of [
      'miselect',
      'mireg',
      'mtopei',
      'mtopi',
      'mvien',
      'mvip',
      'siselect',
      'sireg',
      'stopei',
      'stopi',
    ]) {
      expect(bed.causeOf('csrrs', { rd: 1, csr: numberOf(name) })).toBe(ILLEGAL);
    }
    for (const name of [
      'hvien',
      'hvictl',
      'hviprio1',
      'hviprio2',
      'vsiselect',
      'vsireg',
      'vstopei',
      'vstopi',
    ]) {
      expect(bed.causeOf('csrrs', { rd: 1, csr: numberOf(name) })).toBe(ILLEGAL);
    }
    for (const name of ['mie', 'mideleg', 'mip', 'hvip', 'hideleg', 'sie', 'vsie']) {
      bed.write(name, ~0n);
      // LCOFI is there without it, too.
      expect(bed.read(name) & ~0x3fffn).toBe(0n);
    }
  });
});

describe('who may access a CSR', () => {
  const S_LEVEL = { U: ILLEGAL, VU: VIRTUAL };
  const HS_LEVEL = { U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL };
  const M_LEVEL = { HS: ILLEGAL, U: ILLEGAL, VS: ILLEGAL, VU: ILLEGAL };

  test.each([
    ['mvien', M_LEVEL],
    ['mvip', M_LEVEL],
    ['miselect', M_LEVEL],
    ['mtopi', M_LEVEL],
    ['mtopei', M_LEVEL],
    ['siselect', S_LEVEL],
    ['stopi', S_LEVEL],
    ['hvien', HS_LEVEL],
    ['hvictl', HS_LEVEL],
    ['hviprio1', HS_LEVEL],
    ['hviprio2', HS_LEVEL],
    ['vsiselect', HS_LEVEL],
    ['vstopi', HS_LEVEL],
  ])('%s', (name, expected) => {
    expect(refusals(withImsic(), name)).toEqual(expected);
  });

  test('topi registers are read-only', () => {
    const bed = withImsic();
    for (const name of ['mtopi', 'stopi', 'vstopi']) expect(bed.csrw(name, 0n)).toBe(ILLEGAL);
  });

  test('vstopei and stopei of guests need a file', () => {
    const bed = withImsic();
    const NEVER = { M: ILLEGAL, HS: ILLEGAL, U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL };
    expect(refusals(bed, 'vstopei')).toEqual(NEVER);
    expect(refusals(bed, 'stopei')).toEqual({ U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL });
    bed.write('hstatus', 3n << 12n);
    expect(refusals(bed, 'vstopei')).toEqual(HS_LEVEL);
    expect(refusals(bed, 'stopei')).toEqual(S_LEVEL);
  });

  test('without an IMSIC there are no topei registers, for guests virtually', () => {
    const bed = new PrivilegedBed({ aia: 'aplic', guestExternalInterrupts: 3 });
    bed.write('hstatus', 1n << 12n);
    expect(refusals(bed, 'mtopei')).toEqual({ M: ILLEGAL, ...M_LEVEL });
    const none = { M: ILLEGAL, HS: ILLEGAL, U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL };
    expect(refusals(bed, 'stopei')).toEqual(none);
    expect(refusals(bed, 'vstopei')).toEqual(none);
  });

  test.each([
    // Select, mireg, sireg (in a guest vsireg), vsireg; VGEIN = 1.
    [0x2fn, { M: ILLEGAL }, { M: ILLEGAL, HS: ILLEGAL, VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0x30n, {}, { VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0x31n, { M: ILLEGAL }, { M: ILLEGAL, HS: ILLEGAL, VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0x3en, {}, { VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0x40n, { M: ILLEGAL }, { M: ILLEGAL, HS: ILLEGAL, VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0x70n, {}, {}, {}],
    [0x71n, {}, {}, {}],
    [0x7fn, {}, {}, {}],
    [0x80n, {}, {}, {}],
    [0x81n, { M: ILLEGAL }, { M: ILLEGAL, HS: ILLEGAL, VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0xfen, {}, {}, {}],
    [0xffn, { M: ILLEGAL }, { M: ILLEGAL, HS: ILLEGAL, VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
    [0x100n, { M: ILLEGAL }, { M: ILLEGAL, HS: ILLEGAL, VS: VIRTUAL }, { M: ILLEGAL, HS: ILLEGAL }],
  ])('the registers behind select 0x%s', (select, mireg, sireg, vsireg) => {
    const bed = withImsic();
    bed.write('hstatus', 1n << 12n);
    for (const name of ['miselect', 'siselect', 'vsiselect']) bed.write(name, select);
    for (const write of [false, true]) {
      expect(refusals(bed, 'mireg', write)).toEqual({ ...M_LEVEL, ...mireg });
      expect(refusals(bed, 'sireg', write)).toEqual({ U: ILLEGAL, VU: VIRTUAL, ...sireg });
      expect(refusals(bed, 'vsireg', write)).toEqual({ U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL, ...vsireg });
    }
  });

  test('a guest without a file has no registers of one', () => {
    const bed = withImsic();
    bed.write('vsiselect', 0x70n);
    bed.write('siselect', 0x70n);
    expect(refusals(bed, 'vsireg')).toEqual({
      M: ILLEGAL,
      HS: ILLEGAL,
      U: ILLEGAL,
      VS: VIRTUAL,
      VU: VIRTUAL,
    });
    expect(refusals(bed, 'sireg')).toEqual({ U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL });
  });

  test('M-mode that filters SEI keeps S-mode from its file', () => {
    const bed = withImsic();
    bed.write('mvien', bits(9));
    bed.write('siselect', 0x70n);
    expect(refusals(bed, 'sireg')).toEqual({ HS: ILLEGAL, U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL });
    expect(refusals(bed, 'stopei')).toEqual({ HS: ILLEGAL, U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL });
    bed.write('hstatus', 1n << 12n);
    bed.write('vsiselect', 0x70n);
    expect(refusals(bed, 'vsireg')).toEqual(HS_LEVEL);
    bed.write('siselect', 0x30n);
    expect(refusals(bed, 'sireg')).toEqual(S_LEVEL);
  });

  test('hvictl.VTI closes sip and sie to guests, and stimecmp to their writes', () => {
    const bed = withImsic();
    expect(refusals(bed, 'sip')).toEqual(S_LEVEL);
    bed.write('hvictl', bits(30));
    for (const write of [false, true]) {
      expect(refusals(bed, 'sip', write)).toEqual({ ...S_LEVEL, VS: VIRTUAL });
      expect(refusals(bed, 'sie', write)).toEqual({ ...S_LEVEL, VS: VIRTUAL });
    }
    expect(refusals(bed, 'stimecmp')).toEqual(S_LEVEL);
    expect(refusals(bed, 'stimecmp', true)).toEqual({ ...S_LEVEL, VS: VIRTUAL });
  });

  test('Smstateen: bits 58, 59 and 60', () => {
    const bed = new PrivilegedBed({ aia: 'aplic-imsic', guestExternalInterrupts: 1, stateEnable: true });
    bed.write('hstatus', 1n << 12n);
    for (const name of ['siselect', 'vsiselect']) bed.write(name, 0x70n);
    const closed = { HS: ILLEGAL, U: ILLEGAL, VS: ILLEGAL, VU: ILLEGAL };
    const all = [
      'siselect',
      'sireg',
      'vsiselect',
      'vsireg',
      'stopei',
      'vstopei',
      'stopi',
      'vstopi',
      'hvictl',
    ];
    for (const name of all) expect(refusals(bed, name)).toEqual(closed);
    bed.write('mstateen0', bits(58, 59, 60));
    for (const name of ['siselect', 'sireg', 'stopei', 'stopi']) {
      expect(refusals(bed, name)).toEqual({ U: ILLEGAL, VS: VIRTUAL, VU: VIRTUAL });
    }
    for (const name of ['vsiselect', 'vsireg', 'vstopei', 'vstopi', 'hvictl']) {
      expect(refusals(bed, name)).toEqual(HS_LEVEL);
    }
    bed.write('hstateen0', bits(58, 59, 60));
    for (const name of ['siselect', 'sireg', 'stopei', 'stopi']) expect(refusals(bed, name)).toEqual(S_LEVEL);
    bed.write('mstateen0', bits(58, 60));
    bed.write('siselect', 0x30n);
    expect(refusals(bed, 'sireg')).toEqual({ ...S_LEVEL, HS: ILLEGAL });
  });
});

describe('interrupt files', () => {
  test('mtopei claims what it reads, and mip.MEIP follows', () => {
    const bed = withImsic();
    enable(bed, 'm', bits(3, 7));
    bed.files[0].receive(7);
    expect(bed.read('mip')).toBe(bits(11));
    bed.files[0].receive(3);
    expect(bed.csrr('mtopei')).toBe(0x0003_0003n);
    expect(bed.execute('csrrw', { rd: 10, rs1: 0, csr: numberOf('mtopei') })).toBe('next');
    expect(bed.x(10)).toBe(0x0003_0003n);
    expect(bed.read('mtopei')).toBe(0x0007_0007n);
    bed.write('miselect', PENDING);
    expect(bed.read('mireg')).toBe(bits(7));
    bed.write('mtopei', 0n);
    expect(bed.read('mip')).toBe(0n);
  });

  test('scenario 76: a guest reaches the file that VGEIN selects, and hgeip has them all', () => {
    const bed = withImsic();
    bed.write('hstatus', 2n << 12n);
    enable(bed, 'vs', bits(9));
    bed.files[3].receive(9);
    expect(bed.read('hgeip')).toBe(bits(2));
    expect(bed.read('hip')).toBe(bits(10));
    bed.write('hgeie', bits(2));
    expect(bed.read('hip')).toBe(bits(10, 12));
    bed.enter('VS');
    expect(bed.csrr('stopei')).toBe(0x0009_0009n);
    expect(bed.csrw('stopei', 0n)).toBeUndefined();
    expect(bed.csrr('stopei')).toBe(0n);
    expect(bed.csrw('siselect', THRESHOLD)).toBeUndefined();
    expect(bed.csrw('sireg', 5n)).toBeUndefined();
    bed.files[3].receive(9);
    expect(bed.csrr('stopei')).toBe(0n);
    bed.enter('M');
    bed.write('hstatus', 1n << 12n);
    expect(bed.read('vsireg')).toBe(0n);
  });

  test('an instruction that sets bits clears none', () => {
    const bed = withImsic();
    bed.write('siselect', PENDING);
    bed.files[1].receive(4);
    bed.setX(5, bits(6));
    bed.execute('csrrs', { rd: 0, rs1: 5, csr: numberOf('sireg') });
    expect(bed.read('sireg')).toBe(bits(4, 6));
    bed.setX(5, bits(4));
    bed.execute('csrrc', { rd: 0, rs1: 5, csr: numberOf('sireg') });
    expect(bed.read('sireg')).toBe(bits(6));
  });
});

describe('delegated and virtual interrupts', () => {
  test('LCOFI is stored in mip and can be handed on', () => {
    const bed = withImsic();
    bed.write('mip', bits(13));
    bed.write('mie', bits(13));
    expect(bed.read('mip')).toBe(bits(13));
    expect(bed.read('sip')).toBe(0n);
    expect(bed.read('mtopi')).toBe((13n << 16n) | 255n);
    bed.write('mideleg', bits(13));
    expect(bed.read('sip')).toBe(bits(13));
    expect(bed.read('sie')).toBe(bits(13));
    expect(bed.read('mtopi')).toBe(0n);
    expect(bed.read('stopi')).toBe((13n << 16n) | 255n);
    bed.write('hideleg', bits(13));
    expect(bed.read('vsip')).toBe(bits(13));
    expect(bed.read('vsie')).toBe(bits(13));
    expect(bed.read('stopi')).toBe(0n);
    expect(bed.read('vstopi')).toBe((13n << 16n) | 1n);
    bed.write('vsip', 0n);
    expect(bed.read('mip')).toBe(0n);
  });

  test('bits of hvip for vsip alone make nothing pending at the levels above', () => {
    const bed = withImsic();
    bed.write('mideleg', bits(13));
    bed.write('mie', bits(13));
    bed.write('hvip', bits(13, 14));
    expect(bed.read('mip')).toBe(0n);
    expect(bed.read('sip')).toBe(0n);
    expect(bed.read('stopi')).toBe(0n);
  });

  test('scenario 73: with hvien, vsip.LCOFIP is hvip[13], and vsie[13] stands alone', () => {
    const bed = withImsic();
    bed.write('hvien', bits(13));
    bed.write('hvip', bits(13));
    bed.enter('VS');
    expect(bed.csrr('sip')).toBe(bits(13));
    bed.csrw('sie', bits(13));
    bed.csrw('sip', 0n);
    bed.enter('M');
    expect(bed.read('hvip')).toBe(0n);
    expect(bed.read('hie')).toBe(0n);
    expect(bed.read('mie')).toBe(0n);
    expect(bed.read('vsie')).toBe(bits(13));
    bed.enter('VS');
    bed.csrw('sip', bits(13));
    bed.enter('M');
    expect(bed.read('hvip')).toBe(bits(13));
    bed.write('hvien', 0n);
    expect(bed.read('vsip')).toBe(0n);
    expect(bed.read('vsie')).toBe(0n);
  });

  test('scenarios 69 and 72: all of 13 to 63 are virtual interrupts that guests can have', () => {
    const bed = withImsic();
    for (const name of ['hvien', 'hvip', 'mvien']) bed.write(name, ~0n);
    expect(bed.read('hvien')).toBe(0xffff_ffff_ffff_e000n);
    expect(bed.read('hvip')).toBe(0xffff_ffff_ffff_e444n);
    expect(bed.read('mvien')).toBe(0xffff_ffff_ffff_e202n);
    bed.write('hvip', bits(40, 63));
    bed.write('vsie', ~0n);
    expect(bed.read('vsip')).toBe(bits(40, 63));
    expect(bed.read('vstopi')).toBe((40n << 16n) | 1n);
    bed.write('vsip', bits(32));
    expect(bed.read('hvip')).toBe(bits(32));
  });

  test('with mvien, sip is mvip and sie stands alone', () => {
    const bed = withImsic();
    bed.write('mvien', bits(1, 9, 40));
    bed.write('mvip', bits(1, 9, 40, 41));
    expect(bed.read('mip')).toBe(0n);
    expect(bed.read('sip')).toBe(bits(1, 9, 40));
    bed.write('sie', ~0n);
    expect(bed.read('sie')).toBe(bits(1, 9, 40));
    expect(bed.read('mie')).toBe(0n);
    bed.write('sip', 0n);
    expect(bed.read('mvip')).toBe(bits(9, 41));
    bed.write('mideleg', bits(9));
    expect(bed.read('sip')).toBe(0n);
  });

  test('without mvien, mvip shows what is stored in mip', () => {
    const bed = withImsic();
    bed.write('menvcfg', 0n);
    bed.write('mvip', bits(1, 5, 9));
    expect(bed.read('mvip')).toBe(bits(1, 5, 9));
    expect(bed.read('mip')).toBe(bits(1, 5, 9));
    bed.write('menvcfg', bits(63));
    expect(bed.read('mvip')).toBe(bits(1, 9));
    bed.write('mip', 0n);
    expect(bed.read('mvip')).toBe(0n);
    bed.write('mvip', bits(9));
    bed.write('mvien', bits(9));
    expect(bed.read('mip')).toBe(0n);
    expect(bed.read('mvip')).toBe(bits(9));
    bed.write('mip', 0n);
    expect(bed.read('mvip')).toBe(bits(9));
    enable(bed, 's', bits(1));
    bed.files[1].receive(1);
    expect(bed.read('mip')).toBe(bits(9));
  });

  test('hideleg has what supervisor level has', () => {
    const bed = withImsic();
    bed.write('hideleg', ~0n);
    expect(bed.read('hideleg')).toBe(0x444n);
    bed.write('mideleg', bits(13));
    bed.write('mvien', bits(40));
    bed.write('hideleg', ~0n);
    expect(bed.read('hideleg')).toBe(bits(2, 6, 10, 13, 40));
    bed.write('mvip', bits(40));
    expect(bed.read('vsip')).toBe(bits(40));
    bed.write('vsip', 0n);
    expect(bed.read('mvip')).toBe(0n);
    bed.write('mvien', 0n);
    expect(bed.read('hideleg')).toBe(bits(2, 6, 10, 13));
  });
});

describe('priorities', () => {
  test('arrays have a byte for each interrupt that can be enabled', () => {
    const bed = withImsic();
    const read = (level: 'm' | 's'): bigint[] =>
      [0x30n, 0x32n, 0x34n].map((select) => {
        bed.write(`${level}iselect`, select);
        bed.write(`${level}ireg`, ~0n);
        return bed.read(`${level}ireg`);
      });
    expect(read('m')).toEqual([0xff00_ff00_ff00_ff00n & ~0n, 0x0000_ff00_0000_ff00n, 0n]);
    expect(read('s')).toEqual([0x00ff_ff00_00ff_ff00n, 0xffff_ffff_00ff_0000n, 0xffff_ffff_ffff_ffffn]);
    bed.write('hviprio1', ~0n);
    expect(bed.read('hviprio1')).toBe(0xffff_ff00_ff00_ff00n);
    bed.write('hviprio2', ~0n);
    expect(bed.read('hviprio2')).toBe(0xffff_ffff_ffff_ffffn);
  });

  test('without an IMSIC none can be set, and IPRIO is 1', () => {
    const bed = new PrivilegedBed({ aia: 'aplic' });
    bed.write('miselect', 0x30n);
    bed.write('mireg', ~0n);
    expect(bed.read('mireg')).toBe(0n);
    bed.write('mie', ~0n);
    bed.write('mip', bits(1, 13));
    expect(bed.read('mtopi')).toBe((1n << 16n) | 1n);
  });

  test('machine level: by default order, external identities and numbers', () => {
    const bed = withImsic();
    bed.write('mie', bits(3, 7, 11, 13));
    bed.lines = (1 << 3) | (1 << 7);
    expect(bed.read('mtopi')).toBe((3n << 16n) | 255n);
    enable(bed, 'm', bits(20));
    bed.files[0].receive(20);
    expect(bed.read('mtopi')).toBe((11n << 16n) | 20n);
    bed.write('miselect', 0x30n);
    bed.write('mireg', 20n << 56n);
    expect(bed.read('mtopi')).toBe((11n << 16n) | 20n);
    bed.write('mireg', 19n << 56n);
    expect(bed.read('mtopi')).toBe((7n << 16n) | 19n);
    bed.write('mtopei', 0n);
    bed.write('mireg', 0n);
    expect(bed.read('mtopi')).toBe((3n << 16n) | 255n);
  });

  test('supervisor level: an external interrupt of no file has number 256', () => {
    const bed = withImsic();
    bed.write('mideleg', ~0n);
    bed.write('mie', bits(1, 5, 9));
    bed.write('mip', bits(1, 9));
    expect(bed.read('stopi')).toBe((9n << 16n) | 255n);
    bed.write('siselect', 0x30n);
    bed.write('sireg', 255n << 8n);
    expect(bed.read('stopi')).toBe((1n << 16n) | 255n);
    enable(bed, 's', 0n);
    bed.write('siselect', ENABLED);
    bed.write('sireg', bits(33));
    bed.files[1].receive(33);
    expect(bed.read('stopi')).toBe((9n << 16n) | 33n);
  });

  test('scenario 75: VS level has hviprio, the file, and hvictl', () => {
    const bed = withImsic();
    bed.write('hideleg', ~0n);
    bed.write('hie', bits(2, 6, 10));
    bed.write('hvip', bits(2, 10));
    expect(bed.read('vstopi')).toBe((9n << 16n) | 1n);
    bed.write('hvictl', bits(8));
    expect(bed.read('vstopi')).toBe((9n << 16n) | 255n);
    bed.write('hviprio1', 7n << 8n);
    expect(bed.read('vstopi')).toBe((1n << 16n) | 7n);
    bed.write('hvictl', bits(8) | (9n << 16n) | 6n);
    expect(bed.read('vstopi')).toBe((9n << 16n) | 6n);
    bed.write('hstatus', 1n << 12n);
    enable(bed, 'vs', bits(5));
    bed.files[2].receive(5);
    expect(bed.read('vstopi')).toBe((9n << 16n) | 5n);
  });

  test('scenario 74: hvictl.VTI names the interrupt', () => {
    const bed = withImsic();
    const VTI = bits(30);
    bed.write('hideleg', ~0n);
    bed.write('hie', bits(2, 6, 10));
    bed.write('hvip', bits(2));
    bed.write('hvictl', VTI | (9n << 16n));
    expect(bed.read('vstopi')).toBe(0n);
    bed.write('hvictl', VTI | (13n << 16n));
    expect(bed.read('vstopi')).toBe((13n << 16n) | 1n);
    bed.write('hvictl', VTI | (13n << 16n) | bits(8));
    expect(bed.read('vstopi')).toBe(13n << 16n);
    bed.write('hvictl', VTI | (13n << 16n) | bits(8, 9));
    expect(bed.read('vstopi')).toBe((13n << 16n) | 255n);
    bed.write('hvip', bits(10));
    expect(bed.read('vstopi')).toBe((9n << 16n) | 255n);
    bed.write('hvictl', VTI | (13n << 16n) | bits(8));
    expect(bed.read('vstopi')).toBe(13n << 16n);
    bed.write('hvictl', VTI | (0xfffn << 16n) | bits(8) | 3n);
    expect(bed.read('vstopi')).toBe((0xfffn << 16n) | 3n);
  });
});

describe('traps', () => {
  test('each level takes what is on top of it', () => {
    const bed = withImsic();
    bed.write('mideleg', ~0n);
    bed.write('hideleg', ~0n);
    bed.write('hvien', bits(40));
    bed.write('hvip', bits(40));
    bed.write('vsie', bits(40));
    bed.enter('HS');
    expect(bed.takeInterrupt()).toBeUndefined();
    bed.enter('VU');
    expect(bed.takeInterrupt()).toBe('VS');
    expect(bed.read('vscause')).toBe((1n << 63n) | 40n);
    bed.write('mie', bits(13));
    bed.write('mip', bits(13));
    bed.write('hideleg', bits(2));
    expect(bed.takeInterrupt()).toBe('HS');
    expect(bed.read('scause')).toBe((1n << 63n) | 13n);
    bed.write('mideleg', 0n);
    expect(bed.takeInterrupt()).toBe('M');
    expect(bed.read('mcause')).toBe((1n << 63n) | 13n);
  });

  test('WFI goes on when an interrupt is on top at any level', () => {
    const bed = withImsic();
    expect(bed.execute('wfi')).toBe('wait');
    bed.write('hvictl', bits(30) | (13n << 16n));
    expect(bed.execute('wfi')).toBe('next');
    bed.write('hvictl', 0n);
    bed.write('mvien', bits(40));
    bed.write('mvip', bits(40));
    expect(bed.execute('wfi')).toBe('wait');
    bed.write('sie', bits(40));
    expect(bed.execute('wfi')).toBe('next');
  });
});
