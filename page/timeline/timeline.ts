import type { MomentBatch, Moments } from '../../src/trace/moments.ts';
import { element } from '../dom.ts';
import { CountsLine } from './counts.ts';
import { Details } from './details.ts';
import { type InputTarget, listen } from './input.ts';
import { HEIGHT, type Layout, laneAt, layOut, NO_LAYOUT } from './layout.ts';
import { LiveClock } from './model/live-clock.ts';
import { type EventPlace, isKept, nearest, neighbor, timeOf } from './model/paths.ts';
import { Search } from './model/search.ts';
import { TimelineStore } from './model/store.ts';
import { clamp, pinch, reveal, type TimeView, USUAL_SPAN, zoom } from './model/view.ts';
import { Words } from './model/words.ts';
import { type Palette, readPalette } from './palette.ts';
import { Picture } from './picture.ts';
import { Toolbar } from './toolbar.ts';

/** CSS pixels around a click in which an event is looked for. */
const REACH = 12;
/** Milliseconds between two looks at the counts. */
const COUNTS_MS = 250;
/** Milliseconds between two pictures for those who want little motion. */
const CALM_MS = 1000;
/**
 * A live picture of less than so many milliseconds is another one after two frames. Nobody can see anything in it that
 * moves, so it stands still for a while.
 */
const FOLLOWED_SPAN = 40;
const STILL_MS = 100;

/** Settings and services of a timeline. */
export interface TimelineOptions {
  /** Begins to watch a machine; undefined if there is none. It is left again while nobody can see the timeline. */
  readonly open: () => Moments | undefined;
  /** Says something to those who cannot see it; a live region of the timeline's own if it is not given. */
  readonly announce?: (text: string) => void;
  /** Events that are kept, see `TimelineStore`. */
  readonly events?: number;
  /** Milliseconds that the picture shows at first. */
  readonly span?: number;
}

/** The timeline in the page: a lane for each vCPU, with what happens to it and its interrupts. */
export class Timeline implements InputTarget {
  readonly root: HTMLElement;
  readonly #options: TimelineOptions;
  readonly #picture: Picture;
  readonly #toolbar: Toolbar;
  readonly #counts = new CountsLine();
  readonly #details: Details;
  readonly #scroll: HTMLElement;
  readonly #empty = element('p', { class: 'tl-empty' });
  readonly #said = element('p', { class: 'tl-said', role: 'status' });
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #letGo: (() => void)[] = [];
  #palette: Palette;
  #moments: Moments | undefined;
  #store: TimelineStore | undefined;
  #search: Search | undefined;
  #words: Words | undefined;
  #layout: Layout = NO_LAYOUT;
  #clock = new LiveClock();
  #view: TimeView;
  #isLive = true;
  #isVisible = false;
  #isDirty = true;
  #selected: EventPlace | undefined;
  #frame = 0;
  #countedAt = 0;
  #drawnAt = 0;

