import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';
import { OPERATION, REGION } from './interpreter/slots.ts';

/** More than a chunk, so that the next jump is one after which the interpreter samples. */
const LONG = 'nop\n'.repeat(1100);
const DATA = RAM + 0x10_0000;
const FAR = RAM + 0x8000;

/** Runs a program at once: each new run samples at its first jump. @returns how many regions were compiled */
function run(source: string): { readonly bed: HartBed; readonly regions: number } {
  let regions = 0;
  const bed: HartBed = new HartBed({
    engine: 'jit',
    onRegion: ({ record }) => {
      regions++;
      const operation = new DataView(bed.memory.buffer).getUint16(record + REGION.aside, true);
      // The interpreter would enter the region again, or find nothing to decode, for ever.
      if (operation === OPERATION.decode || operation === OPERATION.region)
        throw new Error('the region stands for nothing');
    },
  });
  bed.load(source).write64(DATA, 41n);
  bed.run(100_000);
  return { bed, regions };
}

describe('code that is compiled before it has ever run can be left to the interpreter', () => {
  test('because its first instruction accesses a page that the TLB does not know', () => {
    const { bed, regions } = run(`
      li a1, ${DATA}
      ${LONG}
      j fresh
      .balign 4
    fresh:
      ld a0, (a1)
      addi a0, a0, 1
      ${FINISH}`);
    expect(bed.result).toBe(42);
    expect(regions).toBeGreaterThan(0);
  });

  test('because the translation of another of its pages is forgotten', () => {
    const { bed, regions } = run(`
      li a0, 0
      li a1, ${FAR}
      la ra, warm
      jr a1
    warm:
      la ra, back
      ${LONG}
      j fresh
      .balign 4
    fresh:
      addi a0, a0, 1
      j far
    back:
      fence.i
      li a2, 4
      blt a0, a2, fresh
      ${FINISH}
      .org ${FAR - RAM}
    far:
      addi a0, a0, 1
      ret`);
    expect(bed.result).toBe(5);
    expect(regions).toBeGreaterThan(0);
  });
});
