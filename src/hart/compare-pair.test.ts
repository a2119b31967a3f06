import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';
import { CAUSE } from './exceptions.ts';

const DATA = RAM + 0x1000;

/** A program that ends with the cause of its trap in a0, -1 without one. */
function bedOf(code: string, xlen: 32 | 64 = 64): HartBed {
  const bed = new HartBed({ xlen, extensions: ['zacas'] });
  bed.load(`
    la t0, trap; csrw mtvec, t0
    li a1, ${DATA}
    ${code}
    li a0, -1
    j out
    .balign 4
  trap:
    csrr a0, mcause; csrr a7, mtval
  out:
    ${FINISH}
  `);
  return bed;
}

describe('compare-and-swap of register pairs', () => {
  const swap = 'li a2, 5; li a3, 6; li a4, 7; li a5, 8; amocas.q a2, a4, (a1)';

  test.each([
    ['stores where both halves are as expected', 5n, 6n, [7n, 8n]],
    ['stores nothing where the lower half is not', 4n, 6n, [4n, 6n]],
    ['stores nothing where the upper half is not', 5n, 7n, [5n, 7n]],
  ] as const)('%s', (_, lower, upper, after) => {
    const bed = bedOf(swap);
    bed.write64(DATA, lower);
    bed.write64(DATA + 8, upper);
    bed.finish();
    expect([bed.x('a2'), bed.x('a3')]).toEqual([lower, upper]);
    expect([bed.read64(DATA), bed.read64(DATA + 8)]).toEqual(after);
  });

  test('takes the pair x0 as 0, and drops what would go there', () => {
    const bed = bedOf(
      'li ra, 9; li a4, 7; li a5, 8; amocas.q x0, a4, (a1); addi a1, a1, 16; amocas.q a4, x0, (a1)',
    );
    bed.write64(DATA + 16, 7n);
    bed.write64(DATA + 24, 8n);
    bed.finish();
    expect([0, 8, 16, 24].map((offset) => bed.read64(DATA + offset))).toEqual([7n, 8n, 0n, 0n]);
    expect([bed.x('zero'), bed.x('ra')]).toEqual([0n, 9n]);
  });

  test('has 64 bits on RV32', () => {
    const bed = bedOf('li a2, -5; li a3, 6; li a4, -7; li a5, 8; amocas.d a2, a4, (a1)', 32);
    bed.write64(DATA, (6n << 32n) | 0xffff_fffbn);
    bed.finish();
    expect(bed.read64(DATA)).toBe((8n << 32n) | 0xffff_fff9n);
    expect([bed.x('a2'), bed.x('a3')]).toEqual([2n ** 64n - 5n, 6n]);
  });

  test.each([
    ['a misaligned address', 'addi a1, a1, 8; amocas.q a2, a4, (a1)', CAUSE.storeMisaligned],
    ['no memory', 'lui a1, 0x40000; amocas.q a2, a4, (a1)', CAUSE.storeAccess],
    ['an odd register', '.word 0x28e5c6af # amocas.q a3, a4, (a1)', CAUSE.illegalInstruction],
  ])('traps with %s', (_, code, cause) => {
    const bed = bedOf(code);
    bed.finish();
    expect(bed.x('a0')).toBe(BigInt(cause));
  });

  test('is carried out later where another hart does not leave memory, and somebody wants this one out', () => {
    const bed = bedOf(swap);
    bed.write64(DATA, 5n);
    bed.write64(DATA + 8, 6n);
    bed.others = 1;
    bed.askToLeave();
    bed.run(1000);
    const { instructions } = bed.hart;
    const { pc } = bed;
    bed.run(1000);
    expect([bed.hart.instructions, bed.pc, bed.read64(DATA)]).toEqual([instructions, pc, 5n]);
    bed.others = 0;
    bed.askToLeave(0);
    bed.finish();
    expect([bed.read64(DATA), bed.read64(DATA + 8)]).toEqual([7n, 8n]);
  });
});
