import { HEIGHT, type LanePlace, type Layout } from './layout.ts';
import { addArrow, addMark } from './marks.ts';
import { BandPicture, type BandStyle } from './model/band-picture.ts';
import { GROUPS } from './model/moment-facts.ts';
import { type EventPlace, effectOf, isKept, pathOf, timeOf } from './model/paths.ts';
import type { Search } from './model/search.ts';
import type { TimelineStore } from './model/store.ts';
import { partOf, spanText, type TimeView, ticks, timeAt } from './model/view.ts';
import type { Words } from './model/words.ts';
import type { Palette } from './palette.ts';

/** Events that get a mark each; of more, each column of pixels shows how many there are. */
const MOST_MARKS = 3000;
/** Events between which arrows are drawn without having been asked for. */
const MOST_ARROWS = 1200;
/** Events that get a word where there is room. */
const MOST_LABELS = 400;
/** Events that a search looks at for one picture. */
const MOST_SEARCHED = 30_000;
/** CSS pixels that a word needs. */
const LABEL_HEIGHT = 11;
const FONT = '11px system-ui, sans-serif';

/** The contents of a picture. */
export interface Scene {
  readonly store: TimelineStore;
  readonly words: Words;
  readonly search: Search;
  readonly view: TimeView;
  readonly layout: Layout;
  readonly palette: Palette;
  readonly selected: EventPlace | undefined;
  /** Where what is known ends, in milliseconds. */
  readonly until: number;
}

interface Mark {
  readonly place: EventPlace;
  readonly x: number;
  readonly y: number;
  readonly time: number;
  readonly flow: number;
  readonly group: number;
}

