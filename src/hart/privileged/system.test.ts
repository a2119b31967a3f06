import { describe, expect, test } from 'vitest';
import { joined } from '../../../test/hart/hart-bed.ts';
import { bits, type Mode, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const ILLEGAL = 2;
const VIRTUAL = 22;
const MODES: readonly Mode[] = ['M', 'HS', 'U', 'VS', 'VU'];
/** Fields that close instructions: the CSR and the bit. */
const FIELDS: Readonly<Record<string, [string, bigint]>> = {
  TVM: ['mstatus', bits(20)],
  TSR: ['mstatus', bits(22)],
  VTVM: ['hstatus', bits(20)],
  VTSR: ['hstatus', bits(22)],
  HU: ['hstatus', bits(9)],
};

/** The cause in each mode, in the order M, HS, U, VS, VU; undefined where the instruction is permitted. */
function causes(name: string, set: string): (number | undefined)[] {
  return MODES.map((mode) => {
    const bed = new PrivilegedBed();
    for (const field of set.split(' ')) {
      const [csr, bit] = FIELDS[field] ?? ['mstatus', 0n];
      bed.setBits(csr, bit);
    }
    return bed.enter(mode).causeOf(name);
  });
}

const ok = undefined;

describe('permission', () => {
  test.each([
    ['mret', '', [ok, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL]],
    ['sret', '', [ok, ok, ILLEGAL, ok, VIRTUAL]],
    ['sret', 'TSR', [ok, ILLEGAL, ILLEGAL, ok, VIRTUAL]],
    ['sret', 'VTSR', [ok, ok, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['sfence.vma', '', [ok, ok, ILLEGAL, ok, VIRTUAL]],
    ['sfence.vma', 'TVM', [ok, ILLEGAL, ILLEGAL, ok, VIRTUAL]],
    ['sinval.vma', 'TVM', [ok, ILLEGAL, ILLEGAL, ok, VIRTUAL]],
    ['sinval.vma', 'VTVM', [ok, ok, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['sfence.w.inval', 'TVM VTVM', [ok, ok, ILLEGAL, ok, VIRTUAL]],
    ['sfence.inval.ir', 'TVM VTVM', [ok, ok, ILLEGAL, ok, VIRTUAL]],
    ['hfence.vvma', 'TVM', [ok, ok, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['hinval.vvma', 'TVM', [ok, ok, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['hfence.gvma', '', [ok, ok, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['hfence.gvma', 'TVM', [ok, ILLEGAL, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['hinval.gvma', 'TVM', [ok, ILLEGAL, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['hlv.d', '', [ok, ok, ILLEGAL, VIRTUAL, VIRTUAL]],
    ['hlvx.hu', 'HU', [ok, ok, ok, VIRTUAL, VIRTUAL]],
    ['hsv.b', 'HU', [ok, ok, ok, VIRTUAL, VIRTUAL]],
    ['fence.i', '', [ok, ok, ok, ok, ok]],
    ['ecall', '', [11, 9, 8, 10, 8]],
    ['ebreak', '', [3, 3, 3, 3, 3]],
  ] as const)('%s with %s set', (name, set, expected) => {
    expect(causes(name, set)).toEqual(expected);
  });

  test.each([
    ['ecall', 'M', 0n, false],
    ['ecall', 'VU', 0n, false],
    ['ebreak', 'M', 0xffff_ffff_8000_1002n, false],
    ['ebreak', 'U', 0xffff_ffff_8000_1002n, false],
    ['ebreak', 'VS', 0xffff_ffff_8000_1002n, true],
    ['ebreak', 'VU', 0xffff_ffff_8000_1002n, true],
    ['mret', 'HS', 0x3020_0073n, false],
    ['hfence.gvma', 'VS', 0x6200_0073n, false],
  ] as const)('%s in %s gives xtval %i, an address of the guest: %s', (name, mode, tval, guestVirtual) => {
    const bed = new PrivilegedBed().enter(mode);
    const { exception } = bed.privileged;
    Object.assign(exception, { tvalLow: 5, tvalHigh: 5, guestVirtual: !guestVirtual });
    bed.pc = 0xffff_ffff_8000_1002n;
    expect(bed.execute(name)).toBe('exception');
    expect([joined(exception.tvalLow, exception.tvalHigh), exception.guestVirtual]).toEqual([
      tval,
      guestVirtual,
    ]);
  });
});

describe('fences', () => {
  test('say which addresses and address spaces they are about', () => {
    const bed = new PrivilegedBed();
    bed.setX(5, 0xffff_ffff_8000_1000n);
    bed.setX(6, 0xf_1234n);
    bed.execute('sfence.vma');
    bed.execute('sfence.vma', { rs1: 5 });
    bed.execute('sinval.vma', { rs1: 5, rs2: 6 });
    bed.execute('hfence.vvma', { rs2: 6 });
    bed.execute('hfence.gvma', { rs1: 5, rs2: 6 });
    bed.execute('fence.i');
    expect(bed.calls).toEqual([
      'fence vma undefined undefined undefined',
      // Of all of them: code is looked at again, too.
      'fence.i',
      'fence vma -2147479552 -1 undefined',
      'fence vma -2147479552 -1 4660',
      'fence vvma undefined undefined 4660',
      'fence gvma -2147479552 -1 4660',
      'fence.i',
    ]);
  });
});

describe('memory instructions', () => {
  test('that fault give their exception on', () => {
    const bed = new PrivilegedBed();
    bed.hookSucceeds = false;
    expect(bed.execute('hlv.w')).toBe('exception');
    expect(bed.execute('cbo.zero')).toBe('exception');
  });
});

describe('xRET', () => {
  test.each([
    [0n, 0n, 'U'],
    [0n, 1n, 'HS'],
    [1n, 0n, 'VU'],
    [1n, 1n, 'VS'],
    [1n, 3n, 'M'],
  ] as const)('mret with MPV=%i and MPP=%i goes to %s', (mpv, mpp, mode) => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', (mpv << 39n) | (mpp << 11n) | bits(7, 17));
    bed.write('mepc', 0x123_4567_89aan);
    expect(bed.execute('mret')).toBe('jumped');
    expect([bed.mode, bed.pc]).toEqual([mode, 0x123_4567_89aan]);
    // MIE is 1, MPIE is 1, MPP and MPV are 0; MPRV ends below M.
    expect(bed.read('mstatus')).toBe(bits(33, 35, 3, 7) | (mode === 'M' ? bits(17) : 0n));
  });

  test.each([
    [0n, 0n, 'U'],
    [0n, 1n, 'HS'],
    [1n, 0n, 'VU'],
    [1n, 1n, 'VS'],
  ] as const)('sret with SPV=%i and SPP=%i goes to %s', (spv, spp, mode) => {
    for (const from of ['M', 'HS'] as const) {
      const bed = new PrivilegedBed().enter(from);
      bed.write('hstatus', (spv << 7n) | bits(8));
      bed.write('mstatus', (spp << 8n) | bits(5, 17));
      bed.write('vsstatus', bits(5));
      bed.write('sepc', 0x1000n);
      bed.execute('sret');
      expect([bed.mode, bed.pc]).toEqual([mode, 0x1000n]);
      expect(bed.read('mstatus') & 0xffff_ffffn).toBe(bits(1, 5));
      expect(bed.read('hstatus') & 0xffff_ffffn).toBe(bits(8));
      expect(bed.read('vsstatus') & 0xffff_ffffn).toBe(bits(5));
    }
  });

  test.each([
    [0n, 'VU'],
    [1n, 'VS'],
  ] as const)('sret in VS with SPP=%i goes to %s and touches vsstatus alone', (spp, mode) => {
    const bed = new PrivilegedBed().enter('VS');
    bed.write('vsstatus', (spp << 8n) | bits(5));
    bed.write('vsepc', 0x2000n);
    bed.write('hstatus', bits(7));
    bed.write('mstatus', bits(5, 8));
    bed.execute('sret');
    expect([bed.mode, bed.pc]).toEqual([mode, 0x2000n]);
    expect(bed.read('vsstatus') & 0xffff_ffffn).toBe(bits(1, 5));
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(bits(7));
    expect(bed.read('mstatus') & 0xffff_ffffn).toBe(bits(5, 8));
  });

  test('ends a reservation', () => {
    const bed = new PrivilegedBed();
    bed.setWord('reservation', 64);
    bed.execute('mret');
    expect(bed.word('reservation')).toBe(0);
  });
});

describe('cache-block operations', () => {
  const enables = { 'cbo.zero': 7, 'cbo.clean': 6, 'cbo.flush': 6, 'cbo.inval': 4 } as const;

  test.each(Object.entries(enables))('%s asks menvcfg, henvcfg and senvcfg', (name, bit) => {
    const causesWith = (m: boolean, h: boolean, s: boolean): (number | undefined)[] =>
      MODES.map((mode) => {
        const bed = new PrivilegedBed();
        bed.write('menvcfg', m ? bits(bit) : 0n);
        bed.write('henvcfg', h ? bits(bit) : 0n);
        bed.write('senvcfg', s ? bits(bit) : 0n);
        return bed.enter(mode).causeOf(name);
      });
    expect(causesWith(true, true, true)).toEqual([ok, ok, ok, ok, ok]);
    expect(causesWith(true, true, false)).toEqual([ok, ok, ILLEGAL, ok, VIRTUAL]);
    expect(causesWith(true, false, true)).toEqual([ok, ok, ok, VIRTUAL, VIRTUAL]);
    expect(causesWith(false, true, true)).toEqual([ok, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL]);
  });

  test('CBIE cannot hold its reserved value; bits of absent extensions are 0', () => {
    const bed = new PrivilegedBed();
    bed.write('menvcfg', bits(4));
    bed.write('menvcfg', bits(5, 7));
    expect(bed.read('menvcfg')).toBe(bits(4, 7));
    bed.write('senvcfg', (1n << 64n) - 1n);
    expect(bed.read('senvcfg')).toBe(0xf1n | bits(32, 33));
    const plain = new PrivilegedBed({ extensions: new Set(['i', 'zicsr']) });
    plain.write('menvcfg', (1n << 64n) - 1n);
    expect(plain.read('menvcfg')).toBe(bits(0));
    for (const [extension, ...own] of [
      ['svadu', 61],
      ['svpbmt', 62],
      ['sstc', 63],
      ['smnpm', 32, 33],
      ['ssnpm'],
    ] as const) {
      const one = new PrivilegedBed({ extensions: new Set(['i', 'zicsr', 'h', extension]) });
      one.write('menvcfg', (1n << 64n) - 1n);
      expect(one.read('menvcfg')).toBe(bits(0, ...own));
      one.write('senvcfg', (1n << 64n) - 1n);
      expect(one.read('senvcfg')).toBe(extension === 'ssnpm' ? bits(0, 32, 33) : bits(0));
    }
  });
});

describe('state enables', () => {
  test('mstateen0 closes senvcfg and henvcfg to HS, hstateen0 closes senvcfg to the guest', () => {
    const bed = new PrivilegedBed({ stateEnable: true }).enter('HS');
    expect([bed.csrr('senvcfg'), bed.csrr('sstateen0'), bed.csrr('hstateen0')]).toEqual([-2n, -2n, -2n]);
    bed.write('mstateen0', (1n << 64n) - 1n);
    expect(bed.read('mstateen0')).toBe(bits(62, 63));
    expect([bed.csrr('senvcfg'), bed.csrr('sstateen0'), bed.csrr('hstateen0')]).toEqual([0n, 0n, 0n]);
    bed.enter('VS');
    expect([bed.csrr('senvcfg'), bed.csrr('sstateen0')]).toEqual([-22n, -22n]);
    bed.write('hstateen0', (1n << 64n) - 1n);
    expect([bed.csrr('senvcfg'), bed.csrr('sstateen0')]).toEqual([0n, 0n]);
    bed.write('mstateen0', bits(62));
    expect(bed.read('hstateen0')).toBe(bits(62));
    expect([bed.csrr('senvcfg'), bed.csrr('sstateen0')]).toEqual([0n, -2n]);
  });

  test('are absent unless asked for, and then close nothing', () => {
    const bed = new PrivilegedBed().enter('HS');
    expect([bed.csrr('sstateen0'), bed.csrr('hstateen0')]).toEqual([-2n, -2n]);
    expect([bed.csrr('senvcfg'), bed.csrr('henvcfg') & 0xffn]).toEqual([0n, 0n]);
  });
});
