import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  anyStep,
  axiomatic,
  barrier,
  load,
  type Step,
  store,
  swap,
} from '../../../test/verify/short-programs.ts';
import { Kind } from '../operations.ts';
import { KERNEL_BARRIERS, KERNEL_ORDERINGS, NAMED_ORDERINGS } from './orderings.ts';
import { type FenceOrder, type Order, RELAXED } from './program.ts';
import { type Continuation, canKeep, type Foresight, makePromise, promisableStores } from './promises.ts';
import { canonical, encodeView, encodeWords, type Futures } from './weak-encoding.ts';
import {
  arrive,
  fence,
  finalWords,
  initialState,
  outcomes,
  type WeakAccess,
  type WeakState,
} from './weak-memory.ts';

const KINDS = { load: Kind.LOAD, store: Kind.STORE, swap: Kind.EXCHANGE, add: Kind.ADD } as const;
const WORDS = 2;
const FAR: Foresight = { horizon: 8, atOnce: 8, isCut: false };

/** Passes fences up to the next access, or the end, and comes to it. */
function settle(
  state: WeakState,
  hart: number,
  steps: readonly Step[],
): { state: WeakState; steps: readonly Step[] } {
  let now = state;
  let rest = steps;
  for (let step = rest[0]; step?.do === 'fence'; step = rest[0]) {
    now = fence(now, hart, step.orders);
    rest = rest.slice(1);
  }
  const { ordering } = accessOf(rest[0]) ?? {};
  return { state: ordering ? arrive(now, hart, ordering) : now, steps: rest };
}

function accessOf(step: Step | undefined): WeakAccess | undefined {
  if (step === undefined || step.do === 'fence') return undefined;
  const { word: address, value: a = 0, ordering = NAMED_ORDERINGS.rlx } = step;
  return { kind: KINDS[step.do], address, a, b: 0, ordering };
}

function continuation(steps: readonly Step[]): Continuation {
  const access = accessOf(steps[0]);
  // Running ahead, fences are passed with the access before them.
  let end = 1;
  const passed: FenceOrder[] = [];
  for (let step = steps[end]; step?.do === 'fence'; step = steps[++end]) passed.push(...step.orders);
  const ordering = access && { ...access.ordering, after: [...access.ordering.after, ...passed] };
  return {
    access: access && ordering && { ...access, ordering },
    after: () => [continuation(steps.slice(end))],
  };
}

/** Every hart may load every word, for ever. */
function allReaders(harts: number, words: number): Futures {
  return {
    words: Array.from({ length: harts }, () => (1 << words) - 1),
    watched: Array.from({ length: harts }, () => (1 << words) - 1),
    loads: Array.from({ length: harts }, () => Number.POSITIVE_INFINITY),
  };
}

function codeOf(state: WeakState): string {
  return JSON.stringify([encodeWords(state), ...state.views.map(encodeView)]);
}