  constructor(container: HTMLElement, options: TimelineOptions) {
    this.#options = options;
    this.#view = { start: 0, span: options.span ?? USUAL_SPAN };
    this.#details = new Details((place) => this.#select(place));
    this.#toolbar = new Toolbar({
      togglePause: () => this.#setLive(!this.#isLive),
      zoomBy: (factor) => this.zoomBy(factor, 0.5),
      fit: () => this.#fit(),
      search: (text) => this.#setSearch(text),
      findNext: (direction) => this.#findNext(direction),
      setGroup: (group, isOn) => {
        this.#search?.setGroup(group, isOn);
        this.#isDirty = true;
      },
    });
    const canvas = element('canvas', {
      tabindex: 0,
      role: 'application',
      'aria-label': 'Interrupts of each vCPU over time',
      'aria-roledescription': 'timeline',
    });
    this.#scroll = element('div', { class: 'tl-scroll' }, canvas, this.#empty);
    this.root = element(
      'section',
      { class: 'tl view', 'aria-label': 'Timeline of interrupts' },
      this.#toolbar.bar,
      this.#counts.root,
      this.#toolbar.legend,
      element('div', { class: 'tl-main' }, this.#scroll, this.#details.root),
      this.#said,
    );
    container.append(this.root);
    this.#picture = new Picture(canvas);
    this.#palette = readPalette(this.root);
    this.#letGo.push(listen(canvas, this), this.#watchLook());
    this.setVisible(true);
  }

  /** Ends the watching and the drawing while nobody can see it. */
  setVisible(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    if (isVisible) {
      this.#open();
      this.#frame = requestAnimationFrame(this.#onFrame);
    } else {
      cancelAnimationFrame(this.#frame);
      this.#leave();
    }
  }

  /** There is another machine. */
  reopen(): void {
    this.#leave();
    this.#store = undefined;
    if (this.#isVisible) this.#open();
  }

  dispose(): void {
    this.setVisible(false);
    for (const letGo of this.#letGo) letGo();
    this.root.remove();
  }

  zoomBy(factor: number, part: number): void {
    const store = this.#store;
    if (store === undefined) return;
    const longest = 1.2 * (store.latest - store.earliest);
    // Live, "now" stays where it is.
    this.#setView(zoom(this.#view, factor, this.#isLive ? 1 : part, longest));
  }

  panBy(part: number): void {
    this.#setLive(false);
    this.#setView({ start: this.#view.start + part * this.#view.span, span: this.#view.span });
  }

  pinchTo(before: readonly [number, number], now: readonly [number, number]): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#setLive(false);
    this.#setView(pinch(this.#view, before, now, 1.2 * (store.latest - store.earliest)));
  }

  pick(x: number, y: number): void {
    const [store, search] = [this.#store, this.#search];
    const found = laneAt(this.#layout, y);
    if (store === undefined || search === undefined || found === undefined) return;
    const { place, group } = found;
    const { events } = store.lanes[place.lane] as TimelineStore['lanes'][number];
    const time = this.#picture.timeAt(this.#view, x);
    const reach = REACH * this.#picture.pixelTime(this.#view);
    const isWanted = (number: number) =>
      search.wants({ lane: place.lane, number }) && (group < 0 || events.groups[events.at(number)] === group);
    const event = nearest(store, place.lane, time, reach, isWanted);
    if (event !== undefined) this.#select(event);
    else this.#unselect();
  }

  key(event: KeyboardEvent): boolean {
    const action = this.#actionOf(event);
    action?.();
    return action !== undefined;
  }

  #actionOf({ key, shiftKey }: KeyboardEvent): (() => void) | undefined {
    const pan = (part: number) => () => this.panBy(part);
    const actions: Readonly<Record<string, () => void>> = {
      ' ': () => this.#setLive(!this.#isLive),
      '+': () => this.zoomBy(0.5, 0.5),
      '=': () => this.zoomBy(0.5, 0.5),
      '-': () => this.zoomBy(2, 0.5),
      0: () => this.#fit(),
      '/': () => this.#toolbar.searchBox.focus(),
      n: () => this.#findNext(1),
      N: () => this.#findNext(-1),
      Home: () => this.#toBorder(-1),
      End: () => this.#toBorder(1),
      Escape: () => this.#unselect(),
      ArrowLeft: shiftKey ? pan(-0.25) : () => this.#step(-1),
      ArrowRight: shiftKey ? pan(0.25) : () => this.#step(1),
      ArrowUp: () => this.#changeLane(-1),
      ArrowDown: () => this.#changeLane(1),
    };
    return actions[key];
  }

  #open(): void {
    const moments = this.#options.open();
    this.#moments = moments;
    this.#clock.restart();
    this.#empty.textContent =
      moments === undefined
        ? 'No machine runs.'
        : 'Nothing has happened yet: events appear here as they happen.';
    this.#empty.hidden = false;
    this.#isDirty = true;
    if (moments === undefined) return;
    if (this.#store === undefined) this.#begin(new TimelineStore(moments.subject, this.#options.events));
    void this.#read(moments);
  }

  #begin(store: TimelineStore): void {
    const words = new Words(store);
    const search = new Search(store, words);
    search.setText(this.#toolbar.searchBox.value);
    [this.#store, this.#words, this.#search] = [store, words, search];
    this.#layout = NO_LAYOUT;
    this.#selected = undefined;
    this.#details.begin(store, words);
  }

  async #read(moments: Moments): Promise<void> {
    for await (const batch of moments) {
      if (moments !== this.#moments) return;
      this.#take(batch);
    }
  }

  #take(batch: MomentBatch): void {
    const store = this.#store;
    if (store === undefined) return;
    if (this.#isLive) {
      store.append(batch);
      this.#clock.arrived(performance.now(), store.latest);
      this.#isDirty = true;
      this.#empty.hidden = true;
    } else {
      // To keep what is being looked at, nothing more is kept; the counts go on.
      store.skip(batch);
    }
  }

  #leave(): void {
    const moments = this.#moments;
    this.#moments = undefined;
    void moments?.return?.();
  }

  readonly #onFrame = (now: number): void => {
    this.#frame = requestAnimationFrame(this.#onFrame);
    if (this.#store !== undefined && now - this.#countedAt >= COUNTS_MS) {
      this.#counts.update(this.#store, now);
      this.#countedAt = now;
    }
    const hasMoved = this.#isLive && this.#liveStart(now) !== this.#view.start;
    if (!this.#isDirty && !hasMoved) return;
    if (this.#isLive && now - this.#drawnAt < this.#pauseOf()) return;
    this.#draw(now);
  };

  /** Milliseconds between two pictures that are live. */
  #pauseOf(): number {
    if (this.#calm.matches) return CALM_MS;
    return this.#view.span < FOLLOWED_SPAN ? STILL_MS : 0;
  }

  #draw(now: number): void {
    const [store, search, words] = [this.#store, this.#search, this.#words];
    if (store === undefined || search === undefined || words === undefined) return;
    const scroll = this.#scroll;
    this.#layout = layOut(store, search.groups, this.#layout);
    const height = Math.max(this.#layout.height, scroll.clientHeight);
    this.#picture.resize(scroll.clientWidth, height, Math.min(devicePixelRatio, 2));
    if (this.#isLive) this.#view = { start: this.#liveStart(now), span: this.#view.span };
    const { layout, view, palette, selected } = this.#sceneParts();
    this.#picture.draw({ store, search, words, layout, view, palette, selected, until: store.latest });
    this.#isDirty = false;
    this.#drawnAt = now;
  }

  #sceneParts() {
    return { layout: this.#layout, view: this.#view, palette: this.#palette, selected: this.#selected };
  }

  /** Where a live picture begins now. */
  #liveStart(now: number): number {
    // In whole pixels, so that what was painted of a column holds while it wanders.
    const pixel = this.#picture.columnTime(this.#view);
    return Math.ceil(this.#clock.time(now) / pixel) * pixel - this.#view.span;
  }

  #setLive(isLive: boolean): void {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    this.#toolbar.setPaused(!isLive);
    this.#clock.restart();
    this.#isDirty = true;
    this.#say(isLive ? 'Live.' : 'Paused. Left and right go from event to event.');
  }

  #setView(view: TimeView): void {
    const store = this.#store;
    this.#view = store === undefined || this.#isLive ? view : clamp(view, store.earliest, store.latest);
    this.#isDirty = true;
    this.#drawnAt = 0;
  }

  #fit(): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#setLive(false);
    const span = Math.max(1, store.latest - store.earliest);
    this.#setView({ start: store.earliest - span / 50, span: span * 1.04 });
  }

  #toBorder(direction: 1 | -1): void {
    const store = this.#store;
    if (store === undefined) return;
    if (direction > 0) this.#setLive(true);
    else {
      this.#setLive(false);
      this.#setView({ start: store.earliest, span: this.#view.span });
    }
  }

  #setSearch(text: string): void {
    this.#search?.setText(text);
    this.#toolbar.say('');
    this.#isDirty = true;
  }

  #findNext(direction: 1 | -1): void {
    const [store, search] = [this.#store, this.#search];
    if (store === undefined || search === undefined) return;
    this.#setLive(false);
    const from =
      this.#selected !== undefined && isKept(store, this.#selected)
        ? timeOf(store, this.#selected)
        : this.#view.start + (direction > 0 ? 0 : this.#view.span);
    const ahead = search.next(from, direction);
    // Behind the last one it goes on with the first one.
    const found =
      ahead ?? search.next(direction > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY, direction);
    this.#toolbar.say(found === undefined ? 'none fits' : ahead === undefined ? 'from the other end' : '');
    if (found !== undefined) this.#select(found);
    else this.#say('No event fits.');
  }

  /** To the neighbor of the selected event, or to one in the picture. */
  #step(direction: 1 | -1): void {
    const [store, search, selected] = [this.#store, this.#search, this.#selected];
    if (store === undefined || search === undefined) return;
    this.#setLive(false);
    if (selected === undefined || !isKept(store, selected)) {
      this.#selectNear(0, this.#view.start + this.#view.span / 2);
      return;
    }
    const next = neighbor(store, selected, direction, (place) => search.wants(place));
    if (next !== undefined) this.#select(next);
  }

  #changeLane(direction: 1 | -1): void {
    const [store, selected] = [this.#store, this.#selected];
    if (store === undefined) return;
    this.#setLive(false);
    const index = this.#layout.lanes.findIndex(({ lane }) => lane === selected?.lane) + direction;
    const time =
      selected === undefined || !isKept(store, selected)
        ? this.#view.start + this.#view.span / 2
        : timeOf(store, selected);
    this.#selectNear(Math.min(Math.max(index, 0), this.#layout.lanes.length - 1), time);
  }

  #selectNear(index: number, time: number): void {
    const [store, search] = [this.#store, this.#search];
    const lane = this.#layout.lanes[index]?.lane;
    if (store === undefined || search === undefined || lane === undefined) return;
    const found = nearest(store, lane, time, Number.POSITIVE_INFINITY, (number) =>
      search.wants({ lane, number }),
    );
    if (found !== undefined) this.#select(found);
  }

  #select(place: EventPlace): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#setLive(false);
    const told = this.#details.show(place);
    if (told === undefined) {
      this.#unselect();
      return;
    }
    this.#selected = place;
    this.#setView(reveal(this.#view, timeOf(store, place)));
    this.#showLane(place.lane);
    this.#say(`${told.sentence} ${told.source}`);
  }

  /** Scrolls to a lane, if it is not to be seen. */
  #showLane(lane: number): void {
    const place = this.#layout.lanes.find((each) => each.lane === lane);
    if (place === undefined) return;
    const { scrollTop, clientHeight } = this.#scroll;
    if (place.top < scrollTop) this.#scroll.scrollTop = place.top - HEIGHT.scale;
    else if (place.bottom > scrollTop + clientHeight) this.#scroll.scrollTop = place.bottom - clientHeight;
  }

  #unselect(): void {
    this.#selected = undefined;
    this.#details.hide();
    this.#isDirty = true;
  }

  #say(text: string): void {
    if (this.#options.announce === undefined) this.#said.textContent = text;
    else this.#options.announce(text);
  }

  /** Sizes and colors that change. @returns a function that ends that */
  #watchLook(): () => void {
    const dirty = () => {
      this.#isDirty = true;
    };
    const recolor = () => {
      this.#palette = readPalette(this.root);
      this.#isDirty = true;
    };
    const resize = new ResizeObserver(dirty);
    resize.observe(this.#scroll);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', recolor);
    document.addEventListener('themechange', recolor);
    return () => {
      resize.disconnect();
      dark.removeEventListener('change', recolor);
      document.removeEventListener('themechange', recolor);
    };
  }
}
