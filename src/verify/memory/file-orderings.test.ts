import { describe, expect, test } from 'vitest';
import { takeMirror } from '../../interrupts/take-mirror.ts';
import type { Scenario } from '../scenario.ts';
import { FILES } from '../scenarios/files.ts';
import { verifyUnderRvwmo, verifyWithout } from '../weak-job.ts';
import { inLoop, LOOP_WORDS } from './loop-orderings.ts';
import { orderingBy, TRANSCRIPTIONS } from './transcription.ts';
import { verifyWeakly } from './weak-verify.ts';

const patient = { maxTime: 600_000 };

function named(name: string): Scenario {
  const found = FILES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

describe('an interrupt file in C', () => {
  test.each([
    ...['file-one-message', 'file-enable', 'file-delivery-sleep'],
    ...['file-disable-one', 'file-moves', 'file-moves-asleep', 'file-wire-one'],
  ])('is proven in %s', (name) => {
    expect(verifyUnderRvwmo(takeMirror, named(name), patient)).toMatchObject({ verdict: 'PROVEN' });
  });

  test.each(['file-one-message', 'file-two-messages', 'file-enable', 'file-delivery', 'file-delivery-sleep'])(
    'is proven in %s, in a loop with three barriers',
    (name) => {
      const orderingOf = inLoop(orderingBy(TRANSCRIPTIONS['take-mirror']));
      const result = verifyWeakly(takeMirror, named(name), orderingOf, { ...patient, shared: LOOP_WORDS });
      expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
    },
  );

  test.each([
    ['message .rl', 'file-two-messages', 'P6'],
    ['message .aq', 'file-enable', 'P4'],
    ['claim .aq', 'file-two-messages', 'P6'],
    ['register atomic_or eie fence', 'file-enable', 'P4'],
    ['register eidelivery fence', 'file-delivery', 'P4'],
  ])('needs its orders: without %s %s fails', (words, scenario, property) => {
    const result = verifyWithout(takeMirror, named(scenario), words, patient);
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property } });
  });
});
