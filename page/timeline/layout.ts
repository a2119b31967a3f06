import { GROUPS } from './model/moment-facts.ts';
import type { TimelineStore } from './model/store.ts';

/** Heights in CSS pixels. */
export const HEIGHT = { scale: 22, name: 16, states: 9, gap: 9 } as const;
/** Of a row: with few vCPUs there is room for words in it. */
const ROW = { high: 12, low: 8 } as const;
const MOST_HIGH = 4;
/** Groups of what threads without a vCPU do. */
const OF_THREADS = ['set', 'kick', 'sleep', 'fault'] as const;

/** Where a lane is, in CSS pixels from the top. */
export interface LanePlace {
  readonly lane: number;
  readonly top: number;
  readonly bottom: number;
  /** Of the strip with the states; -1 if it has none. */
  readonly states: number;
  /** Of the row of each group; -1 for one that is not shown. */
  readonly rows: readonly number[];
}

export interface Layout {
  /** Bits of the groups that are shown. */
  readonly groups: number;
  readonly lanes: readonly LanePlace[];
  readonly height: number;
  readonly rowHeight: number;
}

/**
 * Places the lanes below each other: all vCPUs, and of the other threads those that have done something.
 *
 * @param groups bits of those that are shown
 * @param last what it was before: the same object is given again if nothing has changed
 */
export function layOut(store: TimelineStore, groups: number, last: Layout): Layout {
  const shown = store.lanes.flatMap(({ events, states }, lane) =>
    states === undefined && events.end === 0 ? [] : [lane],
  );
  const isSame =
    groups === last.groups &&
    shown.length === last.lanes.length &&
    shown.every((lane, index) => lane === last.lanes[index]?.lane);
  return isSame ? last : place(store, groups, shown);
}

function place(store: TimelineStore, groups: number, shown: readonly number[]): Layout {
  const lanes: LanePlace[] = [];
  const rowHeight = store.subject.cpus <= MOST_HIGH ? ROW.high : ROW.low;
  let top: number = HEIGHT.scale;
  for (const lane of shown) {
    const states = store.lanes[lane]?.states;
    let next = top + HEIGHT.name;
    const strip = states === undefined ? -1 : next;
    if (states !== undefined) next += HEIGHT.states + 2;
    const rows = GROUPS.map((group, index) => {
      const isShown = ((groups >>> index) & 1) !== 0;
      if (!isShown || (states === undefined && !OF_THREADS.some((each) => each === group))) return -1;
      next += rowHeight;
      return next - rowHeight;
    });
    lanes.push({ lane, top, bottom: next, states: strip, rows });
    top = next + HEIGHT.gap;
  }
  return { groups, lanes, height: top, rowHeight };
}

/** Of nothing. */
export const NO_LAYOUT: Layout = { groups: 0, lanes: [], height: 0, rowHeight: 0 };

/** The lane at a height, and the group whose row is there; -1 for none. */
export function laneAt(
  layout: Layout,
  y: number,
): { readonly place: LanePlace; readonly group: number } | undefined {
  const place = layout.lanes.find(({ top, bottom }) => y >= top && y < bottom);
  if (place === undefined) return undefined;
  return { place, group: place.rows.findIndex((row) => row >= 0 && y >= row && y < row + layout.rowHeight) };
}
