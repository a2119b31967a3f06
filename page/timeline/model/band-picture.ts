import { type CountStyle, fill, type Pixels, paintCounts, paintStates } from './bands.ts';
import { type Columns, columnsOf, partOfColumns, slotOf } from './columns.ts';
import type { LaneEvents } from './lane-events.ts';
import type { LaneStates } from './lane-states.ts';
import { RingWatch } from './ring-watch.ts';
import type { TimeView } from './view.ts';

/** The places of a lane in a picture, in pixels from the top. */
export interface BandLane {
  readonly events: LaneEvents;
  readonly states: LaneStates | undefined;
  readonly top: number;
  readonly bottom: number;
  /** Of the strip with the states. */
  readonly statesTop: number;
  /** Of the row of each group; -1 for one that is not shown. */
  readonly rows: readonly number[];
}

/** Colors and sizes of a picture of bands. Another object of this type makes the picture be painted anew. */
export interface BandStyle extends CountStyle {
  readonly lanes: readonly BandLane[];
  readonly statesHeight: number;
  readonly ground: number;
  readonly states: readonly number[];
}

interface PaintedLane {
  readonly lane: BandLane;
  readonly events: RingWatch;
  readonly states: RingWatch | undefined;
}

/**
 * States and counts of events of all lanes, pixel by pixel. It keeps what it has painted: a picture that wanders costs
 * as much as the columns that come into sight, and those in which something has changed since the last time.
 *
 * Its pixels are a ring of columns, so that nothing has to be moved.
 */
export class BandPicture {
  readonly pixels: Pixels;
  #style: BandStyle | undefined;
  #columns: Columns = { from: 0, to: 0, time: 0 };
  #lanes: readonly PaintedLane[] = [];
  #until = 0;

  constructor(pixels: Pixels) {
    this.pixels = pixels;
  }

  /**
   * Paints what is not yet painted.
   *
   * @param until where what is known ends, in milliseconds: never before the last time's
   * @returns the column of the pixels that is the first one of the picture; the others follow, around the end
   */
  paint(style: BandStyle, view: TimeView, until: number): number {
    const columns = columnsOf(view, this.pixels.width);
    const old = this.#columns;
    const isNear = columns.from < old.to && columns.to > old.from;
    if (style !== this.#style || columns.time !== old.time || !isNear) this.#begin(style, columns);
    const known = Math.min(this.#until, until);
    for (const lane of this.#lanes) this.#paintLane(style, lane, columns, known, until);
    this.#columns = columns;
    this.#until = until;
    return slotOf(columns.from, this.pixels.width);
  }

  #begin(style: BandStyle, columns: Columns): void {
    if (style !== this.#style) this.pixels.data.fill(style.ground);
    this.#style = style;
    // No column of it is painted yet.
    this.#columns = { from: columns.from, to: columns.from, time: columns.time };
    this.#lanes = style.lanes.map((lane) => ({
      lane,
      events: new RingWatch(lane.events, lane.events.times),
      states: lane.states && new RingWatch(lane.states, lane.states.begins),
    }));
  }

  #paintLane(style: BandStyle, painted: PaintedLane, columns: Columns, known: number, until: number): void {
    const { lane, events, states } = painted;
    const old = this.#columns;
    const paint = (from: number, to: number) =>
      this.#paintColumns(style, lane, partOfColumns(columns, from, to), until);
    // A rounded quotient can be one beside; so a column more is painted at either side.
    const columnOf = (time: number) => Math.floor(time / columns.time);
    const forgotten = Math.max(events.forgottenUntil, states?.forgottenUntil ?? Number.NEGATIVE_INFINITY);
    const head = Math.max(old.from, columnOf(forgotten) + 2);
    const unknown = states === undefined ? Number.POSITIVE_INFINITY : known;
    const tail = Math.min(
      old.to,
      columnOf(Math.min(events.newFrom, states?.newFrom ?? unknown, unknown)) - 1,
    );
    if (head >= tail) {
      paint(columns.from, columns.to);
    } else {
      const gone = Math.min(events.forgottenFrom, states?.forgottenFrom ?? Number.POSITIVE_INFINITY);
      paint(columns.from, old.from);
      paint(columnOf(gone) - 1, head);
      paint(tail, columns.to);
    }
    events.note();
    states?.note();
  }

  #paintColumns(style: BandStyle, lane: BandLane, columns: Columns, until: number): void {
    if (columns.to <= columns.from) return;
    this.#clear(style, lane, columns);
    const { pixels } = this;
    const { events, states, rows, statesTop } = lane;
    if (states !== undefined)
      paintStates(pixels, columns, states, until, {
        top: statesTop,
        height: style.statesHeight,
        colors: style.states,
      });
    if (style.most > 0) paintCounts(pixels, columns, events, rows, style);
  }

  #clear({ ground }: BandStyle, { top, bottom }: BandLane, { from, to }: Columns): void {
    const { width } = this.pixels;
    const left = slotOf(from, width);
    const ahead = Math.min(to - from, width - left);
    fill(this.pixels, left, ahead, top, bottom - top, ground);
    if (ahead < to - from) fill(this.pixels, 0, to - from - ahead, top, bottom - top, ground);
  }
}
