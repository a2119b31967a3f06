import { describe, expect, test, vi } from 'vitest';
import { DomainBed, RAM, SHUTDOWN } from '../../test/hypervisor/domain-bed.ts';
import { runState } from '../interrupts/run-state.ts';
import { RunState } from '../interrupts/words.ts';
import { Scheduler } from './scheduler.ts';
import { HSM, STAT } from './vcpu-layout.ts';

const PUT = (letter: string) => `li a7, 0x4442434e; li a6, 2; li a0, ${letter.charCodeAt(0)}; ecall\n`;
const SET_TIMER_IN = (ticks: number) => `rdtime t0; li t1, ${ticks}; add t0, t0, t1; csrw stimecmp, t0\n`;
const START = (hart: number, label: string) =>
  `li a7, 0x48534d; li a6, 0; li a0, ${hart}; la a1, ${label}; li a2, 7; ecall\n`;
const SEND_IPI = (mask: number) => `li a7, 0x735049; li a6, 0; li a0, ${mask}; li a1, 0; ecall\n`;

describe('a vCPU', () => {
  test('runs until it shuts the domain down', () => {
    const bed = new DomainBed().load(`${PUT('x')}${SHUTDOWN}`).run();
    expect(bed.output).toBe('x');
    expect(bed.ended).toBe('shutdown');
  });

  test('begins in S-mode with its number in a0 and the argument in a1', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      bnez a0, second
      ${START(1, 'second')}
    wait: wfi; j wait
    second:
      addi a0, a0, 48; add s1, a1, zero
      li a7, 0x4442434e; li a6, 2; ecall
      addi a0, s1, 48; li a6, 2; ecall
      csrr t0, satp; bnez t0, wait
      ${SHUTDOWN}`);
    bed.run();
    expect(bed.output).toBe('17');
  });

  test('counts exits by reason, and they add up', () => {
    const bed = new DomainBed().load(`
      li s0, 1000
    loop: addi s0, s0, -1; bnez s0, loop
      li t0, 32; csrw sie, t0
      ${SET_TIMER_IN(3000)}
      wfi
      la t0, handler; csrw stvec, t0
      csrr t0, hstatus
    .align 4
    handler: ${PUT('h')}${SHUTDOWN}`);
    bed.run();
    expect(bed.output).toBe('h');
    const count = Object.fromEntries(STAT.map((name) => [name, bed.vcpu.stat(name)]));
    expect(count).toMatchObject({
      exitSbi: 2,
      exitWfi: 1,
      exitVirtual: 1,
      exitOther: 0,
      sleeps: 1,
      loads: 2,
    });
    const { exits, exitYield, exitSbi, exitWfi, exitVirtual, exitOther } = count;
    expect(exits).toBe(exitYield + exitSbi + exitWfi + exitVirtual + exitOther);
    expect(count.instructions).toBeGreaterThan(2000);
    expect(count.instructions).toBeLessThan(2100);
  });
});

describe('a guest that waits for another on the same pCPU', () => {
  test('leaves its time slice to those who wait when it waits on a reservation', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      bnez a0, second
      ${START(1, 'second')}
      la s0, word
    spin: lr.w t0, (s0)
      bnez t0, done
      wrs.nto
      j spin
    done: ${SHUTDOWN}
    second: la s0, word; li t0, 1; sw t0, 0(s0)
    wait: wfi; j wait
    .align 3
    word: .dword 0`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.vcpu.stat('exitVirtual')).toBe(1);
    expect(bed.vcpu.stat('loads')).toBe(2);
  });

  test('leaves it to them when it pauses often', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      bnez a0, second
      ${START(1, 'second')}
      la s0, word
    spin: pause
      addi s1, s1, 1
      lw t0, 0(s0)
      beqz t0, spin
      ${SHUTDOWN}
    second: la s0, word; li t0, 1; sw t0, 0(s0)
    wait: wfi; j wait
    .align 3
    word: .dword 0`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.vcpu.stat('loads')).toBe(2);
    // A few hundred turns: a time slice has a hundred times as many.
    expect(bed.vcpu.stat('instructions')).toBeLessThan(5000);
  });

  test('rests when those who wait do no more than wait, each in its turn', () => {
    const doze = vi.spyOn(Scheduler.prototype, 'doze').mockReturnValue(undefined);
    const bed = new DomainBed({ vcpus: 2 }).load(`
      bnez a0, spin
      ${START(1, 'spin')}
    spin: la s0, word
      li s1, 5000
    turn: pause
      addi s1, s1, -1
      bnez s1, turn
      li t0, 1
      amoadd.w t0, t0, (s0)
      beqz t0, spin
      ${SHUTDOWN}
    .align 3
    word: .dword 0`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    expect(doze.mock.calls.length).toBeGreaterThan(2);
    // Two turns to one rest: neither vCPU is left without its own.
    const turns = bed.vcpus.map((vcpu) => vcpu.stat('exitYield'));
    expect(doze.mock.calls.length).toBeLessThan((turns[0] as number) + (turns[1] as number));
    expect(Math.min(...turns)).toBeGreaterThan(doze.mock.calls.length / 2);
    doze.mockRestore();
  });

  test.each([
    ['rests in its slice when it does nothing but pause, if nobody waits', '', '', true],
    ['does not when it works in between', '', 'li t0, 100; 1: addi t0, t0, -1; bnez t0, 1b', false],
    ['does not when its timer comes first', SET_TIMER_IN(1900), '', false],
  ])('%s', (_, first, work, rests) => {
    const doze = vi.spyOn(Scheduler.prototype, 'doze').mockReturnValue(undefined);
    const bed = new DomainBed({ step: 10 }).load(`
      ${first}
      li s1, 20000
    spin: pause
      ${work}
      addi s1, s1, -1
      bnez s1, spin
      ${SHUTDOWN}`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.vcpu.stat('loads')).toBe(1);
    expect(doze.mock.calls.length > 0).toBe(rests);
    doze.mockRestore();
  });

  test('leaves it to them at the end of its slice, too, when WFI finds an interrupt pending each time', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      bnez a0, second
      ${START(1, 'second')}
      li t0, 2; csrw sie, t0; csrw sip, t0
    halted: wfi; j halted
    second: ${PUT('y')}${SHUTDOWN}`);
    bed.run();
    expect([bed.output, bed.ended]).toEqual(['y', 'shutdown']);
    expect(bed.vcpu.stat('sleeps')).toBe(0);
  });
});

