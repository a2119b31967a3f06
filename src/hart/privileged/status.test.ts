import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bits, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const ILLEGAL = 2;
const ALL = (1n << 64n) - 1n;
const FS = bits(13, 14);
const SD = bits(63);

describe('legal values', () => {
  test('mstatus', () => {
    const bed = new PrivilegedBed();
    expect(bed.read('mstatus')).toBe(bits(33, 35));
    bed.write('mstatus', ALL);
    expect(bed.read('mstatus')).toBe(SD | bits(33, 35, 38, 39) | 0x7e_79aan);
    bed.write('mstatus', 0n);
    expect(bed.read('mstatus')).toBe(bits(33, 35));
  });

  test('MPP cannot hold 2', () => {
    const bed = new PrivilegedBed();
    for (const mpp of [0n, 1n, 3n]) {
      bed.write('mstatus', mpp << 11n);
      bed.write('mstatus', 2n << 11n);
      expect((bed.read('mstatus') >> 11n) & 3n).toBe(mpp);
    }
  });

  test('sstatus is part of mstatus; vsstatus is of its own', () => {
    const bed = new PrivilegedBed();
    const visible = SD | FS | bits(1, 5, 8, 18, 19, 33);
    bed.write('mstatus', ALL);
    expect(bed.read('sstatus')).toBe(visible);
    bed.write('sstatus', 0n);
    expect(bed.read('mstatus')).toBe(bits(33, 35, 38, 39) | bits(3, 7, 11, 12, 17, 20, 21, 22));
    bed.write('vsstatus', ALL);
    expect([bed.read('vsstatus'), bed.read('sstatus')]).toEqual([visible, bits(33)]);
  });

  test.each(['mtvec', 'stvec', 'vstvec'])('%s: MODE is direct or vectored', (name) => {
    const bed = new PrivilegedBed();
    bed.write(name, ALL);
    expect(bed.read(name)).toBe(ALL & ~2n);
  });

  test.each(['mepc', 'sepc', 'vsepc'])('%s is even', (name) => {
    const bed = new PrivilegedBed();
    bed.write(name, ALL);
    expect(bed.read(name)).toBe(ALL & ~1n);
    const narrow = new PrivilegedBed({ extensions: new Set(['i', 'zicsr', 'h']) });
    narrow.write(name, ALL);
    expect(narrow.read(name)).toBe(ALL & ~3n);
  });

  test('misa names the extensions and cannot be changed', () => {
    const bed = new PrivilegedBed();
    const letters = [...'acdfhimsu'].map((letter) => letter.charCodeAt(0) - 97);
    expect(bed.read('misa')).toBe(bits(63, ...letters));
    bed.write('misa', 0n);
    expect(bed.read('misa')).toBe(bits(63, ...letters));
  });

  test('medeleg and mideleg', () => {
    const bed = new PrivilegedBed();
    bed.write('medeleg', ALL);
    expect(bed.read('medeleg')).toBe(0xfc_b7ffn);
    bed.write('mideleg', ALL);
    expect(bed.read('mideleg')).toBe(bits(1, 2, 5, 6, 9, 10, 13));
    bed.write('mideleg', 0n);
    expect(bed.read('mideleg')).toBe(bits(2, 6, 10));
  });

  test('mip: levels cannot be written; csrrs starts from the stored SEIP, not from the line', () => {
    const bed = new PrivilegedBed();
    bed.write('mip', ALL);
    expect(bed.read('mip')).toBe(bits(1, 2, 5, 9, 13));
    bed.write('mip', 0n);
    bed.lines = 1 << 9;
    expect(bed.execute('csrrsi', { rd: 5, imm: 2, csr: 0x344 })).toBe('next');
    expect(bed.x(5)).toBe(bits(9));
    bed.lines = 0;
    expect(bed.read('mip')).toBe(bits(1));
  });

  test('sip: only SSIP is writable, and only where mideleg is 1', () => {
    const bed = new PrivilegedBed();
    bed.write('sip', ALL);
    expect(bed.read('mip')).toBe(0n);
    bed.write('mideleg', bits(1, 5, 9));
    bed.write('sip', ALL);
    expect(bed.read('mip')).toBe(bits(1));
  });

  test('identification and trigger CSRs', () => {
    const bed = new PrivilegedBed({ hartId: 5 });
    expect(bed.csrr('mhartid')).toBe(5n);
    for (const name of ['mvendorid', 'marchid', 'mimpid', 'mconfigptr', 'tselect', 'tdata1', 'mseccfg']) {
      expect(bed.csrr(name)).toBe(0n);
    }
    expect(bed.csrw('tselect', 1n)).toBeUndefined();
    expect(bed.csrr('tselect')).toBe(0n);
  });

  test('PMP: as many registers as entries', () => {
    const bed = new PrivilegedBed({ pmpEntries: 16 });
    expect(bed.csrw('pmpaddr15', 0x1234n)).toBeUndefined();
    expect(bed.csrr('pmpaddr15')).toBe(0x1234n);
    expect(bed.csrw('pmpcfg2', 1n << 63n)).toBeUndefined();
    expect(bed.csrr('pmpcfg2')).toBe(1n << 63n);
    expect(bed.csrr('pmpaddr16')).toBe(-2n);
    expect(bed.csrr('pmpcfg4')).toBe(-2n);
    const none = new PrivilegedBed({ pmpEntries: 0 });
    expect([none.csrr('pmpcfg0'), none.csrr('pmpaddr0')]).toEqual([-2n, -2n]);
    const many = new PrivilegedBed({ pmpEntries: 64 });
    expect([many.csrr('pmpcfg14'), many.csrr('pmpaddr63')]).toEqual([0n, 0n]);
  });
});

