/** vCPUs that share a pCPU get their turns, whatever one of them does. */
import { expect, test } from 'vitest';
import { guestProgram, reset } from '../../test/machine/programs.ts';
import { runMachine } from '../../test/machine/run-machine.ts';

const LIMIT_MS = 240_000;

test(
  'one that sleeps with an interrupt pending, which it does not take, leaves half of the pCPU to the other one',
  async () => {
    const kernel = guestProgram(`
      li a7, 0x48534d; li a6, 0; li a0, 1; la a1, second; li a2, 0; ecall
      li t0, 2; csrw sie, t0; csrw sip, t0
      sleep: wfi; j sleep
      second:
      li s1, 100
      turn: rdtime t0; li t1, 40000; add t0, t0, t1
      later: rdtime t1; bltu t1, t0, later
      addi s1, s1, -1; bnez s1, turn
      ${reset(0, 0)}
    `);
    const shape = {
      kind: 'domain',
      vcpus: 2,
      pcpus: 1,
      protocol: 'take-mirror',
      memoryBytes: 32 << 20,
    } as const;
    const { end, stats } = await runMachine({ ...shape, kernel, bootArgs: '' }, LIMIT_MS);
    expect(end).toEqual({ reason: 'poweroff' });
    // 400 ms go by, in slices of 2 ms; a slow host may take more at a time.
    expect(stats[1]?.loads).toBeGreaterThan(10);
  },
  LIMIT_MS + 20_000,
);