describe('a guest that waits for another on another pCPU', () => {
  const NEAR = RAM + 0x8000;
  /** Above 2 GiB in linear memory, and above 4 GiB for the guest. */
  const FAR = RAM + 0x8000_8000;
  const WAIT = `
    1: lr.w t0, (s0)
      bnez t0, 2f
      wrs.nto
      j 1b
    2:`;

  /** @param looks at the clock until another hart writes */
  function waiting(source: string, looks: number, word = NEAR): DomainBed {
    const ramBytes = word - RAM + 0x8000;
    const bed = new DomainBed({ step: 10, ramBytes }).load(`li s0, ${word}\n${source}\n${SHUTDOWN}`);
    const words = new Int32Array(bed.memory.buffer, bed.hostOf(word), 1);
    let seen = 0;
    bed.onLook = () => {
      if (++seen === looks) words[0] = 1;
    };
    return bed;
  }

  test.each([NEAR, FAR])('sees the answer at %i without leaving the guest', (word) => {
    const bed = waiting(WAIT, 15, word).run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.vcpu.stat('exitVirtual')).toBe(0);
  });

  test('leaves it now and then if that takes long', () => {
    const bed = waiting(WAIT, 200).run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.vcpu.stat('exitVirtual')).toBeGreaterThan(2);
    expect(bed.vcpu.stat('exitVirtual')).toBeLessThan(20);
  });

  test.each([
    ['rests if it does nothing but wait', '', true],
    [
      'does not if it has its answers between, of which nobody else knows',
      '2: addi t1, t1, -1; bnez t1, 2b',
      false,
    ],
  ])('%s', (_, work, rests) => {
    const doze = vi.spyOn(Scheduler.prototype, 'doze').mockReturnValue(undefined);
    new DomainBed({ step: 10 })
      .load(`li s0, ${NEAR}\nli s1, 20\n1: li t1, 200\n${work}
        lr.w t0, (s0); wrs.nto; addi s1, s1, -1; bnez s1, 1b\n${SHUTDOWN}`)
      .run();
    expect(doze.mock.calls.length > 0).toBe(rests);
    doze.mockRestore();
  });

  test('gets the timer interrupt that comes first', () => {
    const bed = waiting(
      `la t0, handler; csrw stvec, t0; li t0, 32; csrw sie, t0; csrsi sstatus, 2
      ${SET_TIMER_IN(1000)}
      ${WAIT}
      .align 4
      handler: ${PUT('t')}`,
      100_000,
    ).run();
    expect(bed.output).toBe('t');
  });
});

