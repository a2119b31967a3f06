import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClaimLedger, EdgeLedger } from './ledger.ts';

const SOFTWARE = 2;
const BIT = 1 << SOFTWARE;

/** One vCPU, with a set that is over before its end of the stay before. */
function setBefore(flow: number, from: number, to: number): EdgeLedger {
  const ledger = new EdgeLedger(1, SOFTWARE);
  ledger.set(0, flow, from, 1);
  ledger.setDone(0, to, 1);
  return ledger;
}

describe('an edge', () => {
  test('that is set, injected and taken is one arrow', () => {
    const ledger = setBefore(7, 1, 2);
    expect(ledger.inject(0, BIT, 3, 2)).toEqual([7]);
    expect(ledger.taken(0)).toEqual([7]);
    expect(ledger.stay(0, 2.5, 3, BIT, 0)).toEqual({ lost: [], cleared: [] });
    expect(ledger.counts(0)).toMatchObject({
      set: 1,
      injected: 1,
      taken: 1,
      coalesced: 0,
      lost: 0,
      spurious: 0,
    });
  });

  test('that several threads set before a flush is one interrupt', () => {
    const ledger = setBefore(7, 1, 2);
    ledger.set(0, 8, 1.5, 2);
    expect(ledger.inject(0, BIT, 3, 2)).toEqual([7, 8]);
    expect(ledger.counts(0)).toMatchObject({ set: 2, coalesced: 1, injected: 1 });
  });

  test('is lost if a flush that came later for sure does not find it', () => {
    const ledger = setBefore(7, 1, 2);
    expect(ledger.stay(0, 3, 4, 0, 0).lost).toMatchObject([{ flow: 7, began: 1 }]);
    expect(ledger.stay(0, 5, 6, 0, 0).lost).toEqual([]);
    expect(ledger.counts(0)).toMatchObject({ lost: 1, coalesced: 0 });
  });

  test.each([
    ['is still being set', 1, 5, 3],
    ['was set behind the stay before', 3.5, 3.6, 3],
    ['was set at about the end of that stay, as far as clocks can tell', 1, 2.99, 3],
  ])('is not lost if it %s', (_, from, to, endBefore) => {
    const ledger = setBefore(7, from, to);
    expect(ledger.stay(0, endBefore, 4, 0, 0).lost).toEqual([]);
    expect(ledger.inject(0, BIT, 6, 5)).toEqual([7]);
  });

  test('that comes while the guest has not cleared the one before is the same', () => {
    const ledger = setBefore(7, 1, 2);
    expect(ledger.stay(0, 3, 4, BIT, BIT)).toEqual({ lost: [], cleared: [] });
    expect(ledger.counts(0)).toMatchObject({ set: 1, coalesced: 1, lost: 0 });
    expect(ledger.taken(0)).toEqual([7]);
  });

  test('that a flush may have taken into a bit that was set is not called lost', () => {
    const ledger = setBefore(7, 3.5, 4.5);
    // By the clocks the flush was in the middle of the set.
    ledger.stay(0, 3, 4, BIT, 0);
    expect(ledger.stay(0, 5, 6, 0, 0).lost).toEqual([]);
    expect(ledger.counts(0)).toMatchObject({ lost: 0, coalesced: 1 });
  });

  test('that the guest clears without a trap ends with its stay', () => {
    const ledger = setBefore(7, 1, 2);
    ledger.inject(0, BIT, 3, 2);
    expect(ledger.stay(0, 2.5, 3, BIT, 0)).toEqual({ lost: [], cleared: [7] });
    expect(ledger.counts(0)).toMatchObject({ cleared: 1, taken: 0 });
  });

  test('that nobody has set is spurious', () => {
    const ledger = new EdgeLedger(1, SOFTWARE);
    ledger.stay(0, 1, 1.5, 0, 0);
    expect(ledger.inject(0, BIT, 3, 2)).toEqual([]);
    ledger.stay(0, 2, 3, BIT, BIT);
    ledger.stay(0, 4, 5, 0, 0);
    expect(ledger.counts(0)).toMatchObject({ injected: 1, spurious: 1 });
  });

  test.each([
    ['before the trace of a restored machine', () => new EdgeLedger(1, SOFTWARE)],
    [
      'where records are missing',
      () => {
        const ledger = setBefore(7, 1, 2);
        ledger.stay(0, 0.1, 0.2, 0, 0);
        ledger.forget();
        return ledger;
      },
    ],
  ])('that was set %s comes from somewhere', (_, begin) => {
    const ledger = begin();
    expect(ledger.inject(0, BIT, 3, 2)).toEqual([]);
    expect(ledger.taken(0)).toEqual([]);
    ledger.stay(0, 2, 3, BIT, 0);
    expect(ledger.counts(0)).toMatchObject({ injected: 1, taken: 1, own: 0, spurious: 0 });
    ledger.inject(0, BIT, 5, 4);
    ledger.stay(0, 4, 5, BIT, 0);
    ledger.finish();
    expect(ledger.counts(0)).toMatchObject({ injected: 2, spurious: 1 });
  });

  test('whose set seems to come behind its flush, by clocks of two threads, is explained by it', () => {
    const ledger = new EdgeLedger(1, SOFTWARE);
    ledger.inject(0, BIT, 3, 2);
    ledger.set(0, 7, 3.001, 1);
    expect(ledger.taken(0)).toEqual([7]);
    ledger.finish();
    expect(ledger.counts(0)).toMatchObject({ set: 1, injected: 1, spurious: 0, own: 0 });
  });

  test('that is set between a flush and its record is explained by the next flush', () => {
    const ledger = setBefore(7, 1, 2);
    // The flush comes at 4, its record at 6.
    ledger.set(0, 8, 5, 2);
    ledger.setDone(0, 5.5, 2);
    expect(ledger.inject(0, BIT, 6, 3)).toEqual([7, 8]);
    ledger.taken(0);
    ledger.stay(0, 3, 6, BIT, 0);
    // The arrow of the second set has come to its end with the first interrupt.
    expect(ledger.inject(0, BIT, 8, 7)).toEqual([]);
    expect(ledger.setBy(0)).toBe('a call whose arrow ends at the interrupt before');
    expect(ledger.taken(0)).toEqual([]);
    ledger.stay(0, 7, 8, BIT, BIT);
    ledger.finish();
    expect(ledger.counts(0)).toMatchObject({ set: 2, injected: 2, coalesced: 0, spurious: 0, own: 0 });
  });

  test('that is explained so and cleared without a trap counts as cleared', () => {
    const ledger = setBefore(7, 1, 2);
    ledger.set(0, 8, 5, 2);
    ledger.setDone(0, 5.5, 2);
    ledger.inject(0, BIT, 6, 3);
    ledger.taken(0);
    ledger.stay(0, 3, 6, BIT, 0);
    ledger.inject(0, BIT, 8, 7);
    expect(ledger.stay(0, 7, 8, BIT, 0)).toEqual({ lost: [], cleared: [] });
    expect(ledger.counts(0)).toMatchObject({ injected: 2, taken: 1, cleared: 1, own: 0 });
  });

  test('that the guest makes itself is its own', () => {
    const ledger = new EdgeLedger(1, SOFTWARE);
    expect(ledger.taken(0)).toEqual([]);
    expect(ledger.counts(0)).toMatchObject({ taken: 1, own: 1, spurious: 0 });
  });

  test('is lost if its vCPU sleeps on for a second', () => {
    const ledger = setBefore(7, 1, 2);
    expect(ledger.asleep(0, 0, 900)).toEqual([]);
    expect(ledger.asleep(0, 0, 1100)).toMatchObject([{ flow: 7, began: 1 }]);
    expect(ledger.counts(0).lost).toBe(1);
  });

  test('is void if it was set before the vCPU starts', () => {
    const ledger = setBefore(7, 1, 2);
    ledger.set(0, 8, 2.5, 2);
    ledger.withdraw(0, 3);
    ledger.setDone(0, 3.5, 2);
    // The other one may have come in time, or not.
    expect(ledger.stay(0, 4, 5, 0, 0).lost).toEqual([]);
    expect(ledger.counts(0)).toMatchObject({ set: 2, withdrawn: 1, lost: 0 });
  });

  test('is forgotten where records are missing', () => {
    const ledger = setBefore(7, 1, 2);
    ledger.forget();
    expect(ledger.stay(0, 3, 4, 0, 0).lost).toEqual([]);
    expect(ledger.counts(0).lost).toBe(0);
  });

  test('takes bounded memory, however often it is set without a flush', () => {
    const ledger = new EdgeLedger(1, SOFTWARE);
    for (let flow = 1; flow <= 10_000; flow++) ledger.set(0, flow, flow, 1);
    expect(ledger.pending(0)).toBe(4096);
    ledger.inject(0, BIT, 20_000, 19_999);
    expect(ledger.counts(0)).toMatchObject({ set: 10_000, coalesced: 9999, injected: 1 });
  });
});

