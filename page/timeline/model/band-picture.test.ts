import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MOMENT, MOMENT_ROW, MOMENT_STEPS, type MomentBatch } from '../../../src/trace/moments.ts';
import { BandPicture, type BandStyle } from './band-picture.ts';
import { type Pixels, ramp } from './bands.ts';
import { columnsOf } from './columns.ts';
import { GROUPS, STATE, STATES } from './moment-facts.ts';
import { TimelineStore } from './store.ts';

const [WIDTH, CPUS] = [40, 2];
const LANE = { states: 4, row: 2, height: 4 + 2 * GROUPS.length };
const GROUND = 1;
const EMPTY: MomentBatch = { rows: new Float64Array(), missing: 0, counts: new Float64Array() };

function newStore(): TimelineStore {
  return new TimelineStore(
    { kind: 'domain', cpus: CPUS, threads: ['main thread'], sources: new Map() },
    CPUS * 1024,
  );
}

function styleOf(store: TimelineStore, most = 8): BandStyle {
  const lanes = store.lanes.map(({ events, states }, index) => {
    const top = 1 + index * (LANE.height + 1);
    const rows = GROUPS.map((_, group) => top + LANE.states + LANE.row * group);
    return { events, states, top, bottom: top + LANE.height, statesTop: top, rows };
  });
  return {
    ...{ lanes, most, statesHeight: LANE.states, rowHeight: LANE.row - 1, ground: GROUND },
    states: STATES.map((_, state) => 100 + state),
    ramps: GROUPS.map((_, group) => ramp([255, 20 * group, 0], [0, 0, 0])),
  };
}

function newPicture(): BandPicture {
  const height = 2 + (CPUS + 1) * (LANE.height + 1);
  return new BandPicture({ data: new Uint32Array(WIDTH * height), width: WIDTH, height });
}

/** Rows of pixels from left to right. */
function unrolled({ data, width, height }: Pixels, first: number): number[][] {
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => data[row * width + ((first + column) % width)] as number),
  );
}

/** @returns the number of a pixel; -1 if all are the same */
function firstDifference(one: Pixels, other: Pixels): number {
  return one.data.findIndex((pixel, at) => pixel !== other.data[at]);
}

type Batch = Readonly<Record<'count' | 'pace' | 'late' | 'missing' | 'seed', number>>;

/**
 * A batch of events of all kinds on all lanes; some of them come late, and some at the same time. A few of the largest
 * fill a lane, so that events in sight are forgotten.
 */
const batch: fc.Arbitrary<Batch> = fc.record({
  count: fc.oneof(fc.nat(12), fc.nat(900), fc.constant(900)),
  pace: fc.constantFrom(0, 0.004, 0.02, 0.5),
  late: fc.constantFrom(0, 0, 30),
  missing: fc.constantFrom(0, 0, 0, 5),
  seed: fc.nat(),
});

/** How the view moves before the next picture: a live one follows, others are panned and zoomed. */
const move = fc.oneof(
  fc.constant({ live: true, pan: 0, zoom: 1 }),
  fc.record({
    live: fc.boolean(),
    pan: fc.double({ min: -1.2, max: 1.2, noNaN: true }),
    zoom: fc.constantFrom(1, 1, 1, 2, 0.3),
  }),
);

/** @returns the time of the last event */
function append(store: TimelineStore, { count, pace, late, missing, seed }: Batch, begin: number): number {
  let state = seed | 1;
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const rows = new Float64Array(count * MOMENT_ROW);
  let time = begin;
  for (let at = 0; at < rows.length; at += MOMENT_ROW) {
    time += pace * next(3);
    rows[at + MOMENT.time] = Math.max(0, time - next(10) * 0.1 * late);
    rows[at + MOMENT.step] = next(MOMENT_STEPS.length);
    rows[at + MOMENT.lane] = next(10) === 0 ? CPUS : next(CPUS);
    rows[at + MOMENT.cpu] = next(CPUS);
    rows[at + MOMENT.span] = next(4) * pace;
  }
  store.append({ rows, missing, counts: new Float64Array() });
  return time;
}

test('a picture that keeps what it has painted is the same as one that is painted anew', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(batch, move), { minLength: 2, maxLength: 12, size: 'max' }), (steps) => {
      const store = newStore();
      const style = styleOf(store);
      const kept = newPicture();
      let [time, view] = [0, { start: 0, span: 20 }];
      for (const [its, { live, pan, zoom }] of steps) {
        time = append(store, its, time);
        const span = view.span * zoom;
        const column = span / WIDTH;
        const end = live ? Math.ceil(store.latest / column) * column : view.start + (1 + pan) * span;
        view = { start: end - span, span };
        const anew = newPicture();
        expect(kept.paint(style, view, store.latest)).toBe(anew.paint(style, view, store.latest));
        expect(firstDifference(kept.pixels, anew.pixels)).toBe(-1);
      }
    }),
  );
});

test('counts and states are at the columns of their times', () => {
  const store = newStore();
  const put = (time: number, name: (typeof MOMENT_STEPS)[number], span = 0) => {
    const rows = new Float64Array(MOMENT_ROW);
    rows[MOMENT.time] = time;
    rows[MOMENT.step] = MOMENT_STEPS.indexOf(name);
    rows[MOMENT.span] = span;
    store.append({ ...EMPTY, rows });
  };
  put(4, 'stay', 3);
  put(6, 'sleep');
  put(8, 'wake');
  const picture = newPicture();
  const style = styleOf(store);
  const first = picture.paint(style, { start: 0, span: WIDTH }, store.latest);
  const rows = unrolled(picture.pixels, first);
  const { guest, hypervisor, wfi } = STATE;
  const expected = [0, guest, guest, guest, hypervisor, hypervisor, wfi, wfi].map((state) =>
    state === 0 ? GROUND : style.states[state],
  );
  expect(rows[1]).toEqual([...expected, ...new Array<number>(WIDTH - 8).fill(GROUND)]);
  const painted = (group: (typeof GROUPS)[number]) =>
    rows[1 + LANE.states + LANE.row * GROUPS.indexOf(group)]?.flatMap((pixel, column) =>
      pixel === GROUND ? [] : [column],
    );
  expect([painted('exit'), painted('sleep'), painted('set')]).toEqual([[4], [6, 8], []]);
});

test('only columns that have changed are painted', () => {
  const store = newStore();
  const last = append(store, { count: 300, pace: 0.05, late: 0, missing: 0, seed: 7 }, 0);
  const style = styleOf(store);
  const picture = newPicture();
  const view = { start: last - 20, span: 20 };
  picture.paint(style, view, store.latest);
  // A pixel of nobody's color is still there where nothing was painted.
  const [mark, row] = [77, 1 + LANE.states];
  picture.pixels.data.fill(mark, row * WIDTH, (row + 1) * WIDTH);
  const moved = { start: view.start + 3 * (view.span / WIDTH), span: view.span };
  append(store, { count: 5, pace: 0.05, late: 0, missing: 0, seed: 9 }, last);
  const pixels = unrolled(picture.pixels, picture.paint(style, moved, store.latest))[row] ?? [];
  const untouched = pixels.lastIndexOf(mark) + 1;
  expect(pixels.slice(0, untouched).every((pixel) => pixel === mark)).toBe(true);
  expect(untouched).toBeGreaterThanOrEqual(WIDTH - 3 - 3);
  expect(columnsOf(moved, WIDTH).from - columnsOf(view, WIDTH).from).toBe(3);
});
