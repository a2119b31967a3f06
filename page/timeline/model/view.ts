/** The part of time that is shown, in milliseconds since the start of the trace. */
export interface TimeView {
  readonly start: number;
  readonly span: number;
}

/** A microsecond across the picture is more than the clocks can tell. */
export const LEAST_SPAN = 0.005;
/** The span of time that the picture shows at first: a tenth of a second. */
export const USUAL_SPAN = 100;

/** Time of a place in the picture. @param part 0 at its left edge, 1 at its right */
export function timeAt({ start, span }: TimeView, part: number): number {
  return start + span * part;
}

/** The place of a time: 0 at the left edge, 1 at the right. */
export function partOf({ start, span }: TimeView, time: number): number {
  return (time - start) / span;
}

/**
 * Makes the span so many times as long, around a place that stays where it is.
 *
 * @param part of the picture, from 0 to 1
 */
export function zoom(view: TimeView, factor: number, part: number, longest: number): TimeView {
  const span = Math.min(Math.max(view.span * factor, LEAST_SPAN), Math.max(longest, LEAST_SPAN));
  return { start: timeAt(view, part) - span * part, span };
}

/** Two fingers: the times that they took hold of follow them. Parts of the picture, before and now. */
export function pinch(
  view: TimeView,
  before: readonly [number, number],
  now: readonly [number, number],
  longest: number,
): TimeView {
  const [from, to] = [timeAt(view, before[0]), timeAt(view, before[1])];
  const distance = now[1] - now[0];
  if (Math.abs(distance) < 1e-3) return view;
  const span = Math.min(
    Math.max(Math.abs((to - from) / distance), LEAST_SPAN),
    Math.max(longest, LEAST_SPAN),
  );
  return { start: (from + to) / 2 - ((now[0] + now[1]) / 2) * span, span };
}

/** Keeps the view at what there is, with a tenth of it to spare at either side. */
export function clamp(view: TimeView, earliest: number, latest: number): TimeView {
  const spare = view.span / 10;
  const most = latest + spare - view.span;
  const least = Math.min(earliest - spare, most);
  return { start: Math.min(Math.max(view.start, least), most), span: view.span };
}

/** Moves the view so that a time is in it. */
export function reveal(view: TimeView, time: number): TimeView {
  const part = partOf(view, time);
  if (part >= 0.05 && part <= 0.95) return view;
  return { start: time - view.span / 2, span: view.span };
}

/** A length of time for people. */
export function spanText(milliseconds: number): string {
  const size = Math.abs(milliseconds);
  if (size < 0.001) return `${trim(milliseconds * 1e6)} ns`;
  if (size < 1) return `${trim(milliseconds * 1e3)} µs`;
  if (size < 1000) return `${trim(milliseconds)} ms`;
  return `${trim(milliseconds / 1000)} s`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Times for the lines of a scale: round ones, at most so many. */
export function ticks(
  { start, span }: TimeView,
  most: number,
): { readonly first: number; readonly step: number } {
  const least = span / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least) ?? 10 * power;
  return { first: Math.ceil(start / step) * step, step };
}