/** A record at a time. */
interface Step {
  readonly time: number;
  readonly run: (ledger: EdgeLedger, picture: Picture) => void;
}

/** Arrows, of which none may go on behind its end. */
class Picture {
  readonly #over = new Set<number>();
  readonly tooLate: number[] = [];

  show(flows: readonly number[]): void {
    this.tooLate.push(...flows.filter((flow) => this.#over.has(flow)));
  }

  end(flows: readonly number[]): void {
    this.show(flows);
    for (const flow of flows) this.#over.add(flow);
  }
}

/** Times of one thread: spans that follow each other, which all have a beginning, a middle and an end. */
const spans = (most: number) =>
  fc
    .array(fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)), { maxLength: most })
    .map((gaps) => gaps.flat())
    .map((gaps) => {
      let now = 0;
      return gaps.map((gap) => (now += gap + 1));
    });

/**
 * The records of a protocol that loses nothing, when threads are stopped anywhere between what they do and its records.
 */
function honestRecords(
  setters: readonly (readonly number[])[],
  stays: readonly number[],
  clears: readonly boolean[],
): readonly Step[] {
  const steps: Step[] = [];
  // All instants are different: those of a thread are its number, modulo the number of threads.
  const threads = setters.length + 1;
  const of = (thread: number, time: number) => time * threads + thread;
  const sets: number[] = [];
  for (const [ring, times] of setters.entries()) {
    for (let i = 0; i + 2 < times.length; i += 3) {
      const [began, at, done] = times.slice(i, i + 3).map((time) => of(ring, time)) as [
        number,
        number,
        number,
      ];
      sets.push(at);
      steps.push({ time: began, run: (ledger) => ledger.set(0, at, began, ring) });
      steps.push({ time: done, run: (ledger) => ledger.setDone(0, done, ring) });
    }
  }
  sets.sort((a, b) => a - b);
  let hvip = 0;
  let endBefore = Number.NEGATIVE_INFINITY;
  for (let i = 0; i + 2 < stays.length; i += 3) {
    const [flush, record, end] = stays.slice(i, i + 3).map((time) => of(setters.length, time)) as [
      number,
      number,
      number,
    ];
    const taken = sets.filter((at) => at < flush);
    sets.splice(0, taken.length);
    const before = endBefore;
    if (taken.length > 0 && hvip === 0) {
      steps.push({
        time: record,
        run: (ledger, picture) => picture.show(ledger.inject(0, BIT, record, before)),
      });
    }
    if (taken.length > 0) hvip = BIT;
    const [flushed, left] = [hvip, clears[i / 3] === true ? 0 : hvip];
    const traps = flushed !== left;
    steps.push({
      time: end,
      run: (ledger, picture) => {
        if (traps) picture.end(ledger.taken(0));
        picture.end(ledger.stay(0, before, record, flushed, left).cleared);
      },
    });
    hvip = left;
    endBefore = end;
  }
  return steps.sort((a, b) => a.time - b.time);
}

