import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, RAM } from '../../test/hart/hart-bed.ts';
import { CAUSE } from './exceptions.ts';

const CODE = RAM + 0x10_0000;

/** The trap handler keeps what it found in s2 (epc), s3 (cause), s4 (tval), and goes on at the address in s1. */
const HANDLER = `
    .balign 4
  trap:
    csrr s2, mepc
    csrr s3, mcause
    csrr s4, mtval
    csrw mie, x0
    csrw mepc, s1
    li t0, 0x1800
    csrs mstatus, t0
    mret`;

/** A program in M-mode under {@link HANDLER}, whose body ends at the label `end`. */
function program(body: string): string {
  return `la t0, trap
    csrw mtvec, t0
    la s1, end
    ${body}
    .balign 4
  end:
    ${FINISH}
    ${HANDLER}`;
}

describe('an exception', () => {
  test.each([
    ['ld a0, 8(a0)', CAUSE.loadAccess],
    ['lbu a0, 8(a0)', CAUSE.loadAccess],
    ['c.ld a0, 8(a0)', CAUSE.loadAccess],
    ['fld fa0, 8(a0)', CAUSE.loadAccess],
    ['c.fld fa0, 8(a0)', CAUSE.loadAccess],
    ['sd a0, 8(a0)', CAUSE.storeAccess],
    ['c.sd a0, 8(a0)', CAUSE.storeAccess],
    ['fsd fa0, 8(a0)', CAUSE.storeAccess],
  ])('of %s is about that instruction, whose registers stay as they were', (instruction, cause) => {
    const bed = new HartBed().load(
      program(
        `li t0, 0x6000\n csrs mstatus, t0\n li a0, 0x1230\n fmv.d.x fa0, a0\n li a1, 1\n here: ${instruction}\n li a1, 2`,
      ),
    );
    bed.finish();
    expect(bed.x('s2')).toBe(BigInt(bed.symbol('here')));
    expect(bed.x('s3')).toBe(BigInt(cause));
    expect(bed.x('s4')).toBe(0x1238n);
    expect([bed.x('a0'), bed.x('a1')]).toEqual([0x1230n, 1n]);
    expect(bed.hart.state.words[(0x100 >> 2) + 20]).toBe(0x1230);
  });

  test.each([
    ['32 bits', '.word 0xfffffffb', 0xffff_fffbn],
    ['16 bits', '.half 0x9c41\n nop', 0x9c41n],
    ['16 zero bits', '.half 0\n nop', 0n],
    ['a read-only CSR', 'csrw 0xc00, x0', 0xc000_1073n],
  ])('of an illegal instruction of %s tells its bits', (_, code, bits) => {
    const bed = new HartBed().load(program(`.balign 4\nhere: ${code}`));
    bed.finish();
    expect(bed.x('s2')).toBe(BigInt(bed.symbol('here')));
    expect([bed.x('s3'), bed.x('s4')]).toEqual([2n, bits]);
  });

  test.each([
    ['illegal', '.word 0xfffffffb', CAUSE.illegalInstruction, 0xffff_fffbn],
    ['load', 'ld a0, (x0)', CAUSE.loadAccess, 0n],
    ['ecall', 'ecall', CAUSE.ecallFromM, 0n],
  ])('of an instruction across two pages is about its beginning: %s', (_, code, cause, tval) => {
    const bed = new HartBed().load(program(`li a0, 7\n li t0, ${CODE - 2}\n jr t0`)).load(code, CODE - 2);
    bed.finish();
    expect([bed.x('s2'), bed.x('s3'), bed.x('s4')]).toEqual([BigInt(CODE - 2), BigInt(cause), tval]);
    expect(bed.x('a0')).toBe(7n);
  });

  test.each(['ebreak', 'c.ebreak'])('of %s tells its address', (code) => {
    const bed = new HartBed().load(program(`nop\n here: ${code}`));
    bed.finish();
    const here = BigInt(bed.symbol('here'));
    expect([bed.x('s2'), bed.x('s3'), bed.x('s4')]).toEqual([here, BigInt(CAUSE.breakpoint), here]);
  });

  test('of a jump to nowhere is about the target, and the link is written', () => {
    const bed = new HartBed().load(program('li a0, 0x5000\n jalr ra, (a0)\n after:'));
    bed.finish();
    expect([bed.x('s2'), bed.x('s3'), bed.x('s4')]).toEqual([0x5000n, 1n, 0x5000n]);
    expect(bed.x('ra')).toBe(BigInt(bed.symbol('after')));
  });
});

