/**
 * The explorer of weak memory against the axioms: short threads, which leave the results of their loads in words of
 * their own, have to come to rest in exactly the ways that the axioms allow.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { installAtomics, uninstallAtomics, within } from '../../src/verify/atomics.ts';
import { NAMED_ORDERINGS, type Ordering } from '../../src/verify/memory/orderings.ts';
import { FENCE_FULL, type FenceOrder } from '../../src/verify/memory/program.ts';
import { exploreWeakly, type OrderingOf } from '../../src/verify/memory/weak-search.ts';
import { Monitor } from '../../src/verify/monitor.ts';
import { SharedMemory } from '../../src/verify/shared-memory.ts';
import type { Thread } from '../../src/verify/thread.ts';
import { ThreadPrograms } from '../../src/verify/thread-programs.ts';
import { VCPU_NAME } from '../../src/verify/world/vcpu.ts';
import { anyStep, axiomatic, barrier, load, type Step, store, swap } from './short-programs.ts';

type Access = Exclude<Step, { do: 'fence' }>;
type Words = Int32Array<ArrayBufferLike>;

const WORDS = 2;
const BOUNDS = { maxStates: 1_000_000, maxTime: 600_000, horizon: 8, atOnce: 8 };

/** The accesses of a thread; each fence is one more behind the access before it. A fence in front orders nothing. */
function accessesOf(steps: readonly Step[]): Access[] {
  const accesses: Access[] = [];
  for (const step of steps) {
    if (step.do !== 'fence') accesses.push(step);
    else {
      const last = accesses.pop();
      if (last !== undefined) accesses.push(followedBy(last, step.orders));
    }
  }
  return accesses;
}

function followedBy(access: Access, orders: readonly FenceOrder[]): Access {
  const ordering = access.ordering ?? NAMED_ORDERINGS.rlx;
  return { ...access, ordering: { ...ordering, after: [...ordering.after, ...orders] } };
}

function perform(words: Words, { do: what, word, value = 0 }: Access): number {
  switch (what) {
    case 'load':
      return Atomics.load(words, word);
    case 'store':
      return Atomics.store(words, word, value);
    case 'swap':
      return Atomics.exchange(words, word, value);
    case 'add':
      return Atomics.add(words, word, value);
  }
}

/** Makes its accesses, and then stores what they returned where nobody else looks. */
function threadOf(name: string, words: Words, out: Words, accesses: readonly Access[]): Thread {
  return {
    name,
    initial: {},
    step: () => {
      const results = accesses.map((access, at) => within(`${name} ${at}`, () => perform(words, access)));
      for (const [at, result] of results.entries()) Atomics.store(out, at, result);
      return null;
    },
  };
}

interface Explored {
  readonly states: number;
  /** Results of the loads of each thread, and the words, as `axiomatic` has them. */
  readonly outcomes: string[];
}

/** One of the threads has the name of a vCPU's, of which the explorer remembers more. */
function explored(
  threads: readonly (readonly Step[])[],
  change = (one: Ordering): Ordering => one,
): Explored {
  const memory = new SharedMemory();
  const words = memory.add(Array.from({ length: WORDS }, (_, word) => ({ name: `${word}` })));
  const orderings = new Map<string, Ordering>();
  const results: number[] = [];
  const made = threads.map((steps, number) => {
    const name = number === 0 ? VCPU_NAME : `T${number}`;
    const accesses = accessesOf(steps);
    const out = memory.add(accesses.map((_, at) => ({ name: `${name} returns ${at}` })));
    for (const [at, { ordering = NAMED_ORDERINGS.rlx }] of accesses.entries()) {
      orderings.set(`${name} ${at}`, change(ordering));
    }
    results.push(...accesses.flatMap((one, at) => (one.do === 'store' ? [] : [memory.addressOf(out, at)])));
    return threadOf(name, words, out, accesses);
  });
  const outcomes = new Set<string>();
  const problem = {
    programs: new ThreadPrograms(made, memory, { shared: ['0', '1'] }),
    monitor: new Monitor([], []),
    mustRest: false,
    atRest: ({ contents }: { readonly contents: readonly number[] }) => {
      const read = results.map((address) => contents[address]).join();
      outcomes.add(`${read} ${contents.slice(0, WORDS).join()}`);
      return undefined;
    },
  };
  const orderingOf: OrderingOf = ({ within: place = '' }) => orderings.get(place) ?? NAMED_ORDERINGS.rlx;
  const explore = () => exploreWeakly(problem, orderingOf, BOUNDS, () => performance.now());
  // Of threads that it has not seen before, a short search knows nothing ahead.
  explore();
  outcomes.clear();
  const { states, bounded } = explore();
  expect(bounded).toBeUndefined();
  return { states, outcomes: [...outcomes].sort() };
}

function withAtomics<T>(body: () => T): T {
  installAtomics();
  try {
    return body();
  } finally {
    uninstallAtomics();
  }
}

