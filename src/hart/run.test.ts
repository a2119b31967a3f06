import { describe, expect, test } from 'vitest';
import { EXIT, FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';

describe('run returns', () => {
  test('a program runs to its end', () => {
    const bed = new HartBed().load(`li a0, 42\n${FINISH}`);
    expect(bed.finish()).toBe(42);
  });

  /** Loops that never take a jump: every instruction traps, or returns from a trap. */
  const trapLoops = {
    'an illegal trap handler': 'la t0, 1f\ncsrw mtvec, t0\n.balign 4\n1: .word 0\n',
    'a trap handler that traps by ecall': 'la t0, 1f\ncsrw mtvec, t0\n.balign 4\n1: ecall\n',
    'ecall and mret': `la t0, 1f\ncsrw mtvec, t0\nli t0, 0x1800\ncsrs mstatus, t0\necall
      .balign 4\n1: li t0, 0x1800\ncsrs mstatus, t0\nmret`,
    'a trap handler in nowhere': 'csrw mtvec, x0\n.word 0\n',
    'a trap handler that loads from nowhere': 'la t0, 1f\ncsrw mtvec, t0\n.balign 4\n1: ld a0, (x0)\n',
  } as const;

  test.each(Object.entries(trapLoops))('by fuel from a loop of traps: %s', (_, source) => {
    const bed = new HartBed().load(source);
    expect(bed.run(5_000)).toBe(EXIT.yield);
    // And again from where it stands.
    expect(bed.run(5_000)).toBe(EXIT.yield);
  });

  test.each(Object.entries(trapLoops))('on request from a loop of traps: %s', (_, source) => {
    const bed = new HartBed().load(source);
    bed.askToLeave();
    expect(bed.run(2 ** 30)).toBe(EXIT.yield);
    expect(bed.hart.instructions).toBeLessThan(5_000);
  });

  test('not for a look at interrupts, which it takes and goes on', () => {
    const bed = new HartBed().load(`
      la t0, handler; csrw mtvec, t0
      li t0, 8; csrw mie, t0; csrsi mstatus, 8
      1: addi a1, a1, 1; j 1b
      .balign 4
      handler: ${FINISH}`);
    let looks = 0;
    bed.takeLook = () => {
      bed.askToLeave(0);
      looks++;
      // Nothing to take at first.
      if (looks > 3) bed.lines = 8;
      return true;
    };
    bed.askToLeave();
    expect(bed.run(10_000)).toBe(EXIT.yield);
    expect([looks, bed.result]).toEqual([1, undefined]);
    const before = Number(bed.x('a1'));
    looks = 3;
    bed.askToLeave();
    bed.run(10_000);
    expect(bed.result).toBe(0);
    expect(Number(bed.x('a1')) - before).toBeLessThan(1100);
  });

  test('for a look, too, where its fuel is used up', () => {
    const bed = new HartBed().load('1: j 1b');
    bed.takeLook = () => true;
    bed.askToLeave();
    expect(bed.run(5000)).toBe(EXIT.yield);
    expect(bed.hart.instructions).toBeGreaterThanOrEqual(5000);
    expect(bed.hart.instructions).toBeLessThan(7000);
  });

  test('after a yield pc is where the next run goes on', () => {
    const bed = new HartBed().load('li a0, 0\n1: addi a0, a0, 1\nj 1b');
    for (let index = 0; index < 10; index++) bed.run(100);
    expect(bed.pc - BigInt(RAM)).toBeLessThanOrEqual(8n);
    expect(bed.hart.instructions).toBeGreaterThanOrEqual(1000);
    expect(bed.hart.instructions).toBeLessThan(1100);
    // Two instructions a round.
    expect(Math.abs(Number(bed.x('a0')) * 2 - bed.hart.instructions)).toBeLessThanOrEqual(2);
  });
});
