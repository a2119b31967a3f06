import { describe, expect, test } from 'vitest';
import { type BedEngine, DEVICE, FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';

const HANDLER = RAM + 0x2000;
const MSIP = 8;
const ENGINES: readonly BedEngine[] = ['interp', 'jit', 'lockstep'];

/** A hart whose device raises and lowers its software interrupt, and asks it to leave as the CLINT does. */
function raisingBed(program: string, engine: BedEngine): HartBed {
  const bed = new HartBed({ engine });
  let seen = 0;
  let pending = 0;
  const look = (): number => {
    for (; seen < bed.accesses.length; seen++) pending = (bed.accesses[seen]?.low ?? 0) & 1;
    return pending * MSIP;
  };
  Object.defineProperty(bed, 'lines', { get: look });
  const push = bed.accesses.push.bind(bed.accesses);
  bed.accesses.push = (...entries) => {
    bed.askToLeave();
    return push(...entries);
  };
  bed.load(program);
  bed.load(`sw x0, (s0)\n csrw mepc, s3\n mret`, HANDLER);
  bed.setCsr('mtvec', BigInt(HANDLER));
  bed.setCsr('mie', BigInt(MSIP));
  bed.setCsr('mstatus', 8n);
  bed.setX('s0', BigInt(DEVICE));
  bed.setX('s1', 1n);
  return bed;
}

describe.each(ENGINES)(
  'with %s, an interrupt that a hart raises itself is taken right behind the store',
  (engine) => {
    test.each([
      ['of 4 bytes', 'sw s1, (s0)'],
      ['of a compressed encoding', 'c.sw s1, (s0)'],
      ['across two pages', `j edge\n .balign 4096\n .skip 4094\n edge: sw s1, (s0)`],
    ])('%s', (_, store) => {
      // s2 counts the instructions behind the store, in straight code.
      const bed = raisingBed(
        `la s3, done\n ${store}\n ${'addi s2, s2, 1\n'.repeat(50)} done: mv a0, s2\n ${FINISH}`,
        engine,
      );
      expect(bed.finish()).toBe(0);
    });

    test('in a loop, each time', () => {
      const bed = raisingBed(
        `li s4, 100
      again: la s3, behind
      sw s1, (s0)
      addi s2, s2, 1
      addi s2, s2, 1
      behind: addi s4, s4, -1
      bnez s4, again
      mv a0, s2
      ${FINISH}`,
        engine,
      );
      expect(bed.finish()).toBe(0);
    });
  },
);