test('a protocol that loses nothing is not accused, wherever its threads are stopped', () => {
  const setters = fc.array(spans(12), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      setters,
      spans(20),
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      (sets, stays, clears) => {
        const ledger = new EdgeLedger(1, SOFTWARE);
        const picture = new Picture();
        for (const { run } of honestRecords(sets, stays, clears)) run(ledger, picture);
        ledger.finish();
        expect(picture.tooLate).toEqual([]);
        const { set, injected, coalesced, taken, own, spurious, lost } = ledger.counts(0);
        expect({ spurious, lost, own }).toEqual({ spurious: 0, lost: 0, own: 0 });
        expect(taken).toBeLessThanOrEqual(injected);
        expect(injected + coalesced + ledger.pending(0)).toBe(set);
      },
    ),
    { numRuns: 2000 },
  );
});

describe('what is claimed', () => {
  test('is raised, and again before it was claimed', () => {
    const ledger = new ClaimLedger();
    expect(ledger.raise('a', 1)).toBe(1);
    expect(ledger.raise('a', 2)).toBe(1);
    expect([1, 2, 0].map((flow) => ledger.isOpen(flow))).toEqual([true, false, false]);
    expect(ledger.claim('a')).toBe(1);
    expect(ledger.isOpen(1)).toBe(false);
    expect(ledger.claim('a')).toBe(0);
    expect([...ledger.counts()]).toEqual([['a', { raised: 2, coalesced: 1, claimed: 2, again: 1 }]]);
  });

  test('is another interrupt each time if it goes on as a message', () => {
    const ledger = new ClaimLedger();
    ledger.raise('a', 1);
    ledger.pass('a');
    expect(ledger.raise('a', 2)).toBe(2);
    expect([...ledger.counts()]).toEqual([['a', { raised: 2, coalesced: 0, claimed: 0, again: 0 }]]);
  });

  test('has bounded names', () => {
    const ledger = new ClaimLedger();
    for (let index = 0; index < 5000; index++) ledger.raise(`${index}`, index + 1);
    const all = [...ledger.counts()];
    expect(all).toHaveLength(4097);
    expect(all.at(-1)).toEqual(['others', { raised: 904, coalesced: 903, claimed: 0, again: 0 }]);
  });
});
