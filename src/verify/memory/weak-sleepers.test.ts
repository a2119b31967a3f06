import { describe, expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import { explain } from '../explain.ts';
import { ALL_SLEEPERS, Kind, WaitResult } from '../operations.ts';
import { type Scenario, scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { verifyUnderRvwmo } from '../weak-job.ts';
import { fencer } from '../world/fence.ts';
import { vcpu } from '../world/vcpu.ts';
import { NAMED_ORDERINGS } from './orderings.ts';
import { initialState, outcomes, type WeakState } from './weak-memory.ts';
import { WeakSleepers } from './weak-sleepers.ts';

function named(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

/** Words: a message, a count, and the list of sleepers. */
const [MESSAGE, COUNT, LIST] = [0, 1, 2];
const [SLEEPER, WAKER] = [0, 1];

/** One relaxed access; it must have one outcome. */
function plain(state: WeakState, thread: number, kind: Kind, address: number, a: number): WeakState {
  const [one] = outcomes(state, thread, { kind, address, a, b: 0, ordering: NAMED_ORDERINGS.rlx });
  return one.state;
}

function valuesRead(state: WeakState, thread: number, address: number): number[] {
  const load = { kind: Kind.LOAD, address, a: 0, b: 0, ordering: NAMED_ORDERINGS.rlx };
  return outcomes(state, thread, load).map(({ result }) => result);
}

describe('sleepers on weak memory', () => {
  const wait = { kind: Kind.WAIT, address: COUNT, a: 0, b: 0 };
  const asleep = { kind: Kind.ASLEEP, address: COUNT, a: 0, b: 0 };
  const notify = { kind: Kind.NOTIFY, address: COUNT, a: ALL_SLEEPERS, b: 0 };

  test('who is woken sees what the waker stored before, without any order of its own', () => {
    const sleepers = new WeakSleepers(LIST);
    const [sleeps] = sleepers.outcomes(initialState(2, [0, 0, 0]), SLEEPER, wait);
    expect(sleeps.result).toBe(WaitResult.SLEEPS);
    expect(sleepers.outcomes(sleeps.state, SLEEPER, asleep)).toEqual([]);
    const written = plain(sleeps.state, WAKER, Kind.STORE, MESSAGE, 1);
    const [woke] = sleepers.outcomes(written, WAKER, notify);
    expect(woke.result).toBe(1);
    expect(valuesRead(woke.state, SLEEPER, MESSAGE).sort()).toEqual([0, 1]);
    const [up] = sleepers.outcomes(woke.state, SLEEPER, asleep);
    expect(up.result).toBe(WaitResult.WOKEN);
    expect(valuesRead(up.state, SLEEPER, MESSAGE)).toEqual([1]);
  });

  test('who comes after the notify sees the count that it is about', () => {
    const sleepers = new WeakSleepers(LIST);
    const added = plain(initialState(2, [0, 0, 0]), WAKER, Kind.ADD, COUNT, 1);
    const [notified] = sleepers.outcomes(added, WAKER, notify);
    const late = sleepers.outcomes(notified.state, SLEEPER, wait).map(({ result }) => result);
    expect(late).toEqual([WaitResult.DIFFERENT]);
  });

  test('a limit of time may be over while the thread sleeps', () => {
    const sleepers = new WeakSleepers(LIST);
    const [{ state }] = sleepers.outcomes(initialState(2, [0, 0, 0]), SLEEPER, { ...wait, b: 1 });
    const [over] = sleepers.outcomes(state, SLEEPER, { ...asleep, b: 1 });
    expect(over.result).toBe(WaitResult.TIMED_OUT);
    expect(sleepers.isAsleep(over.state, SLEEPER)).toBe(false);
  });
});

describe('scenarios with sleepers under RVWMO', () => {
  test.each(['sleeper', 'sleeper-line'])('take-mirror is proven in %s', (name) => {
    const result = verifyUnderRvwmo(protocolByName('take-mirror'), named(name), { maxTime: 600_000 });
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
  });

  test('what the published protocol loses is run again, with the sleep', () => {
    const result = verifyUnderRvwmo(protocolByName('published'), named('sleeper'), { maxTime: 600_000 });
    expect(result, result.reason).toMatchObject({
      verdict: 'VIOLATED',
      counterexample: { property: 'P1' },
    });
    expect(explain(result)).toContain('sleeps on wake_sequence');
  });

  test('a fence that asks late returns too early, also with counts of exits', () => {
    const late = scenario({
      ...named('remote-fence-busy'),
      threads: [vcpu({ pages: true }), fencer({ asksLate: true })],
    });
    const result = verifyUnderRvwmo(protocolByName('take-mirror'), late, { maxTime: 600_000 });
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property: 'P8' } });
  });
});
