import type { LaneEvents } from './lane-events.ts';
import type { LaneStates } from './lane-states.ts';
import { GROUPS, STATES } from './moment-facts.ts';
import { type TimeView, timeAt } from './view.ts';

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
export const RAMP_STEPS = 16;

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

/**
 * Paints how many events of each group there are in each column of pixels, a row of the picture for each group. It costs
 * as much as the picture is wide, however many events there are.
 *
 * @param rows top of each group's row; -1 for a group that is not shown
 * @param most events of one column that have the strongest color
 * @returns how many events are in the picture
 */
export function paintCounts(
  pixels: Pixels,
  view: TimeView,
  events: LaneEvents,
  rows: readonly number[],
  rowHeight: number,
  ramps: readonly Ramp[],
  most: number,
): number {
  const { width } = pixels;
  const counts = new Uint32Array(GROUPS.length);
  const scale = RAMP_STEPS / Math.log2(1 + Math.max(1, most));
  const first = events.firstAt(view.start);
  let from = first;
  for (let column = 0; column < width && from < events.end; column++) {
    const to = events.firstAt(timeAt(view, (column + 1) / width), from);
    if (to === from) continue;
    counts.fill(0);
    events.count(from, to, counts);
    from = to;
    for (let group = 0; group < GROUPS.length; group++) {
      const count = counts[group] as number;
      const top = rows[group] as number;
      if (count === 0 || top < 0) continue;
      const step = Math.min(RAMP_STEPS, Math.max(1, Math.round(Math.log2(1 + count) * scale)));
      fill(pixels, column, top, rowHeight, (ramps[group] as Ramp)[step] as number);
    }
  }
  return from - first;
}

/** Paints what a vCPU did: in each column of pixels a stack of its states, as high as their parts of the time. */
export function paintStates(
  pixels: Pixels,
  view: TimeView,
  states: LaneStates,
  until: number,
  top: number,
  height: number,
  colors: readonly number[],
): void {
  const { width } = pixels;
  if (states.end === 0) return;
  let time = Math.max(view.start, states.begins[states.at(states.first)] as number);
  let number = states.numberAt(time);
  const spent = new Float64Array(STATES.length);
  for (let column = 0; column < width; column++) {
    const end = Math.min(timeAt(view, (column + 1) / width), until);
    if (end <= time) continue;
    number = states.spent(time, end, number, spent);
    let used = 0;
    let sum = 0;
    for (let state = 0; state < STATES.length; state++) {
      sum += spent[state] as number;
      const reach = Math.min(height, Math.round((height * sum) / (end - time)));
      if (reach > used) fill(pixels, column, top + used, reach - used, colors[state] as number);
      used = Math.max(used, reach);
    }
    time = end;
  }
}

function fill(
  { data, width, height }: Pixels,
  column: number,
  top: number,
  rows: number,
  color: number,
): void {
  const bottom = Math.min(top + rows, height);
  for (let row = Math.max(top, 0); row < bottom; row++) data[row * width + column] = color;
}