describe('WFI', () => {
  test('sleeps until the timer, which interrupts right behind it (scenarios 47, 65)', () => {
    const bed = new DomainBed().load(`
      la t0, handler; csrw stvec, t0
      li t0, 32; csrw sie, t0; csrsi sstatus, 2
      ${SET_TIMER_IN(5000)}
      wfi
    after: j after
    .align 4
    handler: csrr a0, sepc; la a1, after; bne a0, a1, bad
      ${PUT('t')}
    bad: ${SHUTDOWN}`);
    const before = bed.now;
    bed.run();
    expect(bed.output).toBe('t');
    expect(bed.now - before).toBeGreaterThanOrEqual(5000);
    expect(bed.vcpu.stat('deliveredTimer')).toBe(1);
  });

  test('does not sleep when something enabled is pending, with SIE = 0 too (61, 63)', () => {
    const bed = new DomainBed()
      .load(`li t0, 2; csrw sie, t0; csrw sip, t0; wfi\n${PUT('a')}${SHUTDOWN}`)
      .run();
    expect(bed.output).toBe('a');
    expect(bed.vcpu.stat('sleeps')).toBe(0);
  });

  test('sleeps after the guest has cleared its only interrupt (64)', () => {
    const bed = new DomainBed().load(`
      li t0, 34; csrw sie, t0; csrwi sip, 2; csrwi sip, 0
      ${SET_TIMER_IN(5000)} wfi
      ${SHUTDOWN}`);
    bed.run();
    expect(bed.vcpu.stat('sleeps')).toBe(1);
  });

  test('is not ended by interrupts that are disabled, however often they come (62)', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      bnez a0, second
      ${START(1, 'second')}
      li t0, 32; csrw sie, t0
      ${SET_TIMER_IN(20000)} wfi
      ${SEND_IPI(2)}
      ${SET_TIMER_IN(20000)} wfi
      ${SEND_IPI(2)}
      ${SET_TIMER_IN(20000)} wfi
      ${PUT('0')}${SHUTDOWN}
    second: li t0, 512; csrw sie, t0; wfi; ${PUT('1')}
    more: wfi; j more`);
    bed.run();
    expect(bed.output).toBe('0');
    const [, second] = bed.vcpus;
    expect(second?.stat('kicks')).toBeGreaterThan(0);
    expect(second?.stat('sleeps')).toBe(1);
    expect(second?.stat('exitWfi')).toBe(1);
  });

  test('is ended by the external line, which a device raises while the vCPU sleeps (65)', () => {
    const bed = new DomainBed().load(`li t0, 512; csrw sie, t0; wfi; csrr s0, sip; addi a0, s0, -448
      li a7, 0x4442434e; li a6, 2; ecall
      ${SHUTDOWN}`);
    bed.onLook = () => {
      if (runState(bed.vcpu.interrupts.words) !== RunState.BLOCKED || bed.lines[0]) return;
      bed.lines[0] = true;
      bed.vcpu.kick();
    };
    bed.run();
    // 512 - 448 = '@': SEIP.
    expect(bed.output).toBe('@');
  });

  test('of user mode is an illegal instruction for the guest, and nobody sleeps', () => {
    const bed = new DomainBed().load(`
      la t0, handler; csrw stvec, t0
      la t0, user; csrw sepc, t0; sret
    user: wfi; j user
    .align 4
    handler: csrr a0, scause; addi a0, a0, 48; li a7, 0x4442434e; li a6, 2; ecall
      csrr t0, stval; li t1, 0x10500073; bne t0, t1, end
      csrr t0, sepc; la t1, user; bne t0, t1, end
      ${PUT('y')}
    end: ${SHUTDOWN}`);
    bed.run();
    expect(bed.output).toBe('2y');
    expect(bed.vcpu.stat('sleeps')).toBe(0);
  });
});

describe('time', () => {
  test('a sleeper is woken in time while another vCPU keeps the only pCPU busy', () => {
    const bed = new DomainBed({ vcpus: 2, step: 500 }).load(`
      bnez a0, second
      ${START(1, 'second')}
    spin: j spin
    second: li t0, 32; csrw sie, t0
      li s0, 5
    again: ${SET_TIMER_IN(30000)} wfi
      rdtime t1; sub t1, t1, t0; li t2, 200000; bgeu t1, t2, late
      addi s0, s0, -1; bnez s0, again
      ${PUT('k')}${SHUTDOWN}
    late: ${PUT('l')}${SHUTDOWN}`);
    bed.run();
    expect(bed.output).toBe('k');
  });

  test('the timer of a guest that does not sleep comes although it was set after the entry', () => {
    const bed = new DomainBed({ step: 10 }).load(`
      la t0, handler; csrw stvec, t0
      li t0, 32; csrw sie, t0; csrsi sstatus, 2
      ${SET_TIMER_IN(300)}
    spin: j spin
    .align 4
    handler: rdtime t1; csrr t0, stimecmp; sub t1, t1, t0; li s0, ${RAM}; sd t1, 1024(s0); ${SHUTDOWN}`);
    bed.run();
    expect(bed.vcpu.stat('deliveredTimer')).toBe(1);
    // Far less than the longest stay in the guest.
    expect(bed.read64(RAM + 1024)).toBeLessThan(20_000n);
  });

  test('the timer comes in time to a guest whose instructions take far longer than its fuel allows for', () => {
    const bed = new DomainBed({ step: 100 }).load(`
      la t0, handler; csrw stvec, t0
      li t0, 32; csrw sie, t0; csrsi sstatus, 2
      ${SET_TIMER_IN(5000)}
    again: rdtime t2; j again
    .align 4
    handler: rdtime t1; csrr t0, stimecmp; sub t1, t1, t0; li s0, ${RAM}; sd t1, 1024(s0); ${SHUTDOWN}`);
    bed.run();
    expect(bed.vcpu.stat('deliveredTimer')).toBe(1);
    // A look at the clock takes 100 ticks here.
    expect(bed.read64(RAM + 1024)).toBeLessThan(2_000n);
  });

  test('a timer that is enabled after it was set comes in time', () => {
    const bed = new DomainBed().load(`
      la t0, handler; csrw stvec, t0
      ${SET_TIMER_IN(300)}
      li t0, 32; csrw sie, t0
      csrsi sstatus, 2
      rdinstret s0
    1: j 1b
    .align 4
    handler: rdinstret s1; sub s1, s1, s0
      li t0, ${RAM + 0x8000}; sd s1, (t0)
      ${SHUTDOWN}`);
    bed.run();
    expect(bed.read64(RAM + 0x8000)).toBeLessThan(600n);
  });

  test('the guest stays where it is when it sets its timer, and leaves in time for the earliest deadline', () => {
    const bed = new DomainBed().load(`
      la t0, handler; csrw stvec, t0
      li t0, 32; csrw sie, t0
      csrsi sstatus, 2
      ${SET_TIMER_IN(1_000_000).repeat(20)}
      ${SET_TIMER_IN(3_000)}
      ${SET_TIMER_IN(300)}
      rdinstret s0
    1: j 1b
    .align 4
    handler: rdinstret s1; sub s1, s1, s0
      li t0, ${RAM + 0x8000}; sd s1, (t0)
      ${SHUTDOWN}`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    expect(bed.vcpu.stat('exitYield')).toBeLessThan(10);
    // An instruction a tick, and then rounds of a hundred.
    expect(bed.read64(RAM + 0x8000)).toBeLessThan(600n);
  });

  test('spinning vCPUs share a pCPU', () => {
    const bed = new DomainBed({ vcpus: 8, step: 2000 }).load(`
      bnez a0, other
      li s0, 7
    next: add a0, s0, zero; li a7, 0x48534d; li a6, 0; la a1, other; ecall
      addi s0, s0, -1; bnez s0, next
      li s0, 0x80080000; li t1, 7
    wait: ld t0, (s0); bne t0, t1, wait
      ${PUT('8')}${SHUTDOWN}
    other: li s0, 0x80080000; li t0, 1; amoadd.d t0, t0, (s0)
    spin: j spin`);
    bed.run();
    expect(bed.output).toBe('8');
    for (const vcpu of bed.vcpus) expect(vcpu.stat('loads')).toBeGreaterThan(0);
  });
});

describe('instret and cycle', () => {
  const LOOP = 30_000;
  const FOUND = RAM + 0x8000;
  /** Counts a loop again and again, and ends with the results in memory: the difference of each counter. */
  const COUNTING = `
      li s0, ${FOUND}; li s1, 4
    count: li a0, ${LOOP}; rdcycle s2; rdinstret s3
    loop: addi a0, a0, -1; nop; bnez a0, loop
      rdinstret t3; rdcycle t2
      sub t2, t2, s2; sub t3, t3, s3; sd t2, 0(s0); sd t3, 8(s0)
      addi s0, s0, 16; addi s1, s1, -1; bnez s1, count
      ${SHUTDOWN}`;
  /** From the instruction behind rdinstret to the next one, and from the first rdcycle to the second. */
  const EXPECTED = { cycle: BigInt(3 * LOOP + 3), instret: BigInt(3 * LOOP + 1) };

  function expectExact(bed: DomainBed): void {
    expect(bed.ended).toBe('shutdown');
    for (let round = 0; round < 4; round++) {
      const at = FOUND + 16 * round;
      expect({ cycle: bed.read64(at), instret: bed.read64(at + 8) }, `round ${round}`).toEqual(EXPECTED);
    }
  }

  test('are exact while vCPUs share a pCPU', () => {
    const bed = new DomainBed({ vcpus: 3, step: 4000 }).load(`
      bnez a0, other
      ${START(1, 'other')}
      ${START(2, 'other')}
      ${COUNTING}
    other: j other`);
    expectExact(bed.run());
    expect(bed.vcpu.stat('loads')).toBeGreaterThan(4);
  });

  test('are exact although the vCPU goes from one pCPU to the other', () => {
    const bed = new DomainBed({ pcpus: 2 }).load(COUNTING);
    bed.start();
    let looks = 0;
    bed.onLook = () => {
      // The domain seems to end for the pCPU at work: it puts its vCPU back.
      if (++looks % 7 === 0 && bed.vcpu.stat('migrations') < 4) bed.ended = 'stopped';
    };
    for (let turn = 0; bed.ended !== 'shutdown'; turn++) {
      bed.ended = undefined;
      bed.pcpus[turn % 2]?.run();
    }
    expectExact(bed);
    expect(bed.vcpu.stat('migrations')).toBe(4);
  });
});

describe('starting and stopping', () => {
  test('a vCPU that has stopped itself can be started again, without the IPIs that came meanwhile', () => {
    const bed = new DomainBed({ vcpus: 2, step: 500 }).load(`
      bnez a0, second
      li s0, 3
    again: ${START(1, 'second')}
    poll: li a7, 0x48534d; li a6, 2; li a0, 1; ecall; li t0, 1; bne a1, t0, poll
      ${SEND_IPI(2)}
      addi s0, s0, -1; bnez s0, again
      ${SHUTDOWN}
    second: csrr a0, sip; addi a0, a0, 48; li a7, 0x4442434e; li a6, 2; ecall
      csrwi sip, 0
      li a7, 0x48534d; li a6, 1; ecall
    never: ${PUT('!')}j never`);
    bed.run();
    expect(bed.output).toBe('000');
    expect(bed.vcpus[1]?.stat('setSoft')).toBe(3);
  });

  test('an IPI that is sent to a vCPU after its start is pending when it begins', () => {
    const bed = new DomainBed({ vcpus: 2, step: 500 }).load(`
      bnez a0, second
      ${SEND_IPI(2)}
      ${START(1, 'second')}
      ${SEND_IPI(2)}
    rest: wfi; j rest
    second: csrr a0, sip; addi a0, a0, 48; li a7, 0x4442434e; li a6, 2; ecall
      ${SHUTDOWN}`);
    bed.run();
    expect(bed.output).toBe('2');
  });

  test('a stopped vCPU is not woken by interrupts (65)', () => {
    const bed = new DomainBed({ vcpus: 2 }).load(`
      ${SEND_IPI(2)} li t0, 32; csrw sie, t0; ${SET_TIMER_IN(20000)} wfi\n${SHUTDOWN}`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
    const second = bed.vcpus[1];
    expect(second?.hsm).toBe(HSM.stopped);
    expect(second?.stat('loads')).toBe(0);
    expect(second?.stat('setSoft')).toBe(1);
  });

  test('when all have stopped, the domain is stuck', () => {
    const bed = new DomainBed({ vcpus: 2 }).load('li a7, 0x48534d; li a6, 1; ecall').run();
    expect(bed.ended).toBe('stuck');
    expect(bed.stuck).toContain('All vCPUs have stopped');
  });

  test.each([
    ['retentive', 0, 'rs'],
    ['non-retentive', 0x8000_0000, 'ns'],
  ] as const)('%s suspend sleeps until an interrupt is pending', (_, type, expected) => {
    const bed = new DomainBed({ vcpus: 2, step: 500 }).load(`
      bnez a0, second
      ${START(1, 'second')}
    poll: li a7, 0x48534d; li a6, 2; li a0, 1; ecall; li t0, 4; bne a1, t0, poll
      ${SEND_IPI(2)}
    poll2: li a7, 0x48534d; li a6, 2; li a0, 1; ecall; bnez a1, poll2
    rest: wfi; j rest
    second: csrwi sie, 2
      li a7, 0x48534d; li a6, 3; li a0, ${type}; la a1, resumed; li a2, 9; ecall
      bnez a0, bad
      ${PUT('r')} j status
    resumed: li t0, 1; bne a0, t0, bad; li t0, 9; bne a1, t0, bad
      csrr t0, sstatus; andi t0, t0, 2; bnez t0, bad
      ${PUT('n')}
    status: ${PUT('s')}
    bad: ${SHUTDOWN}`);
    bed.run();
    expect(bed.output).toBe(expected);
  });
});

describe('a guest that can make no progress', () => {
  test('jumps to nowhere before it has a trap handler', () => {
    const bed = new DomainBed({ step: 5000 }).load('li t0, 0x1000; jr t0').run();
    expect(bed.ended).toBe('stuck');
    expect(bed.stuck).toMatch(/^vCPU 0 takes one exception after the other/);
    expect(bed.stuck).toContain('"instruction access fault" (cause 1) at pc 0x1000');
    expect(bed.stuck).toContain('(stvec) is at 0x0');
  });

  test('is told from one that takes many exceptions but goes on', () => {
    const bed = new DomainBed({ step: 5000 }).load(`
      la t0, handler; csrw stvec, t0
      li s0, 400000
    again: .word 0xc0001073
    .align 4
    handler: addi s0, s0, -1; beqz s0, end; la t0, again; csrw sepc, t0; li t0, 0x100; csrs sstatus, t0; sret
    end: ${SHUTDOWN}`);
    bed.run();
    expect(bed.ended).toBe('shutdown');
  });

  test('is found among others on the same pCPU', () => {
    const bed = new DomainBed({ vcpus: 2, step: 5000 }).load(`
      bnez a0, second
      ${START(1, 'second')}
    spin: j spin
    second: csrw stvec, zero; ebreak`);
    bed.run();
    expect(bed.stuck).toMatch(/^vCPU 1 .* "breakpoint" \(cause 3\) at pc 0x8/);
  });
});
