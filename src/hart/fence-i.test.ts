import { expect, test } from 'vitest';
import { HartBed } from '../../test/hart/hart-bed.ts';
import { FETCH_LIST, FIELD } from './layout.ts';

/** How often interrupt lines are looked at while a hart carries out FENCE.I, after that many fetches from new pages. */
function looksAfter(fills: number): number {
  const bed = new HartBed({ engine: 'interp' }).load(`
      li t0, 0x888
      csrw mie, t0
      j 1f
    1: fence.i
    end: j end`);
  let looks = 0;
  Object.defineProperty(bed, 'lines', {
    get: () => {
      looks++;
      return 0;
    },
  });
  bed.run(1);
  bed.hart.state.words[FIELD.fetchFills >> 2] = fills;
  looks = 0;
  bed.run(1);
  expect(bed.pc).toBe(BigInt(bed.symbol('end')));
  return looks;
}

// Compiled code fetches ahead from pages that the interpreter may never come to: both must take interrupts at the same places.
test('FENCE.I looks for interrupts no more often when the TLB has more of the code', () => {
  expect(looksAfter(FETCH_LIST + 1)).toBe(looksAfter(1));
});
