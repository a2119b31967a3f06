/** Mutants on trial: with the stand-ins in place, the checker tries each in scenarios in which its base is right. */
import type { Protocol } from '../../../src/interrupts/protocol.ts';
import type { Scenario } from '../../../src/verify/scenario.ts';
import { SCENARIOS } from '../../../src/verify/scenarios/index.ts';
import { type VerifyOptions, type VerifyResult, verify } from '../../../src/verify/verify.ts';
import { type Mutant, mutatedProtocol } from './mutant.ts';
import { MUTANT_SCENARIOS } from './scenarios.ts';
import { sow } from './stand-ins.ts';

const ALL: readonly Scenario[] = [...SCENARIOS.filter(({ group }) => group !== 'deep'), ...MUTANT_SCENARIOS];

/** Scenarios of the list of mutants: those in which the bases are proven, without the largest. */
export const COLUMNS: readonly Scenario[] = ALL.filter(
  ({ name, group }) =>
    (group !== 'rules' || name === 'unset-as-written') &&
    !['three-senders', 'second-word-edge', 'two-pcpus'].includes(name),
);

export function named(name: string): Scenario {
  const found = ALL.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

export function verifyMutant(
  mutant: Omit<Mutant, 'killedBy'>,
  scenario: Scenario,
  bounds: VerifyOptions = { maxTime: 30_000 },
): VerifyResult {
  sow(mutant);
  try {
    return verify(mutatedProtocol(mutant), scenario, bounds);
  } finally {
    sow();
  }
}

const baseVerdicts = new Map<string, VerifyResult>();

export function verifyBase(
  base: Protocol,
  scenario: Scenario,
  bounds: VerifyOptions = { maxTime: 30_000 },
): VerifyResult {
  const key = `${base.name} ${scenario.name} ${JSON.stringify(bounds)}`;
  const known = baseVerdicts.get(key) ?? verify(base, scenario, bounds);
  baseVerdicts.set(key, known);
  return known;
}

/** The most states in which a mutant is looked for in a scenario beside the one that kills it in the suite. */
const BOUNDS: VerifyOptions = { maxStates: 200_000, maxTime: 600_000 };

/** Which of these scenarios kill a mutant, beside the one that the suite runs. */
export function killersOf(mutant: Mutant, scenarios: readonly Scenario[]): readonly string[] {
  if (mutant.loop !== undefined) return [];
  return scenarios
    .filter(
      (scenario) =>
        scenario.name !== mutant.killedBy[0] &&
        // Without a file nothing of it can be wrong.
        (mutant.file === undefined || scenario.identities !== undefined) &&
        verifyMutant(mutant, scenario, BOUNDS).verdict === 'VIOLATED' &&
        verifyBase(mutant.base, scenario).verdict === 'PROVEN',
    )
    .map(({ name }) => name);
}
