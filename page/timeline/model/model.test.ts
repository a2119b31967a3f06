import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MOMENT_ROW, MOMENT_STEPS, type MomentStep, type MomentSubject } from '../../../src/trace/moments.ts';
import { STAY_END } from '../../../src/trace/recorder.ts';
import { SyntheticMachine } from '../../try/synthetic.ts';
import { LaneEvents } from './lane-events.ts';
import { LaneStates } from './lane-states.ts';
import { GROUPS, groupOf, STATE, STATES } from './moment-facts.ts';
import { effectOf, pathOf, timeOf } from './paths.ts';
import { Search } from './search.ts';
import { TimelineStore } from './store.ts';
import { Words } from './words.ts';

const SUBJECT: MomentSubject = {
  ...{ kind: 'domain', cpus: 2, threads: ['pCPU 0', 'main thread'], sources: new Map([[10, 'uart16550']]) },
};

type Row = readonly [
  time: number,
  step: MomentStep,
  lane: number,
  cpu: number,
  cause?: number,
  detail?: number,
  flow?: number,
  span?: number,
];

function storeOf(rows: readonly Row[], subject = SUBJECT): TimelineStore {
  const store = new TimelineStore(subject, 4096);
  const numbers = rows.flatMap(([time, step, ...rest]) =>
    [time, MOMENT_STEPS.indexOf(step), ...rest, 0, 0, 0, 0].slice(0, MOMENT_ROW),
  );
  store.append({ rows: Float64Array.from(numbers), missing: 0, counts: new Float64Array() });
  return store;
}

/** An IPI from vCPU 0 to vCPU 1, which sleeps. */
const IPI: readonly Row[] = [
  [1, 'sleep', 1, 1],
  [2, 'set', 0, 1, 1, 0, 7],
  [2.1, 'kick', 0, 1, 1, 0, 7],
  [2.2, 'wake', 0, 1],
  [2.5, 'load', 1, 1, 0, 1],
  [3, 'inject', 1, 1, 1, 0, 7],
  [3.1, 'take', 1, 1, 1, 0, 7],
  [4, 'stay', 1, 1, STAY_END.wfi, 4, 0, 1],
];

test('events of a lane are the last that it has room for, with exact counts between any two of them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 2, noNaN: true }), fc.nat(GROUPS.length - 1)), {
        maxLength: 400,
      }),
      fc.nat(400),
      fc.nat(400),
      (steps, one, other) => {
        const lane = new LaneEvents(128);
        let time = 0;
        for (const [later, group] of steps) {
          time += later;
          lane.push(time, 0, group, 0, 0, 0, 0, 0);
        }
        expect(lane.end).toBe(steps.length);
        expect(lane.end - lane.first).toBeGreaterThan(Math.min(steps.length, 128) - 32);
        const [from, to] = [Math.min(one, other), Math.max(one, other)].map((n) =>
          Math.min(Math.max(n, lane.first), lane.end),
        ) as [number, number];
        const counts = new Uint32Array(GROUPS.length);
        lane.count(from, to, counts);
        const kept = steps.slice(from, to);
        expect([...counts]).toEqual(GROUPS.map((_, group) => kept.filter(([, its]) => its === group).length));
      },
    ),
  );
});

test('the first event at a time is found from anywhere before it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { minLength: 1, maxLength: 300 }),
      fc.nat(9000),
      fc.nat(300),
      (gaps, wanted, start) => {
        const lane = new LaneEvents(128);
        let time = 0;
        for (const gap of gaps) {
          time += gap;
          lane.push(time, 0, 0, 0, 0, 0, 0, 0);
        }
        const found = lane.firstAt(wanted);
        const times = Array.from(
          { length: lane.end - lane.first },
          (_, index) => lane.times[lane.at(lane.first + index)] as number,
        );
        expect(found - lane.first).toBe(times.filter((its) => its < wanted).length);
        expect(lane.firstAt(wanted, Math.min(start, found))).toBe(found);
      },
    ),
  );
});

test('the time in each state is exact, between any two times that are kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(STATES.length - 1)), {
        minLength: 1,
        maxLength: 300,
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, part) => {
        const lane = new LaneStates(128);
        let begin = 0;
        const all = steps.map(([length, state]) => {
          lane.enter(begin, state, 0);
          begin += length;
          return { begin: begin - length, end: begin, state };
        });
        const kept = all.slice(lane.first);
        const first = kept[0]?.begin ?? 0;
        const time = first + (begin - first) * part;
        const [before, until] = [new Float64Array(STATES.length), new Float64Array(STATES.length)];
        lane.sumsUntil(first, lane.numberAt(first), before);
        lane.sumsUntil(time, lane.numberAt(time), until);
        // And from the middle on, step by step or by sums.
        const middle = (first + time) / 2;
        const spent = new Float64Array(STATES.length);
        expect(lane.spent(middle, time, lane.numberAt(middle), spent)).toBe(lane.numberAt(time));
        const upTo = new Float64Array(STATES.length);
        lane.sumsUntil(middle, lane.numberAt(middle), upTo);
        for (const state of STATES.keys())
          expect(spent[state]).toBeCloseTo((until[state] as number) - (upTo[state] as number), 6);
        for (const state of STATES.keys()) {
          const its = kept.filter((each) => each.state === state);
          const sum = its.reduce(
            (total, each) => total + Math.max(0, Math.min(each.end, time) - each.begin),
            0,
          );
          expect((until[state] as number) - (before[state] as number)).toBeCloseTo(sum, 6);
        }
      },
    ),
  );
});

