import { expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';

test('a branch to another page has another slot than one of the same encoding within a page', () => {
  const skip = (count: number) => 'nop\n.balign 256\n'.repeat(count);
  const bed = new HartBed({ engine: 'interp' }).load(`
    .option norvc
    li a0, 1
    j start
    ${skip(10)}
    nop
  near:
    addi a0, a0, 2
    j again
    ${skip(3)}
  start:
    beq zero, zero, near
    ${skip(1)}
    nop
  far:
    addi a0, a0, 4
    ${FINISH}
    ${skip(3)}
  again:
    beq zero, zero, far`);
  const encoding = (offset: number) => bed.read64(RAM + offset) & 0xffff_ffffn;
  expect(encoding(0xd00)).toBe(encoding(0x1100));
  expect(bed.finish(1000)).toBe(7);
});
