/** Whatever the guest's code is, its regions are valid. `node scripts/compile-random.ts` tries more. */
import { expect, test } from 'vitest';
import { RandomCompilations } from './compile-random.ts';

/** About four regions each. */
const SEEDS = 27_000;

test('regions of random code are valid', () => {
  const compilations = new RandomCompilations();
  for (let seed = 1; seed <= SEEDS; seed++) compilations.run(seed);
  expect(compilations.tally.regions).toBeGreaterThan(100_000);
  expect(compilations.tally.instructions).toBeGreaterThan(1_000_000);
}, 240_000);
