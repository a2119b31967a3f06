/** Every mistake in the order of accesses is invisible under `sc`, and is killed under `rvwmo`. */
import { expect, test } from 'vitest';
import { orderingBy, TRANSCRIPTIONS, weakened } from '../../../src/verify/memory/transcription.ts';
import type { OrderingOf } from '../../../src/verify/memory/weak-access.ts';
import { verifyWeakly } from '../../../src/verify/memory/weak-verify.ts';
import type { Scenario } from '../../../src/verify/scenario.ts';
import { SCENARIOS } from '../../../src/verify/scenarios/index.ts';
import { verify } from '../../../src/verify/verify.ts';
import { MUTANTS } from './index.ts';
import { WEAK_MUTANTS, type WeakMutant } from './weak-mutants.ts';

function scenarioOf({ killedBy: [name] }: WeakMutant): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

function orderingOf({ base, weakening: { at, without } }: WeakMutant): OrderingOf {
  const all = [...weakened(TRANSCRIPTIONS[base.name])];
  const found = all.find(({ weakening }) => weakening.at === at && weakening.without === without);
  if (found === undefined) throw new Error(`${base.name} has no ${without} at ${at}`);
  return found.orderingOf;
}

const BOUNDS = { maxStates: 500_000, maxTime: 600_000 };

test.each(WEAK_MUTANTS)('$base.name: $name', (mutant) => {
  const { base, killedBy } = mutant;
  const scenario = scenarioOf(mutant);
  // Its functions are those of its base, so under sc it is its base.
  expect(verify(base, scenario)).toMatchObject({ verdict: 'PROVEN' });
  const whole = verifyWeakly(base, scenario, orderingBy(TRANSCRIPTIONS[base.name]), BOUNDS);
  expect(whole, whole.reason).toMatchObject({ verdict: 'PROVEN' });
  const result = verifyWeakly(base, scenario, orderingOf(mutant), BOUNDS);
  expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', found: { property: killedBy[1] } });
});

test('mutants have names of their own', () => {
  const names = [...MUTANTS, ...WEAK_MUTANTS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
