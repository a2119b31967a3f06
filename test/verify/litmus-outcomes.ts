import type { FinalState } from '../../src/verify/memory/axiomatic.ts';
import type { Condition, Observed } from '../../src/verify/memory/litmus-condition.ts';
import type { LitmusTest } from '../../src/verify/memory/litmus-parser.ts';
import type { Enumerator } from '../../src/verify/memory/litmus-run.ts';

/** Every outcome, as the values of what the test's condition looks at: one line each, sorted. */
export function outcomesOf(test: LitmusTest, enumerate: Enumerator): string[] {
  const observed = observedBy(test.condition);
  const outcomes = new Set<string>();
  enumerate(test.program, (state) => outcomes.add(outcomeOf(observed, state).join(' ')));
  return [...outcomes].sort();
}

/** Everything that the condition looks at, each once. */
function observedBy(condition: Condition): Observed[] {
  const found = new Map<string, Observed>();
  const visit = (one: Condition): void => {
    if (one.kind === 'equals') found.set(JSON.stringify(one.what), one.what);
    else if (one.kind === 'not') visit(one.of);
    else if (one.kind !== 'constant') one.parts.forEach(visit);
  };
  visit(condition);
  return [...found.values()];
}

/** The values that a final state has for what is observed. */
function outcomeOf(observed: readonly Observed[], state: FinalState): number[] {
  return observed.map((what) =>
    'register' in what ? state.registers[what.hart][what.register] : state.memory[what.location],
  );
}
