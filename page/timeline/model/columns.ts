import type { TimeView } from './view.ts';

/**
 * Columns of pixels by numbers that do not depend on where a picture begins: column `n` stands for the time from
 * `n * time` up to `(n + 1) * time`. So what is painted of it holds wherever it wanders.
 */
export interface Columns {
  readonly from: number;
  /** Behind the last one. */
  readonly to: number;
  /** Milliseconds of each. */
  readonly time: number;
}

/** The columns of a picture so many pixels wide; it begins with the one whose left edge is next to its own. */
export function columnsOf({ start, span }: TimeView, width: number): Columns {
  const time = span / width;
  const from = Math.round(start / time);
  return { from, to: from + width, time };
}

/** The part of them from one column up to another one. */
export function partOfColumns(columns: Columns, from: number, to: number): Columns {
  return { from: Math.max(columns.from, from), to: Math.min(columns.to, to), time: columns.time };
}

/** Where a column is in a picture that is a ring of so many. */
export function slotOf(column: number, width: number): number {
  return ((column % width) + width) % width;
}
