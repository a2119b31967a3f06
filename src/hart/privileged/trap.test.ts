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
