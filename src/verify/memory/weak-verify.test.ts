import { describe, expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import type { Scenario, ThreadMaker } from '../scenario.ts';
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

/** The transcription with one order less. */
function without(protocol: string, at: string, order: string): OrderingOf {
  const found = [...weakened(TRANSCRIPTIONS[protocol])].find(
    ({ weakening }) => weakening.at === at && weakening.without === order,
  );
  if (found === undefined) throw new Error(`${at} has no ${order} to lose`);
  return found.orderingOf;
}

const STRONG: OrderingOf = () => NAMED_ORDERINGS.sc;
const RELAXED_ALL: OrderingOf = () => NAMED_ORDERINGS.rlx;
/** Stores in program order. */
const BOUNDS = { maxStates: 60_000, maxTime: 600_000, horizon: 0 };
const takeMirror = protocolByName('take-mirror');
/** Default scenarios that are proven as well, but take seconds each. */
const LARGE = ['remote-fence-busy', 'file-threshold', 'file-disable', 'two-pcpus'];

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

  const whole = SCENARIOS.filter(({ group, name }) => group === 'default' && !LARGE.includes(name));
  const reduced = SCENARIOS.filter(({ group }) => group === 'reduced');

  test.each([...whole, ...reduced].map(({ name }) => name))('and in %s', (name) => {
    const orderingOf = orderingBy(TRANSCRIPTIONS['take-mirror']);
    const result = verifyWeakly(takeMirror, named(name), orderingOf, { maxTime: 600_000 });
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN', isCut: false });
  });

  test('a take that does not acquire misses the message', () => {
    const weaker = without('take-mirror', 'flush: atomic_fetch_andnot_acquire(pending)', '.aq');
    const result = verifyWeakly(takeMirror, named('mail'), weaker, { ...BOUNDS, horizon: 4 });
    expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P6' } });
  });

  test('a set that does not release lets the IPI overtake its message', () => {
    const bounds = { ...BOUNDS, horizon: 4 };
    const one = named('one-mail');
    const whole = orderingBy(TRANSCRIPTIONS['take-mirror']);
    expect(verifyWeakly(takeMirror, one, whole, bounds).verdict).toBe('PROVEN');
    const weaker = without('take-mirror', 'set: atomic_fetch_or_release(pending)', '.rl');
    const result = verifyWeakly(takeMirror, one, weaker, bounds);
    expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P6' } });
    expect(result.found?.path.some(({ promised }) => promised >= 0)).toBe(true);
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

describe('levels under RVWMO', () => {
  const whole = { maxStates: 60_000, maxTime: 600_000 };

  test.each(['take-mirror', 'minimal-patch', 'xen-minimal-patch', 'published', 'xen', 'kvm-spinlock'])(
    '%s agrees with a line that rises and falls',
    (name) => {
      const ordering = orderingBy(TRANSCRIPTIONS[name]);
      const result = verifyWeakly(protocolByName(name), named('line-busy'), ordering, whole);
      expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
    },
  );

  test('xchg cannot withdraw one, with whatever order', () => {
    const result = verifyWeakly(protocolByName('xchg'), named('line-busy'), STRONG, whole);
    expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P3' } });
  });

  test('a flush may show what was so when the vCPU was up to date last', () => {
    // The load of a flush with no order before it may be earlier than an unset that has returned.
    const looks: OrderingOf = ({ within }) => (within ? NAMED_ORDERINGS.rlx : NAMED_ORDERINGS.sc);
    const result = verifyWeakly(takeMirror, named('line-busy'), looks, whole);
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
  });
});

test('what the flush reads is not older than the beginning, and may be as old', () => {
  // Without any order, the first flush need not see a level that has risen since. That the vCPU never learns of it is
  // wrong.
  const result = verifyWeakly(takeMirror, named('timer'), RELAXED_ALL, BOUNDS);
  expect(result).toMatchObject({ verdict: 'VIOLATED', found: { property: 'P4' } });
});

describe('stores ahead of their turn', () => {
  const bounds = { maxStates: 60_000, maxTime: 600_000 };

  test.each(Object.keys(TRANSCRIPTIONS))('%s: all are looked for', (name) => {
    const whole = orderingBy(TRANSCRIPTIONS[name]);
    expect(verifyWeakly(protocolByName(name), named('one-mail'), whole, bounds).isCut).toBe(false);
  });

  test('it is told when some are not', () => {
    const whole = orderingBy(TRANSCRIPTIONS['kvm-spinlock']);
    const near = { ...bounds, horizon: 2 };
    expect(verifyWeakly(protocolByName('kvm-spinlock'), named('one-ipi'), whole, near)).toMatchObject({
      verdict: 'PROVEN',
      isCut: true,
    });
  });
});

describe('what a two-bitmap protocol loses without an order', () => {
  const whole = { maxStates: 60_000, maxTime: 600_000 };
  test.each([
    ['minimal-patch', 'one-ipi', 'set: set_bit(mask): smp_mb__before_atomic', 'fence rw,rw', 'P1'],
    ['minimal-patch', 'line-busy', 'unset: set_bit(mask): smp_mb__before_atomic', 'fence rw,rw', 'P3'],
    ['minimal-patch', 'one-ipi', 'flush: xchg_acquire(mask)', 'fence r,rw', 'P1'],
    ['xen-minimal-patch', 'line-busy', 'unset: set_bit(mask): smp_wmb', 'fence w,w', 'P3'],
  ])('%s in %s: %s', (protocol, scenario, at, order, property) => {
    const result = verifyWeakly(
      protocolByName(protocol),
      named(scenario),
      without(protocol, at, order),
      whole,
    );
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', found: { property } });
  });
});

test('a set that took effect ahead of its turn is not taken for an interrupt from nowhere', () => {
  // The message is a plain store, which the relaxed set_bit overtakes.
  const published = orderingBy(TRANSCRIPTIONS.published);
  const result = verifyWeakly(protocolByName('published'), named('one-mail'), published);
  expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
});

test('what a thread of another name than vCPU flushes is not judged', () => {
  const lonely: Scenario = { ...named('one-ipi'), threads: [flusher] };
  expect(verifyWeakly(takeMirror, lonely, STRONG, BOUNDS)).toMatchObject({
    verdict: 'NOT PROVEN',
    reason: expect.stringContaining('P2 asks what a flush could see'),
  });
});

/** A thread that claims to flush an interrupt which nobody has set. */
const flusher: ThreadMaker = (world) => ({
  name: 'other',
  initial: {},
  step: (_state, env) => {
    env.before({ is: 'flush', lo: 0, hi: 0 });
    // Meets nobody.
    Atomics.load(world.words, 0);
    env.after({ is: 'flushed', lo: 4, hi: 0 });
    return null;
  },
});

test('a scenario that never rests is explored like any other', () => {
  const result = verifyWeakly(takeMirror, named('ipis-forever'), STRONG, BOUNDS);
  expect(result).toMatchObject({ verdict: 'PROVEN' });
  expect(result.states).toBeGreaterThan(100);
});

test('a thread that has only its own words for a while can be run ahead', () => {
  const bounds = { ...BOUNDS, maxStates: 2000, horizon: 4 };
  expect(verifyWeakly(takeMirror, named('three-senders'), STRONG, bounds).states).toBeGreaterThanOrEqual(
    2000,
  );
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
