import { describe, expect, test } from 'vitest';
import { bits, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const ILLEGAL = 2;
const ECALL_U = 8;

describe('trap entry', () => {
  test('after reset every trap goes to M: mepc, mcause, mtval and the stack of mstatus', () => {
    const bed = new PrivilegedBed().enter('U');
    bed.write('mtvec', 0x8000_0101n);
    bed.write('mstatus', bits(3));
    bed.pc = 0x1_2345_6788n;
    expect(bed.trap(ILLEGAL, { tvalLow: -1 })).toBe('M');
    expect(bed.mode).toBe('M');
    expect(bed.pc).toBe(0x8000_0100n);
    expect(bed.read('mepc')).toBe(0x1_2345_6788n);
    expect(bed.read('mcause')).toBe(2n);
    expect(bed.read('mtval')).toBe(0xffff_ffffn);
    expect(bed.read('mstatus') & 0xffff_ffffn).toBe(bits(7));
  });

  test('medeleg hands a trap from U or HS on to HS, never one from M', () => {
    const bed = new PrivilegedBed().enter('U');
    bed.write('medeleg', bits(ECALL_U, ILLEGAL));
    bed.write('stvec', 0x40n);
    bed.write('mstatus', bits(1));
    expect(bed.trap(ECALL_U)).toBe('HS');
    expect([bed.mode, bed.pc, bed.read('scause')]).toEqual(['HS', 0x40n, 8n]);
    expect(bed.read('sstatus') & 0xffff_ffffn).toBe(bits(5));
    expect(bed.enter('HS').trap(ILLEGAL)).toBe('HS');
    expect(bed.read('sstatus') & bits(8)).toBe(bits(8));
    expect(bed.enter('M').trap(ILLEGAL)).toBe('M');
    expect(bed.read('mstatus') & bits(11, 12)).toBe(bits(11, 12));
  });

  test('mret and sret undo what the trap pushed', () => {
    const bed = new PrivilegedBed().enter('HS');
    bed.write('mstatus', bits(3, 17));
    bed.pc = 0x100n;
    bed.trap(ILLEGAL);
    expect(bed.execute('mret')).toBe('jumped');
    expect([bed.mode, bed.pc]).toEqual(['HS', 0x100n]);
    // MIE is back, MPIE is 1, MPP is U, MPRV has ended.
    expect(bed.read('mstatus') & 0xffff_ffffn).toBe(bits(3, 7));
  });
});

describe('traps from a guest', () => {
  const PAGE_FAULT = 13;
  const GUEST_FAULT = 21;

  test.each(['VS', 'VU'] as const)('from %s to VS by hedeleg: hstatus and the CSRs of HS stay', (mode) => {
    const bed = new PrivilegedBed().enter(mode);
    bed.write('medeleg', bits(PAGE_FAULT));
    bed.write('hedeleg', bits(PAGE_FAULT));
    bed.write('vstvec', 0x7001n);
    bed.write('vsstatus', bits(1));
    bed.write('hstatus', bits(7));
    bed.pc = 0x44n;
    expect(bed.trap(PAGE_FAULT, { tvalLow: 0x1000, tvalHigh: -1, guestVirtual: true })).toBe('VS');
    expect([bed.mode, bed.pc, bed.read('vsepc'), bed.read('vscause')]).toEqual(['VS', 0x7000n, 0x44n, 13n]);
    expect(bed.read('vstval')).toBe(0xffff_ffff_0000_1000n);
    expect(bed.read('vsstatus') & 0xffff_ffffn).toBe(bits(5) | (mode === 'VS' ? bits(8) : 0n));
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(bits(7));
    expect([bed.read('sepc'), bed.read('scause'), bed.read('stval')]).toEqual([0n, 0n, 0n]);
  });

  test('to HS: SPV, SPVP, GVA, htval and htinst', () => {
    const bed = new PrivilegedBed().enter('VS');
    bed.write('medeleg', bits(GUEST_FAULT));
    bed.write('hedeleg', (1n << 64n) - 1n);
    bed.write('mstatus', bits(1));
    bed.pc = 0x44n;
    const details = { tvalLow: 0x1234, tval2Low: 0x8000, tval2High: 1, tinst: 0x3000, guestVirtual: true };
    expect(bed.trap(GUEST_FAULT, details)).toBe('HS');
    expect(bed.mode).toBe('HS');
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(bits(6, 7, 8));
    expect(bed.read('sstatus') & 0xffff_ffffn).toBe(bits(5, 8));
    expect([bed.read('sepc'), bed.read('scause'), bed.read('stval')]).toEqual([0x44n, 21n, 0x1234n]);
    expect([bed.read('htval'), bed.read('htinst')]).toEqual([0x1_0000_8000n, 0x3000n]);
  });

  test('SPVP is left alone by a trap from V=0; SPV and GVA are not', () => {
    const bed = new PrivilegedBed().enter('U');
    bed.write('medeleg', bits(ILLEGAL));
    bed.write('hstatus', bits(6, 7, 8));
    bed.trap(ILLEGAL);
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(bits(8));
    bed.enter('VU').trap(ILLEGAL);
    expect(bed.read('hstatus') & 0xffff_ffffn).toBe(bits(7));
  });

  test('to M: MPV, GVA, mtval2 and mtinst; V becomes 0', () => {
    const bed = new PrivilegedBed().enter('VU');
    const details = { tval2Low: 5, tinst: 0x3020, guestVirtual: true };
    expect(bed.trap(GUEST_FAULT, details)).toBe('M');
    expect(bed.mode).toBe('M');
    expect(bed.read('mstatus') & bits(11, 12, 38, 39)).toBe(bits(38, 39));
    expect([bed.read('mtval2'), bed.read('mtinst')]).toEqual([5n, 0x3020n]);
    bed.enter('HS').trap(ILLEGAL);
    expect(bed.read('mstatus') & bits(11, 12, 38, 39)).toBe(bits(11));
    expect([bed.read('mtval2'), bed.read('mtinst')]).toEqual([0n, 0n]);
  });

  test('hedeleg says nothing about traps from V=0, nor about what medeleg keeps', () => {
    const bed = new PrivilegedBed();
    bed.write('hedeleg', bits(ILLEGAL));
    expect(bed.enter('VS').trap(ILLEGAL)).toBe('M');
    bed.write('medeleg', bits(ILLEGAL));
    expect(bed.enter('HS').trap(ILLEGAL)).toBe('HS');
    expect(bed.enter('VS').trap(ILLEGAL)).toBe('VS');
  });

  test('with HS played by the host, what hedeleg does not hand on goes to HS', () => {
    const bed = new PrivilegedBed({ hsHost: true }).enter('VS');
    bed.write('hedeleg', bits(ILLEGAL, ECALL_U));
    expect(bed.trap(ILLEGAL)).toBe('VS');
    expect(bed.trap(10)).toBe('HS');
    expect([bed.mode, bed.read('scause')]).toEqual(['HS', 10n]);
    bed.enter('VS');
    // Guests may read counters and use stimecmp as far as the CSRs of HS permit.
    bed.write('hcounteren', 7n);
    bed.write('henvcfg', bits(63));
    expect([bed.csrr('time'), bed.csrr('stimecmp')]).toEqual([0n, (1n << 64n) - 1n]);
  });

  test('the host resumes the guest as sret would', () => {
    const bed = new PrivilegedBed({ hsHost: true });
    bed.write('hstatus', bits(7));
    bed.write('sstatus', bits(8));
    bed.write('sepc', 0x8020_0000n);
    bed.privileged.returnFromSupervisor();
    expect([bed.mode, bed.pc]).toEqual(['VS', 0x8020_0000n]);
  });
});

test('reset leaves nothing of what was before', () => {
  const bed = new PrivilegedBed();
  bed.write('mstatus', (1n << 64n) - 1n);
  for (const name of ['mie', 'hvip', 'hideleg', 'hgatp', 'vsstatus', 'mscratch', 'mcounteren']) {
    bed.write(name, (1n << 64n) - 1n);
  }
  bed.enter('VS');
  bed.privileged.reset();
  expect(bed.mode).toBe('M');
  expect(bed.read('mstatus')).toBe(bits(33, 35));
  expect(bed.read('vsstatus')).toBe(bits(33));
  for (const name of ['mie', 'mip', 'hvip', 'hideleg', 'hgatp', 'mscratch', 'mcounteren']) {
    expect([name, bed.read(name)]).toEqual([name, 0n]);
  }
  expect(bed.word('floatOff')).toBe(1);
});
