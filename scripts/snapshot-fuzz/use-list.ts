/** The effect of a list of hot code on the machine that it is given to: nothing that its program could see. */

import { MOST_HOT } from '../../src/hart/hot-code.ts';
import { ExpectedCode } from '../../src/hart/tiers/expected-code.ts';
import { FINISH, HartBed } from '../../test/hart/hart-bed.ts';

const HALFWORDS = 2048;
const PAGES = 2 ** 20;
const ROUNDS = 2000;
const PROGRAM = `
    li a1, ${ROUNDS}
  near: addi a0, a0, 1
    j far
    .org 0x2000
  far: addi a1, a1, -1
    beqz a1, done
    j near
  done: ${FINISH}`;

/** Whether all places of a list are places, each is given once, and no other one is. */
export function hasPlaces(hot: Uint32Array): boolean {
  if (hot.length > MOST_HOT) return false;
  const expected = new ExpectedCode(hot);
  let given = 0;
  for (let page = 0; page < PAGES && given < hot.length; page++) {
    for (const { halfword } of expected.take(page)) {
      if (!(Number.isInteger(halfword) && halfword >= 0 && halfword < HALFWORDS)) return false;
      given++;
    }
  }
  return given === hot.length;
}

/** Whether a program comes to its result in a hart that is given the list. */
export function runsRight(hot: Uint32Array): boolean {
  const bed = new HartBed({ engine: 'jit', compileAfter: 512, hot });
  bed.load(PROGRAM);
  // Short runs: each is a sample.
  for (let count = 0; count < 100; count++) bed.run(4);
  for (let count = 0; count < 100 && bed.result === undefined; count++) bed.run(4 * ROUNDS);
  return bed.result === ROUNDS;
}
