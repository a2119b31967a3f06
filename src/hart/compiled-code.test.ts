/** Guest programs whose hot code is compiled, each in lock step with the interpreter. */
import { describe, expect, test } from 'vitest';
import { DEVICE, EXIT, FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';
import { REGION_BUDGET } from '../jit/exits.ts';

/** Runs a program on both engines; a0 at its end, and how many instructions compiled code has retired. */
function runBoth(source: string, limit = 200_000): { result: number; compiled: number; bed: HartBed } {
  const bed = new HartBed({ engine: 'lockstep' }).load(source);
  const result = bed.finish(limit);
  return { result, compiled: bed.hart.regionStatistics?.retired ?? 0, bed };
}

describe('compiled code', () => {
  test('sums in a loop', () => {
    const { result, compiled } = runBoth(`
      li a0, 0
      li a1, 2000
    1: add a0, a0, a1
      addi a1, a1, -1
      bnez a1, 1b
      ${FINISH}`);
    expect(result).toBe(2_001_000);
    expect(compiled).toBeGreaterThan(5000);
  });

  test('calls, returns and recursion', () => {
    const { result, compiled } = runBoth(
      `
      li sp, ${RAM + 0x10_0000}
      li a0, 15
      call fib
      ${FINISH}
    fib:
      li t0, 2
      blt a0, t0, 2f
      addi sp, sp, -24
      sd ra, 0(sp)
      sd s0, 8(sp)
      sd s1, 16(sp)
      mv s0, a0
      addi a0, a0, -1
      call fib
      mv s1, a0
      addi a0, s0, -2
      call fib
      add a0, a0, s1
      ld ra, 0(sp)
      ld s0, 8(sp)
      ld s1, 16(sp)
      addi sp, sp, 24
    2: ret`,
      400_000,
    );
    expect(result).toBe(610);
    expect(compiled).toBeGreaterThan(10_000);
  });

  test('a return to another place than the call came from', () => {
    const { result, compiled } = runBoth(`
      li s0, 1000
      li a0, 0
    1: andi s1, s0, 7
      call odd
      addi a0, a0, 1
    back: addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}
    odd:
      bnez s1, 2f
      la ra, back
    2: ret`);
    expect(result).toBe(875);
    expect(compiled).toBeGreaterThan(1500);
  });

  test('jumps through a table', () => {
    const { result, compiled } = runBoth(`
      li s0, 900
      li a0, 0
      la s1, table
    1: andi t0, s0, 3
      slli t0, t0, 3
      add t0, t0, s1
      ld t0, (t0)
      jr t0
    case0: addi a0, a0, 1
      j 2f
    case1: addi a0, a0, 10
      j 2f
    case2: addi a0, a0, 100
      j 2f
    case3: addi a0, a0, 1000
    2: addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}
      .balign 8
    table: .dword case0, case1, case2, case3`);
    expect(result).toBe(225 * 1111);
    expect(compiled).toBeGreaterThan(2000);
  });

  test('a loop with two entries', () => {
    const { result, compiled } = runBoth(`
      li s0, 400
      li a0, 0
    again:
      li t0, 5
      andi t1, s0, 1
      bnez t1, second
    first: addi a0, a0, 1
      addi t0, t0, -1
    second: addi a0, a0, 3
      addi t0, t0, -1
      bgtz t0, first
      addi s0, s0, -1
      bnez s0, again
      ${FINISH}`);
    // 12 for each even s0, 11 for each odd one.
    expect(result).toBe(4600);
    expect(compiled).toBeGreaterThan(2000);
  });

  test('converts between formats of floating point', () => {
    const { result, compiled } = runBoth(`
      li t0, 0x6000
      csrs mstatus, t0
      li s0, 500
      fcvt.d.w fa1, x0
    1: fcvt.d.w fa0, s0
      fcvt.s.d fa0, fa0
      fcvt.d.s fa0, fa0
      fadd.d fa1, fa1, fa0
      addi s0, s0, -1
      bnez s0, 1b
      fcvt.w.d a0, fa1
      ${FINISH}`);
    expect(result).toBe(125_250);
    expect(compiled).toBeGreaterThan(2000);
  });

  test('misaligned accesses within pages and across them', () => {
    const { result, compiled } = runBoth(`
      li s0, 500
      li s1, ${RAM + 0x10_0ff0}
      li a0, 0
    1: andi t0, s0, 15
      add t0, t0, s1
      sd s0, (t0)
      ld t1, (t0)
      sw s0, 1(t0)
      lwu t2, 1(t0)
      sub t1, t1, t2
      add a0, a0, t1
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}`);
    expect(result).toBe(0);
    expect(compiled).toBeGreaterThan(1000);
  });

  test('atomics and reservations', () => {
    const { result, compiled } = runBoth(`
      li s0, 500
      li s1, ${RAM + 0x10_0000}
    1: amoadd.d t0, s0, (s1)
      amomax.w t1, s0, (s1)
    2: lr.d t2, (s1)
      addi t2, t2, 1
      sc.d t3, t2, (s1)
      bnez t3, 2b
      sc.d t4, t2, (s1)
      add a0, a0, t4
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}`);
    expect(result).toBe(500);
    expect(compiled).toBeGreaterThan(3000);
  });

  test('floating point, with flags, rounding modes, and FS off in between', () => {
    const { result, compiled } = runBoth(`
      la t0, trapped
      csrw mtvec, t0
      li t0, 0x6000
      csrs mstatus, t0
      li s0, 300
      li a0, 0
      fcvt.d.l fa0, s0
    1: fcvt.d.l fa1, s0
      fdiv.d fa2, fa1, fa0
      fcvt.s.d fa3, fa2
      fsqrt.s fa4, fa3
      fmadd.d fa0, fa1, fa2, fa0
      fcvt.l.d t1, fa0, rtz
      fle.d t2, fa1, fa0
      add a0, a0, t2
      andi t3, s0, 31
      bnez t3, 2f
      li t0, 0x6000
      csrc mstatus, t0
    2: addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}
      .balign 4
    trapped:
      li t5, 0x6000
      csrs mstatus, t5
      mret`);
    // In each of 300 rounds the sum in fa0 is larger than the counter in fa1.
    expect(result).toBe(300);
    expect(compiled).toBeGreaterThan(1000);
  });

  test('a device in a hot loop', () => {
    const { compiled, bed } = runBoth(`
      li s0, 5000
      li s1, ${DEVICE}
      li s2, ${RAM + 0x10_0000}
    1: addi t1, s0, 1
      sd t1, (s2)
      sw s0, 4(s1)
      lw a0, 8(s1)
      ld t0, (s2)
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}`);
    // The interpreter's accesses do not reach the device.
    expect(bed.accesses.filter(({ kind }) => kind === 'write').map(({ low }) => low)).toEqual(
      Array.from({ length: 5000 }, (_, index) => 5000 - index),
    );
    expect(compiled).toBeGreaterThan(300);
  });

  test('faults in functions that are compiled in place, and in the middle of blocks', () => {
    const { result, compiled } = runBoth(`
      la t0, trapped
      csrw mtvec, t0
      li s0, 400
      li a0, 0
    1: li s1, ${RAM + 0x10_0000}
      andi t0, s0, 7
      bnez t0, 2f
      li s1, 0x1000
    2: call outer
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}
    outer: mv s2, ra
      call inner
      mv ra, s2
      ret
    inner: addi s3, s3, 1
      sd s3, (s1)
      ld t1, (s1)
      addi s3, s3, 1
      ret
      .balign 4
    trapped:
      csrr t5, mepc
      addi t5, t5, 4
      csrw mepc, t5
      addi a0, a0, 1
      mret`);
    expect(result).toBe(100);
    expect(compiled).toBeGreaterThan(1500);
  });

  test('faults of what is checked before a loop', () => {
    const { result, compiled } = runBoth(`
      la t0, trapped
      csrw mtvec, t0
      li s0, 200
      li a0, 0
      li s3, 0
    1: li s1, ${RAM + 0x10_0000}
      andi t0, s0, 3
      bnez t0, 2f
      li s1, 0x1000
    2: li s2, 10
    3: ld t1, 8(s1)
      addi s3, s3, 1
      sd s3, (s1)
      addi s2, s2, -1
      bnez s2, 3b
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}
      .balign 4
    trapped:
      csrr t5, mepc
      addi t5, t5, 4
      csrw mepc, t5
      addi a0, a0, 1
      mret`);
    // Each turn with the bad address faults twice, and goes on.
    expect(result).toBe(50 * 10 * 2);
    expect(compiled).toBeGreaterThan(1500);
  });

  test('code that crosses a page', () => {
    const bed = new HartBed({ engine: 'lockstep' });
    bed.load(`li s0, 500\nli a0, 0\nli t0, ${RAM + 0xff2}\njr t0`);
    bed.load(
      `1: addi a0, a0, 3
        xori a1, a0, 5
        sub a0, a0, a1
        add a0, a0, a1
        addi s0, s0, -1
        bnez s0, 1b
        ${FINISH}`,
      RAM + 0xff2,
    );
    expect(bed.finish()).toBe(1500);
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(2000);
  });
});

describe('code that changes itself', () => {
  test('is carried out anew after fence.i', () => {
    const { result, compiled } = runBoth(`
      li s0, 40
      li a0, 0
      la s1, patched
      la s2, variants
    1: li t1, 20
    2: call patched
      addi t1, t1, -1
      bnez t1, 2b
      andi t0, s0, 1
      slli t0, t0, 2
      add t0, t0, s2
      lw t0, (t0)
      sw t0, (s1)
      fence.i
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}
      .balign 4
    patched: addi a0, a0, 1
      ret
    variants: addi a0, a0, 1
      addi a0, a0, 100`);
    // An odd count has the next round add 100, an even one 1.
    expect(result).toBe(20 * (19 * 100 + 21));
    expect(compiled).toBeGreaterThan(1000);
  });

  test('of two harts that change each other: after the fence of the other one', () => {
    const first = new HartBed({ engine: 'jit', harts: 2, index: 0 });
    const second = new HartBed({ engine: 'jit', harts: 2, index: 1, memory: first.memory });
    const program = (patch: number, slot: string): string => `
      li s0, 100
      li a0, 0
    again: li t1, 200
    1: addi a0, a0, 1
      addi t1, t1, -1
      bnez t1, 1b
      ecall
      .word ${patch}
    ${slot}: nop`;
    first.load(program(0, 'x'), RAM);
    second.load(program(0, 'y'), RAM + 0x1000);
    const harts = [first, second].map((bed, index) => ({ bed, loop: RAM + index * 0x1000 + 12 }));
    const ADDI = 0x0000_0513 | (10 << 15);
    for (let round = 0; round < 6; round++) {
      for (const { bed, loop } of harts) {
        bed.pc = BigInt(loop - 4);
        bed.setX('a0', 0n);
        for (let runs = 0; runs < 100; runs++) bed.run(24);
        const step = ((bed.bytes[bed.hostOf(loop) + 2] ?? 0) >> 4) | 0;
        expect(Number(bed.x('a0'))).toBe(200 * step);
        const other = harts.find((one) => one.bed !== bed);
        if (other === undefined) throw new Error('there are two harts');
        // This hart patches the other one's loop, and has it fence.
        bed.write32(other.loop, ADDI | (((round % 7) | 1) << 20));
        other.bed.hart.fenceI();
      }
    }
    expect(first.hart.regionStatistics?.compiled).toBeGreaterThan(2);
  });
});

describe('hot loops give way', () => {
  const LOOP = `
    li a0, 0
  1: addi a0, a0, 1
    xor a1, a1, a0
    j 1b`;

  test('when somebody wants the hart out', () => {
    const bed = new HartBed({ engine: 'lockstep' }).load(LOOP);
    for (let runs = 0; runs < 20; runs++) bed.run(100);
    bed.askToLeave();
    const before = bed.hart.instructions;
    expect(bed.run(100_000_000)).toBe(EXIT.yield);
    expect(bed.hart.instructions - before).toBeLessThan(REGION_BUDGET + 2048);
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(1000);
  });

  test('when they have paused as often as they may', () => {
    const bed = new HartBed({ engine: 'lockstep' }).load(`
    1: pause
      addi a0, a0, 1
      j 1b`);
    for (let runs = 0; runs < 50; runs++) bed.run(1000);
    expect(bed.hart.pausedOften).toBe(false);
    for (let runs = 0; runs < 5; runs++) {
      bed.hart.limitPauses(runs < 4 ? 128 : undefined);
      const before = bed.hart.instructions;
      expect(bed.run(100_000)).toBe(EXIT.yield);
      expect(bed.hart.pausedOften).toBe(runs < 4);
      const done = bed.hart.instructions - before;
      if (runs < 4) expect(done).toBeLessThan(3 * 128 + REGION_BUDGET + 2048);
      else expect(done).toBeGreaterThanOrEqual(100_000);
    }
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(1000);
  });

  test('when the fuel is used up, and count each instruction', () => {
    const bed = new HartBed({ engine: 'lockstep' }).load(LOOP);
    for (let runs = 0; runs < 50; runs++) {
      const before = bed.hart.instructions;
      bed.run(5000);
      expect(bed.hart.instructions - before).toBeLessThan(5000 + REGION_BUDGET + 2048);
      // One for li, three for each time round.
      const count = Number(bed.csr('minstret'));
      expect(count).toBe(bed.hart.instructions);
      expect(Number(bed.x('a0'))).toBe(Math.ceil((count - 1) / 3));
    }
  });
});