/** Draws the timeline on a canvas. */
export class Picture {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #bands: { readonly image: ImageData; readonly picture: BandPicture } | undefined;
  #style: { readonly style: BandStyle; readonly of: readonly unknown[] } | undefined;
  #most = 0;
  #scale = 1;
  #path: readonly EventPlace[] = [];
  #pathFlow = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('This browser has no canvas to draw on.');
    this.#context = context;
  }

  /** Width in CSS pixels. */
  get width(): number {
    return this.canvas.width / this.#scale;
  }

  /** @param width and `height` in CSS pixels, and `scale` the pixels of the screen for each of them */
  resize(width: number, height: number, scale: number): void {
    const [wide, high] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    // Zooming the whole page changes the scale, and the canvas stays as large as it was.
    if (this.canvas.width === wide && this.canvas.height === high && this.#scale === scale) return;
    this.#scale = scale;
    this.canvas.width = wide;
    this.canvas.height = high;
    this.canvas.style.height = `${height}px`;
    this.#bands = undefined;
    this.#style = undefined;
  }

  /** @returns how many events are in the picture */
  draw(scene: Scene): number {
    const context = this.#context;
    const events = this.#eventsIn(scene);
    this.#paint(scene, events);
    context.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    context.font = FONT;
    context.textBaseline = 'middle';
    this.#drawScale(scene);
    for (const place of scene.layout.lanes) this.#drawName(scene, place);
    const isSearched = scene.search.hasText && events <= MOST_SEARCHED;
    if (events <= MOST_MARKS || isSearched) this.#drawMarks(scene, this.#marksIn(scene), events);
    this.#drawSelection(scene);
    return events;
  }

  #eventsIn({ store, view, layout }: Scene): number {
    let count = 0;
    for (const { lane } of layout.lanes) {
      const events = store.lanes[lane]?.events;
      if (events === undefined) continue;
      const first = events.firstAt(view.start);
      count += events.firstAt(view.start + view.span, first) - first;
    }
    return count;
  }

  /** Pixel by pixel: the states, and the counts of what is too much for marks. */
  #paint(scene: Scene, events: number): void {
    const { width, height } = this.canvas;
    this.#bands ??= newBands(this.#context.createImageData(width, height));
    const { image, picture } = this.#bands;
    const first = picture.paint(this.#styleOf(scene, events), scene.view, scene.until);
    // The columns are a ring: those from the first one on, and those in front of it behind them.
    this.#context.putImageData(image, -first, 0, first, 0, width - first, height);
    if (first > 0) this.#context.putImageData(image, width - first, 0, 0, 0, first, height);
  }

  /** The same object as long as nothing changes: only then what is painted stays. */
  #styleOf({ store, layout, palette, search }: Scene, events: number): BandStyle {
    const hasCounts = events > MOST_MARKS || search.hasText;
    const most = hasCounts ? this.#mostOf(events / this.canvas.width / Math.max(1, layout.lanes.length)) : 0;
    const of = [store, layout, palette, search.hasText, most];
    if (this.#style === undefined || of.some((each, index) => each !== this.#style?.of[index])) {
      const scaled = (value: number) => (value < 0 ? -1 : Math.round(value * this.#scale));
      const lanes = layout.lanes.map(({ lane, top, bottom, states: statesTop, rows }) => ({
        ...(store.lanes[lane] as TimelineStore['lanes'][number]),
        ...{ top: scaled(top), bottom: scaled(bottom), statesTop: scaled(statesTop), rows: rows.map(scaled) },
      }));
      const style: BandStyle = {
        ...{ lanes, most, statesHeight: scaled(HEIGHT.states), rowHeight: scaled(layout.rowHeight - 1) },
        ...{ ground: palette.groundPixel, states: palette.states },
        ramps: search.hasText ? palette.faint : palette.ramps,
      };
      this.#style = { style, of };
    }
    return this.#style.style;
  }

  /**
   * Events of a column that have the strongest color: about a quarter of what one would have with all events of a lane
   * side by side. It changes in large steps, since then all is painted anew.
   */
  #mostOf(eventsOfColumn: number): number {
    const wanted = Math.max(8, eventsOfColumn * 4);
    if (wanted > this.#most || 4 * wanted < this.#most) this.#most = 2 ** Math.ceil(Math.log2(wanted));
    return this.#most;
  }

  #drawScale({ view, palette, layout }: Scene): void {
    const context = this.#context;
    const { first, step } = ticks(view, this.width / 90);
    context.strokeStyle = palette.line;
    context.fillStyle = palette.muted;
    context.lineWidth = 1;
    context.beginPath();
    for (let time = first; time < view.start + view.span; time += step) {
      const x = Math.round(partOf(view, time) * this.width) + 0.5;
      context.moveTo(x, HEIGHT.scale - 6);
      context.lineTo(x, layout.height);
      context.fillText(scaleText(time, step), x + 3, HEIGHT.scale / 2);
    }
    context.stroke();
  }

  #drawName({ store, palette }: Scene, { lane, top }: LanePlace): void {
    const context = this.#context;
    context.fillStyle = palette.text;
    context.font = `600 ${FONT}`;
    context.fillText(store.lanes[lane]?.name ?? '', 4, top + HEIGHT.name / 2);
    context.font = FONT;
  }

  /** Events in the picture that are wanted, in the order of their times. */
  #marksIn(scene: Scene): Mark[] {
    const { store, view, layout, search } = scene;
    const marks: Mark[] = [];
    for (const { lane, rows } of layout.lanes) {
      const { events } = store.lanes[lane] as TimelineStore['lanes'][number];
      const last = view.start + view.span;
      for (let number = events.firstAt(view.start); number < events.end; number++) {
        const at = events.at(number);
        const time = events.times[at] as number;
        if (time >= last || marks.length >= MOST_SEARCHED) break;
        const group = events.groups[at] as number;
        const row = rows[group] as number;
        if (row < 0 || (search.hasText && !search.fits(lane, events, number))) continue;
        const [x, y] = [partOf(view, time) * this.width, row + layout.rowHeight / 2];
        marks.push({ place: { lane, number }, x, y, time, flow: events.flows[at] as number, group });
      }
    }
    return marks;
  }

  #drawMarks(scene: Scene, marks: readonly Mark[], events: number): void {
    const context = this.#context;
    if (marks.length <= MOST_ARROWS && events <= MOST_MARKS) this.#drawArrows(scene, marks);
    const paths = GROUPS.map(() => new Path2D());
    for (const { x, y, group } of marks)
      addMark(paths[group] as Path2D, GROUPS[group] as (typeof GROUPS)[number], x, y);
    for (const [group, path] of paths.entries()) {
      context.fillStyle = scene.palette.groups[GROUPS[group] as (typeof GROUPS)[number]];
      context.fill(path);
    }
    if (marks.length <= MOST_LABELS && scene.layout.rowHeight >= LABEL_HEIGHT) this.#drawLabels(scene, marks);
  }

  #drawArrows({ store, palette, layout }: Scene, marks: readonly Mark[]): void {
    const context = this.#context;
    const path = new Path2D();
    const last = new Map<number, Mark>();
    for (const mark of marks.toSorted((one, other) => one.time - other.time)) {
      if (mark.flow > 0) {
        const before = last.get(mark.flow);
        if (before !== undefined) addArrow(path, before.x, before.y, mark.x, mark.y);
        last.set(mark.flow, mark);
      }
    }
    const drawn = new Map(marks.map((mark) => [mark.place.lane * 2 ** 40 + mark.place.number, mark]));
    const effects = new Path2D();
    if (marks.length <= MOST_LABELS) {
      for (const { place, x, y } of marks) {
        const effect = effectOf(store, place);
        const to = effect && drawn.get(effect.lane * 2 ** 40 + effect.number);
        if (to !== undefined) addArrow(effects, x, y, to.x, to.y);
      }
    }
    context.lineWidth = 1;
    context.globalAlpha = layout.lanes.length > 0 ? 0.6 : 1;
    context.strokeStyle = palette.groups.set;
    context.stroke(path);
    context.strokeStyle = palette.groups.kick;
    context.stroke(effects);
    context.globalAlpha = 1;
  }

  #drawLabels({ words, store, palette }: Scene, marks: readonly Mark[]): void {
    const context = this.#context;
    context.fillStyle = palette.muted;
    const next = new Map<number, number>();
    for (const mark of marks.toReversed()) {
      const row = mark.place.lane * GROUPS.length + mark.group;
      const room = (next.get(row) ?? this.width) - mark.x - 10;
      next.set(row, mark.x);
      if (room < 40) continue;
      const { events } = store.lanes[mark.place.lane] as TimelineStore['lanes'][number];
      const text = words.label(events.event(mark.place.number));
      if (context.measureText(text).width <= room) context.fillText(text, mark.x + 7, mark.y + 0.5);
    }
  }

  /** The selected event with the arrow of its interrupt, also where marks are too many. */
  #drawSelection(scene: Scene): void {
    const { store, view, selected, palette, layout } = scene;
    if (selected === undefined || !isKept(store, selected)) return;
    const context = this.#context;
    const point = (place: EventPlace): readonly [number, number] | undefined => {
      const lane = layout.lanes.find((each) => each.lane === place.lane);
      const { events } = store.lanes[place.lane] as TimelineStore['lanes'][number];
      const row = lane?.rows[events.groups[events.at(place.number)] as number] ?? -1;
      return row < 0
        ? undefined
        : [partOf(view, timeOf(store, place)) * this.width, row + layout.rowHeight / 2];
    };
    const arrow = new Path2D();
    const points = this.#pathOf(store, selected).flatMap((place) => point(place) ?? []);
    for (let at = 2; at < points.length; at += 2)
      addArrow(
        arrow,
        points[at - 2] as number,
        points[at - 1] as number,
        points[at] as number,
        points[at + 1] as number,
      );
    context.strokeStyle = palette.focus;
    context.lineWidth = 2;
    context.stroke(arrow);
    const own = point(selected);
    if (own === undefined) return;
    context.beginPath();
    context.arc(own[0], own[1], 8, 0, 2 * Math.PI);
    context.stroke();
  }

  #pathOf(store: TimelineStore, { lane, number }: EventPlace): readonly EventPlace[] {
    const { events } = store.lanes[lane] as TimelineStore['lanes'][number];
    const flow = events.flows[events.at(number)] as number;
    // To look for it anew in each picture costs too much, and nothing is selected while new events come.
    if (flow !== this.#pathFlow) this.#path = pathOf(store, flow);
    this.#pathFlow = flow;
    return this.#path.filter((place) => isKept(store, place));
  }

  /** Milliseconds that a pixel stands for. */
  pixelTime(view: TimeView): number {
    return view.span / Math.max(1, this.width);
  }

  /** Milliseconds that a column of the screen's pixels stands for. */
  columnTime(view: TimeView): number {
    return view.span / this.canvas.width;
  }

  /** The time at a place. @param x CSS pixels from the left */
  timeAt(view: TimeView, x: number): number {
    return timeAt(view, x / Math.max(1, this.width));
  }
}

function newBands(image: ImageData): { readonly image: ImageData; readonly picture: BandPicture } {
  const { data, width, height } = image;
  return { image, picture: new BandPicture({ data: new Uint32Array(data.buffer), width, height }) };
}

function scaleText(time: number, step: number): string {
  if (step >= 1000) return spanText(time);
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step))));
  return `${time.toFixed(digits)} ms`;
}
