import { describe, expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { verify } from './verify.ts';

/** Scenarios that every correct protocol passes which takes part in them, smallest first. */
const candidates = SCENARIOS.filter(
  ({ group, name }) => group === 'default' || group === 'extended' || name === 'unset-as-written',
);

describe('every mistake in a correct protocol is found', () => {
  test('there are enough of them', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(MUTANTS.map(({ protocol }) => protocol.name)).size).toBe(MUTANTS.length);
  });

  test.each(MUTANTS.map((mutant) => ({ name: mutant.protocol.name, mutant })))('$name', ({ mutant }) => {
    const killer = candidates.find((scenario) => verify(mutant.protocol, scenario).verdict === 'VIOLATED');
    expect(killer?.name).toBeDefined();
    if (killer !== undefined) expect(verify(mutant.base, killer).verdict).toBe('PROVEN');
  });
});
