import { type Columns, slotOf } from './columns.ts';
import type { LaneEvents } from './lane-events.ts';
import type { LaneStates } from './lane-states.ts';
import { GROUPS, STATES } from './moment-facts.ts';

/** A rectangle of pixels, as `ImageData` has them, one 32-bit number each. */
export interface Pixels {
  readonly data: Uint32Array;
  readonly width: number;
  readonly height: number;
}

/** A color in parts of 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** The same, mixed with the ground in so many steps. */
export type Ramp = readonly number[];

/** Steps of a {@link Ramp}; 0 is the ground alone. */
const RAMP_STEPS = 16;

/** The pixels of a color on a ground. Faint events are still to be seen, so it begins at a third of the color. */
export function ramp(color: Color, ground: Color): Ramp {
  return Array.from({ length: RAMP_STEPS + 1 }, (_, step) => {
    const part = step === 0 ? 0 : 0.35 + (0.65 * step) / RAMP_STEPS;
    const [red, green, blue] = color.map((value, index) => {
      const under = ground[index] as number;
      return Math.round(under + (value - under) * part);
    }) as [number, number, number];
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

/** The look of counts. */
export interface CountStyle {
  /** In pixels. */
  readonly rowHeight: number;
  /** Colors of each group, weaker ones first. */
  readonly ramps: readonly Ramp[];
  /** Events of one column that have the strongest color; 0 if no counts are to be painted. */
  readonly most: number;
}

/** The place and the look of a vCPU's states, in pixels. */
export interface StateStrip {
  readonly top: number;
  readonly height: number;
  /** By state. */
  readonly colors: readonly number[];
}

/**
 * Paints how many events of each group there are in each column of pixels, a row of the picture for each group. It
 * costs as much as there are columns, however many events there are. What is there stays: the columns are to be empty
 * before.
 *
 * @param pixels a ring of columns, see `slotOf`
 * @param rows top of each group's row; -1 for a group that is not shown
 */
export function paintCounts(
  pixels: Pixels,
  columns: Columns,
  events: LaneEvents,
  rows: readonly number[],
  { rowHeight, ramps, most }: CountStyle,
): void {
  const counts = new Uint32Array(GROUPS.length);
  const scale = RAMP_STEPS / Math.log2(1 + Math.max(1, most));
  let from = events.firstAt(columns.from * columns.time);
  for (let column = columns.from; column < columns.to && from < events.end; column++) {
    const to = events.firstAt((column + 1) * columns.time, from);
    if (to === from) continue;
    counts.fill(0);
    events.count(from, to, counts);
    from = to;
    const slot = slotOf(column, pixels.width);
    for (let group = 0; group < GROUPS.length; group++) {
      const count = counts[group] as number;
      const top = rows[group] as number;
      if (count === 0 || top < 0) continue;
      const step = Math.min(RAMP_STEPS, Math.max(1, Math.round(Math.log2(1 + count) * scale)));
      fill(pixels, slot, 1, top, rowHeight, (ramps[group] as Ramp)[step] as number);
    }
  }
}

/**
 * Paints the states of a vCPU: in each column of pixels a stack of its states, as high as their parts of the time.
 *
 * @param pixels a ring of columns, see `slotOf`
 * @param until the end of the known time, in milliseconds
 */
export function paintStates(
  pixels: Pixels,
  columns: Columns,
  states: LaneStates,
  until: number,
  { top, height, colors }: StateStrip,
): void {
  if (states.end === 0) return;
  const oldest = states.begins[states.at(states.first)] as number;
  let number = -1;
  const spent = new Float64Array(STATES.length);
  for (let column = columns.from; column < columns.to; column++) {
    const begin = Math.max(column * columns.time, oldest);
    const end = Math.min((column + 1) * columns.time, until);
    if (end <= begin) continue;
    // The state is the one that a search finds, also behind states without length: so sums are always of the same
    // parts.
    if (number < 0) number = states.numberAt(begin);
    else while (states.endOf(number) <= begin) number++;
    number = states.spent(begin, end, number, spent);
    const slot = slotOf(column, pixels.width);
    let used = 0;
    let sum = 0;
    for (let state = 0; state < STATES.length; state++) {
      sum += spent[state] as number;
      const reach = Math.min(height, Math.round((height * sum) / (end - begin)));
      if (reach > used) fill(pixels, slot, 1, top + used, reach - used, colors[state] as number);
      used = Math.max(used, reach);
    }
  }
}

/** Fills a rectangle; what is above or below the picture is left out. */
export function fill(
  { data, width, height }: Pixels,
  left: number,
  columns: number,
  top: number,
  rows: number,
  color: number,
): void {
  const bottom = Math.min(top + rows, height);
  for (let row = Math.max(top, 0); row < bottom; row++) {
    const at = row * width + left;
    if (columns === 1) data[at] = color;
    else data.fill(color, at, at + columns);
  }
}
