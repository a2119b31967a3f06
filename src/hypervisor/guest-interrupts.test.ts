/** Interrupts as a guest sees them: small programs on a whole domain. */
import { describe, expect, test } from 'vitest';
import { DomainBed, SHUTDOWN } from '../../test/hypervisor/domain-bed.ts';

const PUT = (letter: string) => `li a7, 0x4442434e; li a6, 2; li a0, ${letter.charCodeAt(0)}; ecall\n`;
/** Prints whether STIP is pending. */
const PUT_STIP = `csrr a0, sip; srli a0, a0, 5; andi a0, a0, 1; addi a0, a0, 48
  li a7, 0x4442434e; li a6, 2; ecall\n`;
/** SBI set_timer to a0, on RV32 with an upper half. */
const setTimer = (upper = 0) => `li a1, ${upper}; li a7, 0x54494d45; li a6, 0; ecall\n`;
const SET_TIMER = setTimer();
const SET_TIMER_IN = (ticks: number) => `rdtime s0; li a0, ${ticks}; add s0, s0, a0; mv a0, s0\n${SET_TIMER}`;

describe.each([32, 64] as const)('on RV%i', (xlen) => {
  function outputOf(program: string, vcpus = 1): string {
    return new DomainBed({ vcpus, xlen }).load(program).run().output;
  }

  test('scenario 36: the timer is pending from its deadline on, and not before', () => {
    const program = `
    ${SET_TIMER_IN(5000)} ${PUT_STIP}
    wait: csrr t0, sip; beqz t0, wait
    rdtime t1; bltu t1, s0, early
    ${PUT_STIP} ${SHUTDOWN}
    early: ${PUT('!')} ${SHUTDOWN}`;
    expect(outputOf(program)).toBe('01');
  });

  test('scenarios 37 to 39: a deadline that has passed is pending at once, one that never comes clears it', () => {
    const set = (a0: string, upper = 0) => `${a0}\n${setTimer(upper)}${PUT_STIP}`;
    const past = set('rdtime a0; addi a0, a0, -1');
    const far =
      xlen === 64 ? set('rdtime a0; li t0, 1; slli t0, t0, 40; add a0, a0, t0') : set('rdtime a0', 2 ** 8);
    const program = [set('li a0, 0'), set('li a0, -1', -1), past, far, set('li a0, 0'), far].join('\n');
    expect(outputOf(`${program}${SHUTDOWN}`)).toBe('101010');
  });

  test('scenario 42: the timer of a vCPU is delivered to it, and no other on its pCPU sees it', () => {
    const program = `
    bnez a0, second
    li a7, 0x48534d; li a6, 0; li a0, 1; la a1, second; li a2, 7; ecall
    li t0, 32; csrw sie, t0
    ${SET_TIMER_IN(20_000)} wfi
    ${PUT_STIP} ${SHUTDOWN}
    second: csrr t0, sip; beqz t0, second
    ${PUT('!')} ${SHUTDOWN}`;
    expect(outputOf(program, 2)).toBe('1');
  });

  test('scenarios 21 and 22: the guest writes SSIP and nothing else of sip', () => {
    const expectSip = (value: number) => `csrr t0, sip; li t1, ${value}; bne t0, t1, bad\n`;
    const program = `
    li t0, 0x220; csrw sip, t0; ${expectSip(0)}
    li a0, 0; ${SET_TIMER}
    csrwi sip, 2; ${expectSip(0x22)}
    csrwi sip, 0; ${expectSip(0x20)}
    ${PUT('y')} ${SHUTDOWN}
    bad: ${PUT('!')} ${SHUTDOWN}`;
    expect(outputOf(program)).toBe('y');
  });

  test('scenario 60: an interrupt is taken before an instruction that would fault, which faults afterwards', () => {
    const program = `
    la t0, handler; csrw stvec, t0
    csrwi sie, 2; csrwi sip, 2
    csrsi sstatus, 2
    here: .word 0
    .align 4
    handler: csrr s0, sepc; la s1, here; bne s0, s1, bad
    csrr s0, scause; bgez s0, fault
    csrwi sip, 0
    ${PUT('i')} sret
    fault: ${PUT('f')} ${SHUTDOWN}
    bad: ${PUT('!')} ${SHUTDOWN}`;
    expect(outputOf(program)).toBe('if');
  });
});