describe('instret', () => {
  test.each([
    ['straight code', 'nop\n nop\n c.nop', 3n],
    ['a taken branch', 'beq x0, x0, 1f\n nop\n 1:', 1n],
    ['a far jump', '.balign 4096\n 1:', undefined],
    ['a loop', 'li t0, 2000\n 1: addi t0, t0, -1\n bnez t0, 1b', 4001n],
    ['calls', 'la t0, callee\n jalr t0\n j 1f\n callee: ret\n 1:', 5n],
    ['loads and stores that miss', 'la t0, trap\n ld t1, (t0)\n sd t1, (t0)', 4n],
    ['CSR accesses', 'csrr t0, mstatus\n csrw mscratch, t0', 2n],
    ['fences', 'fence\n fence.i\n sfence.vma', 3n],
    // Neither the instruction that traps nor the trap counts; the handler has 9.
    ['an ecall', 'la s1, 1f\n ecall\n 1:', 11n],
    ['an illegal instruction', 'la s1, 1f\n .word 0\n 1:', 11n],
    ['a load that faults', 'la s1, 1f\n ld t0, (x0)\n 1:', 11n],
  ])('counts %s', (_, code, count) => {
    const bed = new HartBed().load(program(`csrr a0, minstret\n ${code}\n csrr a1, minstret`));
    bed.finish();
    const between = bed.x('a1') - bed.x('a0') - 1n;
    if (count === undefined) expect(between).toBeGreaterThan(0n);
    else expect(between).toBe(count);
  });

  test('agrees with what the host sees, however often it interrupts', () => {
    for (const fuel of [1, 2, 7, 100, 5000]) {
      const bed = new HartBed().load('li a1, 0\n 1: addi a1, a1, 1\n csrr a0, minstret\n j 1b');
      for (let runs = 0; runs < 50; runs++) bed.run(fuel);
      // li retires first; the round under way may be anywhere in its three instructions.
      const rounds = bed.x('a1');
      expect(bed.x('a0') - ((rounds - 1n) * 3n + 2n)).toBeGreaterThanOrEqual(-3n);
      expect(BigInt(bed.hart.instructions) - rounds * 3n).toBeGreaterThanOrEqual(-1n);
      expect(BigInt(bed.hart.instructions) - rounds * 3n).toBeLessThanOrEqual(1n);
      expect(bed.csr('minstret')).toBe(BigInt(bed.hart.instructions));
    }
  });

  test('reads back what was written to it', () => {
    const bed = new HartBed().load(
      program('li t0, 1000\n csrw minstret, t0\n csrr a0, minstret\n csrr a1, minstret'),
    );
    bed.finish();
    expect([bed.x('a0'), bed.x('a1')]).toEqual([1000n, 1001n]);
  });
});

describe('fuel', () => {
  test('holds within a page of code and a chunk', () => {
    const loops = {
      'a short loop': ['1: addi a0, a0, 1\nj 1b', 4],
      'straight code': [`${'addi a0, a0, 1\n'.repeat(3000)} j . - 4000`, 1100],
      'system instructions': ['1: csrr a0, mstatus\nj 1b', 4],
      'loops that trap': ['la t0, 1f\ncsrw mtvec, t0\n.balign 4\n1: addi a0, a0, 1\necall', 4],
    } as const;
    for (const [source, slack] of Object.values(loops)) {
      for (const fuel of [1, 10, 1000, 1024, 1025, 20_000]) {
        const bed = new HartBed().load(source);
        bed.run(1);
        const before = bed.hart.instructions;
        bed.run(fuel);
        expect(bed.hart.instructions - before).toBeLessThanOrEqual(fuel + slack);
      }
    }
  });
});

