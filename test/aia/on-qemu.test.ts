import { describe, expect, test } from 'vitest';
import { haveQemu } from '../machine/on-qemu.ts';
import { runOnQemu } from './on-qemu.ts';
import { describeSeen, describeStep, explainDifference, makeSequence } from './sequences.ts';

const LENGTH = 1000;

describe.skipIf(!haveQemu())('accesses to CSRs of the AIA, compared with QEMU', () => {
  test.each([1, 2, 3, 4, 5, 6])('sequence %i', async (seed) => {
    const { steps, seen } = makeSequence(seed, LENGTH);
    const theirs = await runOnQemu(steps);
    const differences = steps.flatMap((step, index) => {
      const ours = seen[index];
      const his = theirs[index];
      const differs =
        describeSeen(ours) !== describeSeen(his) && explainDifference(step, ours, his) === undefined;
      return differs
        ? [`${index}: ${describeStep(step)}: ${describeSeen(ours)} here, ${describeSeen(his)} on QEMU`]
        : [];
    });
    expect(differences).toEqual([]);
  });
});
