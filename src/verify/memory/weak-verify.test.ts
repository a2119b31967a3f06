import { describe, expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import type { Scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { NAMED_ORDERINGS } from './orderings.ts';
import { orderingBy, TRANSCRIPTIONS, weakened } from './transcription.ts';
import type { OrderingOf } from './weak-search.ts';
import { verifyWeakly } from './weak-verify.ts';

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

const STRONG: OrderingOf = () => NAMED_ORDERINGS.sc;
const RELAXED_ALL: OrderingOf = () => NAMED_ORDERINGS.rlx;
/** Stores in program order. */
const BOUNDS = { maxStates: 60_000, maxTime: 600_000, horizon: 0 };
const takeMirror = protocolByName('take-mirror');

describe('take-mirror under RVWMO', () => {
  test.each(['one-ipi', 'two-ipis', 'mail'])('%s: with every access fully ordered, as under SC', (name) => {
    const result = verifyWeakly(takeMirror, named(name), STRONG, BOUNDS);
    expect(result).toMatchObject({ verdict: 'PROVEN', found: undefined });
    expect(result.restStates).toBeGreaterThan(0);
  });

  test('acquire and release are enough for one IPI', () => {
    const result = verifyWeakly(takeMirror, named('one-ipi'), () => NAMED_ORDERINGS.acqrel, BOUNDS);
    expect(result.verdict).toBe('PROVEN');
  });

  test('the orders of its transcription are enough for one IPI, also with stores ahead of their turn', () => {
    const result = verifyWeakly(takeMirror, named('one-ipi'), orderingBy(TRANSCRIPTIONS['take-mirror']), {
      ...BOUNDS,
      horizon: 3,
    });
    expect(result.verdict).toBe('PROVEN');
  });

  test('a take that does not acquire misses the message', () => {
    const place = 'flush: take (fetch_and)';
    const weaker = [...weakened(TRANSCRIPTIONS['take-mirror'])].find(
      ({ weakening }) => weakening.at === place,
    );
    if (weaker === undefined) throw new Error('the take has no order to lose');
    const bounds = { ...BOUNDS, horizon: 4 };
    const result = verifyWeakly(takeMirror, named('mail'), weaker.orderingOf, bounds);
    expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P6' } });
  });

  test('a set that does not release lets the IPI overtake its message', () => {
    const bounds = { ...BOUNDS, horizon: 4, valuesOnly: true };
    const one = named('one-mail');
    const transcription = TRANSCRIPTIONS['take-mirror'];
    expect(verifyWeakly(takeMirror, one, orderingBy(transcription), bounds).verdict).toBe('PROVEN');
    const weaker = [...weakened(transcription)].find(
      ({ weakening }) => weakening.at === 'set: fetch_or' && weakening.without === '.rl',
    );
    if (weaker === undefined) throw new Error('the set has no release to lose');
    const result = verifyWeakly(takeMirror, one, weaker.orderingOf, bounds);
    expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P6' } });
  });

  test('without any order a wake-up is lost', () => {
    const result = verifyWeakly(takeMirror, named('one-ipi'), RELAXED_ALL, BOUNDS);
    expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P4' } });
    expect(result.found?.path.some((step) => step.behind > 0)).toBe(true);
  });
});

test('the published protocol loses an IPI with any order, so barriers are not the point', () => {
  const result = verifyWeakly(protocolByName('published'), named('two-ipis'), STRONG, BOUNDS);
  expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P1' } });
});

test('the time of a search counts from its first attempt', () => {
  let time = 0;
  const now = () => time++;
  verifyWeakly(takeMirror, named('two-ipis'), STRONG, { maxTime: 100 }, now);
  expect(time).toBeLessThan(110);
});

test('a bound is told', () => {
  const result = verifyWeakly(takeMirror, named('two-ipis'), STRONG, { maxStates: 50 });
  expect(result).toMatchObject({ verdict: 'NOT PROVEN', reason: 'the limit of 50 states was reached' });
});