describe('interrupts', () => {
  /** Runs a body of S-mode with SSIP pending in the end; gives where the interrupt was taken. */
  function taken(body: string, setUp = ''): HartBed {
    const bed = new HartBed().load(`
      la t0, trap
      csrw stvec, t0
      li t0, 2
      csrw mideleg, t0
      ${setUp}
      li t0, 0x800
      csrw mstatus, t0
      la t0, body
      csrw mepc, t0
      mret
    body:
      ${body}
      .balign 4
    trap:
      csrr s2, sepc
      csrr s3, scause
      ${FINISH}`);
    bed.hart.pmp.allowAll();
    bed.finish();
    expect(bed.x('s3')).toBe((1n << 63n) | 1n);
    return bed;
  }

  test.each([
    ['sstatus.SIE is set', 'csrsi sip, 2\n csrsi sie, 2\n nop\n csrsi sstatus, 2\n here: li a1, 1\n 1: j 1b'],
    ['sie is set', 'csrsi sstatus, 2\n csrsi sip, 2\n nop\n csrsi sie, 2\n here: li a1, 1\n 1: j 1b'],
    ['sip is set', 'csrsi sstatus, 2\n csrsi sie, 2\n nop\n csrsi sip, 2\n here: li a1, 1\n 1: j 1b'],
    [
      'sret sets SIE',
      'csrsi sip, 2\n csrsi sie, 2\n la t0, here\n csrw sepc, t0\n li t0, 0x120\n csrs sstatus, t0\n sret\n here: li a1, 1\n 1: j 1b',
    ],
    [
      'sret leaves S-mode',
      'csrsi sip, 2\n csrsi sie, 2\n la t0, here\n csrw sepc, t0\n li t0, 0x120\n csrc sstatus, t0\n sret\n here: li a1, 1\n 1: j 1b',
    ],
  ])('are taken before the next instruction when %s', (_, body) => {
    const bed = taken(body);
    expect(bed.x('s2')).toBe(BigInt(bed.symbol('here')));
    expect(bed.x('a1')).toBe(0n);
  });

  test('raised outside are taken when the hart is entered again', () => {
    const bed = new HartBed().load(
      program('li t0, 8\n csrw mie, t0\n csrsi mstatus, 8\n 1: addi a1, a1, 1\n j 1b'),
    );
    bed.run(1000);
    bed.lines = 1 << 3;
    const pc = bed.pc;
    bed.finish();
    expect([bed.x('s3'), bed.x('s2')]).toEqual([(1n << 63n) | 3n, pc]);
    expect(Number(bed.x('a1'))).toBeLessThan(1000);
  });
});

describe('physical memory protection', () => {
  test('holds for the instruction behind the write', () => {
    // Locks the code's own page without execute permission: pmpaddr NA4 entries would do, a page is simpler.
    const bed = new HartBed().load(program('li s1, 0\n li t0, -1\n nop'));
    bed.load(
      `la t0, trap\n csrw mtvec, t0\n li t0, ${(CODE + (PAGE >> 1) - 1) >>> 2}\n csrw pmpaddr0, t0
       li t0, ${CODE}\n jr t0\n ${HANDLER.replace('csrw mepc, s1', FINISH)}`,
    );
    bed.load('li t0, 0x99\n csrw pmpcfg0, t0\n here: nop\n nop\n', CODE);
    bed.finish();
    expect([bed.x('s3'), bed.x('s2')]).toEqual([BigInt(CAUSE.fetchAccess), BigInt(bed.symbol('here'))]);
  });
});
