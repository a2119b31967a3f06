import { describe, expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import type { Scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { verifyWithout } from '../weak-job.ts';
import { inLoop, LOOP_WORDS } from './loop-orderings.ts';
import { orderingBy, TRANSCRIPTIONS } from './transcription.ts';
import { verifyWeakly } from './weak-verify.ts';

const takeMirror = protocolByName('take-mirror');
const patient = { maxTime: 600_000 };

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

describe('a loop with three barriers', () => {
  const orderingOf = inLoop(orderingBy(TRANSCRIPTIONS['take-mirror']));

  test.each(['ipi-after-round', 'one-ipi', 'two-ipis', 'busy-guest', 'mail', 'line-busy'])(
    'is enough for take-mirror in %s',
    (name) => {
      const result = verifyWeakly(takeMirror, named(name), orderingOf, { ...patient, shared: LOOP_WORDS });
      expect(result, result.reason).toMatchObject({ verdict: 'PROVEN', isCut: false });
    },
  );

  test.each([
    ['enter fence', 'line-busy', 'P3'],
    ['block fence', 'ipi-after-round', 'P4'],
    ['kick fence', 'ipi-after-round', 'P4'],
  ])('needs each of them: without %s %s fails', (words, scenario, property) => {
    const result = verifyWithout(takeMirror, named(scenario), words, patient);
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property } });
  });
});