test('more words than masks have bits are beyond the search, not proven', () => {
  const { bounded } = withAtomics(() => {
    const memory = new SharedMemory();
    const words = memory.add(Array.from({ length: 33 }, (_, word) => ({ name: `${word}` })));
    const step = () => {
      for (let word = 0; word < words.length; word++) Atomics.load(words, word);
      return null;
    };
    const threads = [{ name: 'T', initial: {}, step }];
    const programs = new ThreadPrograms(threads, memory, { shared: memory.words.map(({ name }) => name) });
    const problem = { programs, monitor: new Monitor([], []), mustRest: false, atRest: () => undefined };
    return exploreWeakly(
      problem,
      () => NAMED_ORDERINGS.rlx,
      BOUNDS,
      () => performance.now(),
    );
  });
  expect(bounded).toBe('the threads use 33 words, and the search tells 32 apart');
});

/** The same orders by fences that the explorer does not know for full ones, so that it takes no advantage of them. */
function inHalves({ before, after, ...rest }: Ordering): Ordering {
  return { ...rest, before: before.flatMap(halves), after: after.flatMap(halves) };
}

function halves({ before, after }: FenceOrder): FenceOrder[] {
  return [1, 2].flatMap((from) => ((before & from) === 0 ? [] : [{ before: from, after }]));
}

const anyThread = fc
  .array(anyStep, { minLength: 1, maxLength: 4 })
  .filter((steps) => steps[0].do !== 'fence');

test('any short threads rest where the axioms let them', () => {
  fc.assert(
    fc.property(anyThread, anyThread, (one, other) => {
      const { outcomes } = withAtomics(() => explored([one, other]));
      expect(outcomes).toEqual(axiomatic([one, other]));
    }),
    { numRuns: 400 },
  );
});

test('a promise is not kept by an access behind a full fence', () => {
  const { sc } = NAMED_ORDERINGS;
  const threads = [
    [store(0, 1)],
    [store(0, 1), store(1, 1), swap(0, 2, NAMED_ORDERINGS.rlx), swap(0, 2, sc)],
  ];
  expect(withAtomics(() => explored(threads)).outcomes).toEqual(axiomatic(threads));
});

test('a place where a promise cannot be kept any more is no rest', () => {
  const { rlx, acq } = NAMED_ORDERINGS;
  const threads = [
    [load(0, { ...rlx, before: FENCE_FULL }), load(0, acq), swap(1, 1, rlx), swap(0, 1, rlx)],
    [store(0, 1, rlx), swap(1, 1, rlx)],
  ];
  expect(withAtomics(() => explored(threads)).outcomes).toEqual(axiomatic(threads));
});

test('whoever has promised to store what another thread keeps from it is not without rest', () => {
  const result = withAtomics(() => {
    const memory = new SharedMemory();
    const words = memory.add(['taken', 'said'].map((name) => ({ name })));
    const taker = (name: string, mine: number): Thread => ({
      name,
      initial: {},
      step: () => {
        if (Atomics.exchange(words, 0, mine) === 0) Atomics.store(words, 1, mine);
        return null;
      },
    });
    const programs = new ThreadPrograms([taker('T0', 1), taker('T1', 2)], memory);
    const atRest = () => undefined;
    const problem = { programs, monitor: new Monitor([], []), mustRest: true, atRest };
    return exploreWeakly(
      problem,
      () => NAMED_ORDERINGS.rlx,
      BOUNDS,
      () => performance.now(),
    );
  });
  expect(result.found).toBeUndefined();
  expect(result.bounded).toBeUndefined();
  expect(result.restStates).toBe(2);
});

test('three threads rest where they do without the advantages of full fences', () => {
  const short = fc.array(anyStep, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(short, short, short, (...threads) => {
      const { outcomes } = withAtomics(() => explored(threads));
      expect(outcomes).toEqual(withAtomics(() => explored(threads, inHalves)).outcomes);
    }),
    { numRuns: 100 },
  );
});

test('full fences spare states, and nothing else', () => {
  const { sc } = NAMED_ORDERINGS;
  const threads = [
    [store(0, 1, sc), load(1, sc), load(0, sc)],
    [store(1, 1, sc), load(0, sc), load(1, sc)],
    [swap(0, 2, sc), load(1, sc)],
  ];
  const whole = withAtomics(() => explored(threads, inHalves));
  const { states, outcomes } = withAtomics(() => explored(threads));
  expect(outcomes).toEqual(whole.outcomes);
  expect(states).toBeLessThan(whole.states);
});

describe.each([true, false])('the first thread reads: %s', (isFirst) => {
  const { rlx } = NAMED_ORDERINGS;
  const both = (reader: Step[], writer: Step[]): Step[][] => (isFirst ? [reader, writer] : [writer, reader]);

  test('behind a load that follows a full fence, another one may still find an old value', () => {
    const reader = [load(0), load(0, { ...rlx, before: FENCE_FULL }), load(1)];
    const threads = both(reader, [store(1, 1), store(1, 2), barrier(FENCE_FULL), store(0, 1)]);
    const { outcomes } = withAtomics(() => explored(threads));
    expect(outcomes).toEqual(axiomatic(threads));
    expect(outcomes).toContain('0,1,1 1,2');
  });

  test('a full fence behind a load does not keep it behind what is before it', () => {
    const reader = [load(0), load(1, { ...rlx, after: FENCE_FULL })];
    const threads = both(reader, [store(1, 1), store(1, 2), barrier(FENCE_FULL), store(0, 1)]);
    const { outcomes } = withAtomics(() => explored(threads));
    expect(outcomes).toEqual(axiomatic(threads));
    expect(outcomes).toContain('1,1 1,2');
  });
});
