/** Overflows of counters on bare machines (Sscofpmf): S-mode samples itself by the interrupt. */
import { expect, test } from 'vitest';
import { bareProgram, finish } from '../../../test/machine/programs.ts';
import { runMachine } from '../../../test/machine/run-machine.ts';
import { ENGINES } from '../engine.ts';

const PERIOD = 21_000;
const SAMPLES = 20;

/**
 * M-mode opens all, S-mode counts instructions of U-mode and takes the interrupts that U-mode's loop is sampled by; it
 * prints a letter for each, and at the end for the instructions between the first and the last: y where they are right.
 */
const program = `
  li t0, -1; csrw pmpaddr0, t0; csrw mcounteren, t0; csrw scounteren, t0
  li t0, 0x1f; csrw pmpcfg0, t0
  li t0, 0x2000; csrw mideleg, t0
  la t0, machine; csrw mtvec, t0
  la t0, start; csrw mepc, t0
  li t0, 0x1800; csrc mstatus, t0; li t0, 0x800; csrs mstatus, t0
  # All modes but U are closed.
  li t0, 0x6c; slli t0, t0, 56; addi t0, t0, 2; csrw mhpmevent3, t0
  li t0, -${PERIOD}; csrw mhpmcounter3, t0
  mret
  .balign 4
machine:
  # S-mode asks for the counter to be started anew.
  li t0, 0x6c; slli t0, t0, 56; addi t0, t0, 2; csrw mhpmevent3, t0
  li t0, -${PERIOD}; csrw mhpmcounter3, t0
  csrr t0, mepc; addi t0, t0, 4; csrw mepc, t0
  mret
start:
  la t0, sampled; csrw stvec, t0
  li t0, 0x2000; csrw sie, t0
  li s0, ${SAMPLES}; li s1, 0x10000000; li s2, 0; li s3, 0
  la t0, user; csrw sepc, t0
  li t0, 0x100; csrc sstatus, t0
  sret
  .balign 4
sampled:
  csrr t0, scause; slli t0, t0, 1; srli t0, t0, 1; li t1, 13; bne t0, t1, wrong
  csrr t0, scountovf; li t1, 8; bne t0, t1, wrong
  li t0, 0x2000; csrc sip, t0
  # a0 counts the loops of U-mode, which have 3 instructions.
  sub t0, a0, s3; mv s3, a0
  li t1, ${PERIOD / 3 - 2000}; blt t0, t1, wrong
  li t1, ${PERIOD / 3 + 2000}; bgt t0, t1, wrong
  li t0, 121; sb t0, (s1)
  addi s0, s0, -1; beqz s0, done
  ecall
  sret
wrong:
  li t0, 110; sb t0, (s1)
done:
  ${finish(0x5555)}
stay: j stay
user:
  li a0, 0
1: addi a0, a0, 1
  nop
  j 1b
`;

test.each(ENGINES)('U-mode is sampled by its instructions, with --engine %s', async (engine) => {
  const { end, output } = await runMachine(
    { kind: 'bare', harts: 1, memoryBytes: 16 * 2 ** 20, program: bareProgram(program), engine },
    60_000,
  );
  expect(end).toEqual({ reason: 'poweroff' });
  expect(output).toBe('y'.repeat(SAMPLES));
});