test('states follow from moments', () => {
  const { lanes } = storeOf(IPI);
  const states = lanes[1]?.states;
  const seen = Array.from({ length: states?.end ?? 0 }, (_, number) => [
    states?.begins[number],
    STATES[states?.states[number] ?? 0],
  ]);
  expect(seen).toEqual([
    [1, 'WFI'],
    [2.2, 'runnable'],
    [2.5, 'hypervisor'],
    [3, 'guest'],
    [4, 'hypervisor'],
  ]);
});

test('what is missing makes states unknown, and skipped batches are counted', () => {
  const store = storeOf(IPI);
  store.skip({ rows: new Float64Array(3 * MOMENT_ROW), missing: 2, counts: new Float64Array() });
  expect(store.missing).toBe(5);
  store.append({
    rows: Float64Array.from([9, MOMENT_STEPS.indexOf('set'), 0, 1, 1, 0, 8, 0]),
    missing: 0,
    counts: new Float64Array(),
  });
  expect(store.lanes[1]?.states?.now).toBe(STATE.unknown);
});

test('rows of nonsense are left out', () => {
  const store = new TimelineStore(SUBJECT, 4096);
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.double(), { minLength: MOMENT_ROW, maxLength: MOMENT_ROW }), { maxLength: 20 }),
      (rows) => {
        store.append({ rows: Float64Array.from(rows.flat()), missing: 0, counts: new Float64Array() });
      },
    ),
  );
  expect(store.lanes).toHaveLength(4);
});

test('the way of an interrupt, and what a kick leads to', () => {
  const store = storeOf(IPI);
  const path = pathOf(store, 7);
  expect(path.map((place) => timeOf(store, place))).toEqual([2, 2.1, 3, 3.1]);
  const kick = path[1];
  expect(kick && effectOf(store, kick)).toEqual({ lane: 1, number: 1 });
  expect(pathOf(store, 0)).toEqual([]);
});

test('a search is by words of labels and lanes, by groups, and by the interrupt', () => {
  const store = storeOf(IPI);
  const search = new Search(store, new Words(store));
  const all = () => {
    const found: number[] = [];
    let at = search.next(Number.NEGATIVE_INFINITY, 1);
    while (at !== undefined) {
      found.push(timeOf(store, at));
      at = search.next(timeOf(store, at), 1);
    }
    return found;
  };
  expect(all()).toEqual([1, 2, 2.1, 2.2, 2.5, 3, 3.1, 4]);
  search.setText('software VCPU 1');
  expect(all()).toEqual([2, 3, 3.1]);
  search.setText('flow:7');
  search.setGroup(groupOf('set'), false);
  expect(all()).toEqual([2.1, 3, 3.1]);
  expect(search.next(3.1, -1)).toEqual({ lane: 1, number: 2 });
  search.setText('nowhere');
  expect(search.next(0, 1)).toBeUndefined();
});

test('each step has words, and a sentence that ends', () => {
  const store = storeOf(IPI);
  const words = new Words(store);
  for (const [step] of MOMENT_STEPS.entries()) {
    for (const [cpu, cause] of [
      [1, 1],
      [-1, 9],
    ] as const) {
      const event = { time: 5, step, group: 0, cpu, cause, detail: 10, flow: 7, span: 0.25 };
      const origin = { ...event, time: 4.5, step: MOMENT_STEPS.indexOf('set') };
      expect(words.label(event)).not.toMatch(/undefined|NaN/);
      for (const sentence of [words.sentence(event, 'vCPU 0'), words.sentence(event, 'vCPU 0', origin)]) {
        expect(sentence).toMatch(/^(vCPU|pCPU|[A-Z0-9]).*\.$/);
        expect(sentence).not.toMatch(/undefined|NaN/);
      }
    }
  }
});

test('memory is bounded: a machine that goes on for ever leaves the last so many events', () => {
  const machine = new SyntheticMachine({ cpus: 3, rate: 100_000 });
  const store = new TimelineStore(machine.subject, 1 << 13);
  for (let time = 50; time <= 2000; time += 50) store.append(machine.until(time));
  expect(store.received).toBeGreaterThan(150_000);
  const kept = store.lanes.reduce((sum, { events }) => sum + events.end - events.first, 0);
  expect(kept).toBeLessThanOrEqual((1 << 13) + 5 * 1024);
  expect(store.earliest).toBeGreaterThan(1900);
  expect(store.latest - store.earliest).toBeGreaterThan(10);
});