/** Every final outcome: results of the loads of each thread, and the words. */
function explore(threads: readonly (readonly Step[])[], withPromises = true): string[] {
  const readers = allReaders(threads.length, WORDS);
  const found = new Set<string>();
  const seen = new Set<string>();
  let first = initialState(threads.length, [0, 0]);
  const start = threads.map((thread, hart) => {
    const { state, steps } = settle(first, hart, thread);
    first = state;
    return { steps, results: [] as number[] };
  });
  const work = [{ state: first, threads: start }];
  for (let one = work.pop(); one !== undefined; one = work.pop()) {
    const state = canonical(one.state, readers);
    const settled = one.threads;
    const key = `${codeOf(state)} ${JSON.stringify(settled.map((thread) => [thread.steps.length, thread.results]))}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (settled.every((thread) => thread.steps.length === 0)) {
      found.add(`${settled.flatMap((thread) => thread.results).join()} ${finalWords(state).join()}`);
      continue;
    }
    for (const [hart, thread] of settled.entries()) {
      const access = accessOf(thread.steps[0]);
      if (access === undefined) continue;
      const rest = thread.steps.slice(1);
      for (const outcome of outcomes(state, hart, access)) {
        const results = access.kind === Kind.STORE ? thread.results : [...thread.results, outcome.result];
        const next = settle(outcome.state, hart, rest);
        if (!canKeep(next.state, hart, continuation(next.steps), FAR)) continue;
        work.push({
          state: next.state,
          threads: settled.map((other, i) => (i === hart ? { steps: next.steps, results } : other)),
        });
      }
      if (!withPromises) continue;
      for (const promise of promisableStores(state, hart, continuation(thread.steps), FAR)) {
        work.push({ state: makePromise(state, hart, promise), threads: settled });
      }
    }
  }
  return [...found].sort();
}

const acquire: Order = { ...RELAXED, acquire: true };
const { smp_mb, smp_wmb, smp_rmb } = KERNEL_BARRIERS;
const { xchg, xchg_acquire, xchg_relaxed, set_bit, smp_store_release, smp_load_acquire } = KERNEL_ORDERINGS;

describe('weak memory gives the outcomes that the axioms give', () => {
  test.each<[string, Step[][]]>([
    [
      'SB',
      [
        [store(0, 1), load(1)],
        [store(1, 1), load(0)],
      ],
    ],
    [
      'SB with smp_mb',
      [
        [store(0, 1), barrier(smp_mb), load(1)],
        [store(1, 1), barrier(smp_mb), load(0)],
      ],
    ],
    [
      'SB by xchg',
      [
        [swap(0, 1, xchg), load(1)],
        [swap(1, 1, xchg), load(0)],
      ],
    ],
    [
      'SB by xchg_relaxed',
      [
        [swap(0, 1, xchg_relaxed), load(1)],
        [swap(1, 1, xchg_relaxed), load(0)],
      ],
    ],
    [
      'MP',
      [
        [store(0, 1), store(1, 1)],
        [load(1), load(0)],
      ],
    ],
    [
      'MP with barriers',
      [
        [store(0, 1), barrier(smp_wmb), store(1, 1)],
        [load(1), barrier(smp_rmb), load(0)],
      ],
    ],
    [
      'MP by release and acquire',
      [
        [store(0, 1), store(1, 1, smp_store_release)],
        [load(1, smp_load_acquire), load(0)],
      ],
    ],
    [
      'MP by xchg_acquire',
      [
        [store(0, 1), barrier(smp_wmb), swap(1, 1, set_bit)],
        [swap(1, 2, xchg_acquire), load(0)],
      ],
    ],
    [
      'LB',
      [
        [load(0), store(1, 1)],
        [load(1), store(0, 1)],
      ],
    ],
    [
      'LB by AMOs',
      [
        [load(0), swap(1, 1, xchg_relaxed)],
        [load(1), swap(0, 1, xchg_relaxed)],
      ],
    ],
    [
      'LB with an acquire',
      [
        [load(0, { ...NAMED_ORDERINGS.rlx, order: acquire }), store(1, 1)],
        [load(1), store(0, 1)],
      ],
    ],
    [
      'LB with smp_mb',
      [
        [load(0), barrier(smp_mb), store(1, 1)],
        [load(1), barrier(smp_mb), store(0, 1)],
      ],
    ],
    [
      '2+2W',
      [
        [store(0, 2), store(1, 1)],
        [store(1, 2), store(0, 1)],
      ],
    ],
    [
      '2+2W with smp_wmb',
      [
        [store(0, 2), barrier(smp_wmb), store(1, 1)],
        [store(1, 2), barrier(smp_wmb), store(0, 1)],
      ],
    ],
    [
      'R',
      [
        [store(0, 1), barrier(smp_wmb), store(1, 1)],
        [store(1, 2), load(0)],
      ],
    ],
    [
      'CoRR',
      [
        [store(0, 1), store(0, 2)],
        [load(0), load(0), load(0)],
      ],
    ],
    ['IRIW', [[store(0, 1)], [load(0), load(1)], [store(1, 1)], [load(1), load(0)]]],
    [
      'own stores are forwarded',
      [
        [store(0, 1), load(0), load(1)],
        [store(1, 1), load(1), load(0)],
      ],
    ],
    [
      'own AMOs are not',
      [
        [swap(0, 1, set_bit), load(0), load(1)],
        [swap(1, 1, set_bit), load(1), load(0)],
      ],
    ],
  ])('%s', (_name, threads) => {
    expect(explore(threads)).toEqual(axiomatic(threads));
  });
});

test('any two short threads have the outcomes that the axioms give', () => {
  const anyThread = fc.array(anyStep, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(anyThread, anyThread, (one, other) => {
      expect(explore([one, other])).toEqual(axiomatic([one, other]));
    }),
    { numRuns: 200 },
  );
});

test('two stores of a thread are ahead of their turn at once', () => {
  const threads = [
    [load(0), store(1, 1), store(1, 2)],
    [load(1), load(1), store(0, 1)],
  ];
  expect(explore(threads)).toEqual(axiomatic(threads));
  expect(explore(threads)).toContain('1,1,2 1,2');
});

test('load buffering needs promises', () => {
  const threads = [
    [load(0), store(1, 1)],
    [load(1), store(0, 1)],
  ];
  expect(explore(threads)).toContain('1,1 1,1');
  expect(explore(threads, false)).not.toContain('1,1 1,1');
});

test('compare-exchange by LR/SC takes only one of two', () => {
  const access: WeakAccess = {
    kind: Kind.COMPARE_EXCHANGE,
    address: 0,
    a: 0,
    b: 1,
    ordering: KERNEL_ORDERINGS.cmpxchg,
  };
  const [first, ...others] = outcomes(initialState(2, [0, 0]), 0, access);
  expect(others).toEqual([]);
  expect(first).toMatchObject({ result: 0, readFrom: 0 });
  const second = outcomes(first.state, 1, access);
  expect(second.map((outcome) => outcome.result)).toEqual([1]);
  expect(finalWords(second[0].state)).toEqual([1, 0]);
});

test('waiting goes on with a value that can be seen, not only with the last', () => {
  const write = (a: number): WeakAccess => ({
    kind: Kind.STORE,
    address: 0,
    a,
    b: 0,
    ordering: NAMED_ORDERINGS.rlx,
  });
  let state = outcomes(initialState(2, [0, 0]), 0, write(1))[0].state;
  state = outcomes(state, 0, write(2))[0].state;
  const wait = (a: number): WeakAccess => ({ ...write(a), kind: Kind.AWAIT_EQUAL });
  expect(outcomes(state, 1, wait(1)).map((one) => one.readFrom)).toEqual([1]);
  expect(outcomes(state, 1, wait(3))).toEqual([]);
  expect(outcomes(state, 0, wait(1))).toEqual([]);
});

test('a loop over words that everyone reads has finitely many states', () => {
  const readers = allReaders(2, 2);
  const seen = new Set<string>();
  const work: [WeakState, number][] = [[initialState(2, [0, 0]), 0]];
  const { kind, ...toggle } = { kind: Kind.EXCHANGE, address: 0, b: 0, ordering: NAMED_ORDERINGS.acqrel };
  for (let one = work.pop(); one !== undefined; one = work.pop()) {
    const state = canonical(one[0], readers);
    const key = `${one[1]} ${codeOf(state)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const hart = one[1] & 1;
    for (const { state: next } of outcomes(state, hart, { ...toggle, kind, a: one[1] >> 1 })) {
      work.push([next, (one[1] + 1) & 3]);
    }
  }
  expect(seen.size).toBeLessThan(30);
});