describe('floating-point state', () => {
  test('access with FS off is illegal, also in a guest whose own FS is on, or the other way round', () => {
    const bed = new PrivilegedBed();
    expect(bed.causeOf('csrrs', { rd: 1, csr: 3 })).toBe(ILLEGAL);
    bed.write('mstatus', bits(13));
    expect(bed.causeOf('csrrs', { rd: 1, csr: 3 })).toBeUndefined();
    for (const mode of ['VS', 'VU'] as const) {
      expect(bed.enter(mode).causeOf('csrrs', { rd: 1, csr: 1 })).toBe(ILLEGAL);
      bed.write('vsstatus', bits(13));
      expect(bed.causeOf('csrrs', { rd: 1, csr: 2 })).toBeUndefined();
      bed.write('mstatus', 0n);
      expect(bed.causeOf('csrrs', { rd: 1, csr: 3 })).toBe(ILLEGAL);
      bed.write('mstatus', bits(13));
      bed.write('vsstatus', 0n);
    }
  });

  test('fcsr is frm and fflags; a write makes the state dirty', () => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(13));
    bed.csrw('fcsr', ALL);
    expect([bed.csrr('fflags'), bed.csrr('frm'), bed.csrr('fcsr')]).toEqual([0x1fn, 7n, 0xffn]);
    expect(bed.read('mstatus') & (FS | SD)).toBe(FS | SD);
    bed.write('mstatus', bits(13));
    bed.csrw('frm', 2n);
    bed.csrw('fflags', 0n);
    expect(bed.csrr('fcsr')).toBe(0x40n);
    expect(bed.read('sstatus') & SD).toBe(SD);
  });

  test('dirty state counts for the mode that made it dirty: both levels in a guest, HS alone otherwise', () => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(13));
    bed.write('vsstatus', bits(13));
    bed.setWord('floatDirty', 1);
    bed.trap(ILLEGAL);
    expect([bed.read('mstatus') & FS, bed.read('vsstatus') & FS]).toEqual([FS, bits(13)]);
    bed.write('mstatus', bits(13));
    bed.enter('VS');
    bed.setWord('floatDirty', 1);
    bed.trap(ILLEGAL);
    expect(bed.mode).toBe('M');
    expect([bed.read('mstatus') & FS, bed.read('vsstatus') & (FS | SD)]).toEqual([FS, FS | SD]);
  });

  test('software may call dirty state clean', () => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(13));
    bed.setWord('floatDirty', 1);
    bed.write('sstatus', bits(14));
    expect(bed.read('sstatus') & (FS | SD)).toBe(bits(14));
  });

  test('floatOff follows FS and V', () => {
    const off = (bed: PrivilegedBed): boolean => bed.word('floatOff') !== 0;
    fc.assert(
      fc.property(fc.nat(3), fc.nat(3), (hs, vs) => {
        const bed = new PrivilegedBed();
        bed.write('mstatus', BigInt(hs) << 13n);
        bed.write('vsstatus', BigInt(vs) << 13n);
        expect(off(bed)).toBe(hs === 0);
        bed.write('hstatus', bits(7));
        bed.execute('sret');
        expect(bed.mode).toBe('VU');
        expect(off(bed)).toBe(hs === 0 || vs === 0);
        bed.trap(ILLEGAL);
        expect(off(bed)).toBe(hs === 0);
      }),
    );
  });
});

describe('address translation is told', () => {
  test.each([
    ['mstatus', bits(17)],
    ['mstatus', bits(11)],
    ['mstatus', bits(39)],
    ['sstatus', bits(18)],
    ['sstatus', bits(19)],
    ['vsstatus', bits(18)],
    ['hstatus', bits(8)],
    ['satp', 8n << 60n],
    ['vsatp', 8n << 60n],
    ['hgatp', 8n << 60n],
    ['menvcfg', 0n],
    ['henvcfg', 0n],
  ])('when %s becomes %i', (name, value) => {
    const bed = new PrivilegedBed();
    bed.write(name, value);
    expect(bed.calls).toContain('context');
  });

  test('after the status stack is up to date', () => {
    const bed = new PrivilegedBed().enter('U');
    bed.write('mstatus', bits(17));
    bed.calls.length = 0;
    bed.trap(ILLEGAL);
    bed.execute('mret');
    expect(bed.calls).toEqual(['context', 'context']);
  });

  test('but not by writes that do not matter to it', () => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(1, 3, 5, 7, 8, 13, 20, 21, 22));
    bed.write('vsstatus', bits(1, 13));
    bed.write('sscratch', 1n);
    expect(bed.calls).toEqual([]);
  });
});
