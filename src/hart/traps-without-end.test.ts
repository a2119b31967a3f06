import { describe, expect, test } from 'vitest';
import { EXIT, HartBed, RAM } from '../../test/hart/hart-bed.ts';

/** A bed whose guest runs in VS-mode at the start of RAM; traps that the guest handles itself are all delegated. */
function guest(source: string): HartBed {
  const bed = new HartBed({ hsHost: true }).load(source);
  bed.setCsr('hedeleg', 0xb1ffn);
  bed.setCsr('hstatus', 0x180n);
  bed.setCsr('sstatus', 0x100n);
  bed.setCsr('sepc', BigInt(RAM));
  bed.hart.resumeGuest();
  return bed;
}

describe('a row of exceptions', () => {
  test('a handler that cannot be fetched does not keep run from returning', () => {
    const bed = new HartBed().load('li t0, 0x1000; jr t0');
    expect(bed.run(10_000)).toBe(EXIT.yield);
    const row = bed.hart.exceptionRow;
    const { length } = row;
    expect(length).toBeGreaterThan(1);
    expect([row.firstCause, row.firstPcLow]).toEqual([1, 0x1000]);
    expect([row.cause, row.pcLow]).toEqual([1, 0]);
    expect(bed.pc).toBe(0n);
    const before = bed.hart.instructions;
    bed.run(10_000);
    expect(row.length).toBeGreaterThan(length);
    expect(bed.hart.instructions).toBe(before);
  });

  test('a handler whose first instruction is illegal neither', () => {
    const bed = new HartBed().load(
      'la t0, handler; csrw mtvec, t0; .word 0xc0001073; .align 4; handler: .word 0xc0001073',
    );
    expect(bed.run(10_000)).toBe(EXIT.yield);
    expect(bed.hart.exceptionRow.length).toBeGreaterThan(1000);
    expect(bed.pc).toBe(BigInt(bed.symbol('handler')));
  });

  test('nor one in a guest', () => {
    const bed = guest('csrw stvec, zero; .word 0xc0001073');
    expect(bed.run(10_000)).toBe(EXIT.yield);
    expect(bed.hart.exceptionRow).toMatchObject({ firstCause: 2, cause: 1, pcLow: 0 });
  });

  test('an instruction that retires ends the row', () => {
    const bed = new HartBed().load(`
      la t0, handler; csrw mtvec, t0
    again: .word 0xc0001073
      .align 4
    handler: addi a0, a0, 1; la t1, again; csrw mepc, t1; mret`);
    bed.run(10_000);
    expect(bed.x('a0')).toBeGreaterThan(100n);
    expect(bed.hart.exceptionRow.length).toBe(1);
  });
});

describe('jumps that are no branches', () => {
  const circle = 'la t0, handler; csrw stvec, t0; .align 4; handler: sret';

  test('a guest that goes round in traps and xRET uses up its fuel', () => {
    const bed = guest(`${circle}`);
    bed.setCsr('vsepc', BigInt(RAM));
    // Straight-line code, then SRET to itself: no branch is ever taken.
    bed.load('la t0, here; csrw sepc, t0; csrsi sstatus, 0; here: li t1, 0x100; csrs sstatus, t1; sret');
    expect(bed.run(5_000)).toBe(EXIT.yield);
    expect(bed.hart.instructions).toBeLessThan(6_000);
    const { pc } = bed;
    expect(pc).toBeGreaterThanOrEqual(BigInt(bed.symbol('here')));
    bed.askToLeave();
    expect(bed.run(2 ** 30)).toBe(EXIT.yield);
    expect(bed.hart.instructions).toBeLessThan(12_000);
  });
});

describe('a new timer deadline', () => {
  test.each(['stimecmp', 'vstimecmp'])(
    'a write to %s ends the run, so that it can be measured anew',
    (name) => {
      const bed = new HartBed().load(`li t0, 5; csrw ${name}, t0; here: addi a0, a0, 1; j here`);
      bed.setCsr('menvcfg', 1n << 63n);
      expect(bed.run(100_000)).toBe(EXIT.yield);
      expect(bed.hart.instructions).toBe(2);
      expect(bed.pc).toBe(BigInt(bed.symbol('here')));
    },
  );
});
