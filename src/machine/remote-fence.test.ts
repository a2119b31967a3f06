import { expect, test } from 'vitest';
import { guestProgram, reset } from '../../test/machine/programs.ts';
import { runMachine } from '../../test/machine/run-machine.ts';

const MIB = 2 ** 20;
const LIMIT_MS = 240_000;
const SHARED = 0x8040_0000;
/** A function for each vCPU, in a page of its own: it returns the number of the round. */
const FUNCTIONS = 0x8050_0000;
/** Rounds; a number of them must fit into the immediate of `addi`. */
const ROUNDS = 2000;
/** In one of so many rounds the function is called for so long that it is compiled before it is patched. */
const LONG_EVERY = 32;
const LONG_CALLS = 150_000;
const SHORT_CALLS = 40;

/** `addi a0, zero, 0` and `ret`; the immediate begins at bit 20. */
const RETURN_ZERO = 0x0000_0513;
const RET = 0x0000_8067;

/**
 * Both vCPUs do the same to each other. `published` of a vCPU is the round that its function returns for sure, `acked`
 * the last one that it has seen. The other one patches the function, fences remotely, publishes, and waits for the
 * answer.
 *
 * s0 own number, s1 other's number, s2/s3 `published` of both, s4/s5 `acked` of both, s6 own function, s7 other's
 * function, s8 round that the own function was last found in, s9 round that the other's function was last patched to.
 */
const PROGRAM = `
    li s0, 0
    li t0, ${FUNCTIONS}
    li t1, 0x1000
    add t1, t0, t1
    li t2, ${RETURN_ZERO}
    sw t2, (t0)
    sw t2, (t1)
    li t2, ${RET}
    sw t2, 4(t0)
    sw t2, 4(t1)
    fence.i
    li a7, 0x48534d; li a6, 0; li a0, 1; la a1, second; li a2, 0; ecall
    j both
  second:
    li s0, 1
  both:
    xori s1, s0, 1
    li t0, ${SHARED}
    slli t1, s0, 6
    add s2, t0, t1
    slli t2, s1, 6
    add s3, t0, t2
    addi s4, s2, 128
    addi s5, s3, 128
    li t0, ${FUNCTIONS}
    slli t1, s0, 12
    add s6, t0, t1
    slli t1, s1, 12
    add s7, t0, t1
    li s8, 0
    li s9, 0
    li s10, ${ROUNDS}

  again:
    ld a1, (s2)
    fence r, rw
    beq a1, s8, seen
    li a2, ${SHORT_CALLS}
    andi t0, a1, ${LONG_EVERY - 1}
    bnez t0, strict
    li a2, ${LONG_CALLS}
  strict:
    jalr s6
    bne a0, a1, stale
    addi a2, a2, -1
    bnez a2, strict
    mv s8, a1
    fence rw, w
    sd s8, (s4)
    j patch
  seen:
    li a2, ${SHORT_CALLS}
    addi a3, a1, 1
  either:
    jalr s6
    beq a0, a1, 1f
    bne a0, a3, stale
  1: addi a2, a2, -1
    bnez a2, either
  patch:
    ld t0, (s5)
    bne t0, s9, again
    beq s9, s10, end
    addi s9, s9, 1
    slli t1, s9, 20
    li t2, ${RETURN_ZERO}
    or t1, t1, t2
    sw t1, (s7)
    li a7, 0x52464e43; li a6, 0; li a0, 1; sll a0, a0, s1; li a1, 0; ecall
    fence rw, w
    sd s9, (s3)
    j again

  end:
    bne s8, s10, again
    bnez s0, rest
    ${reset(0, 0)}
  rest: wfi
    j rest
  stale:
    ${reset(0, 1)}
  stay: j stay
`;

test(
  'vCPUs that patch code which the other one runs see it after a remote fence.i',
  async () => {
    const { end, regions } = await runMachine(
      {
        kind: 'domain',
        vcpus: 2,
        pcpus: 2,
        memoryBytes: 16 * MIB,
        protocol: 'take-mirror',
        kernel: guestProgram(PROGRAM),
        bootArgs: '',
        debug: true,
        engine: 'jit',
      },
      LIMIT_MS,
    );
    expect(end).toEqual({ reason: 'poweroff' });
    // A patched function is dropped: nearly all of the long rounds have compiled it anew.
    for (const { compiled } of regions) expect(compiled).toBeGreaterThan(ROUNDS / LONG_EVERY / 2);
  },
  2 * LIMIT_MS,
);
