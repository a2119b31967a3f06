import { expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';

test('a branch to another page has another slot than one of the same encoding within a page', () => {
  const bed = new HartBed({ engine: 'interp' }).load(`
    .option norvc
    li a0, 1
    .balign 256
    beq zero, zero, near
    .balign 1024
    nop
  near:
    addi a0, a0, 2
    j again
    .balign 1024
    nop
    .balign 1024
    nop
    .balign 256
  again:
    beq zero, zero, far
    .balign 1024
    nop
  far:
    addi a0, a0, 4
    ${FINISH}`);
  expect(bed.read64(RAM + 0x100) & 0xffff_ffffn).toBe(bed.read64(RAM + 0xd00) & 0xffff_ffffn);
  expect(bed.finish(1000)).toBe(7);
});
