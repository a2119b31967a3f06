import { EVENT_TYPE, EventReader, type ReadEvent } from './events.ts';
import { PacketSplitter } from './packets.ts';
import { Spread } from './spread.ts';
import { TimeOrder } from './time-order.ts';

/** Events that wait for those before them: threads hand in their records some hundred milliseconds late. */
const WINDOW = 1 << 18;
/** Arrows and slices that are under way at most. */
const MOST_OPEN = 1 << 16;

/** How often something was there, and how long in all. */
export interface Duration {
  readonly name: string;
  readonly times: number;
  /** Nanoseconds, without those of other states within. */
  readonly nanoseconds: number;
}

/** A track: its states, the longest first, and how often it has marks. */
export interface TrackSummary {
  readonly name: string;
  readonly states: readonly Duration[];
  readonly marks: readonly { readonly name: string; readonly times: number }[];
}

/** How long interrupts of a kind were on their way, in nanoseconds. */
export interface WaySummary {
  /** Its first event and its last one, with numbers left out. */
  readonly from: string;
  readonly to: string;
  readonly times: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

/** A trace as numbers. */
export interface TraceSummary {
  readonly events: number;
  /** From the first event to the last one. */
  readonly nanoseconds: number;
  readonly tracks: readonly TrackSummary[];
  readonly ways: readonly WaySummary[];
}

interface OpenSlice {
  readonly name: string;
  readonly begin: number;
  /** Nanoseconds of others within. */
  within: number;
}

interface TrackState {
  readonly open: OpenSlice[];
  readonly states: Map<string, { times: number; nanoseconds: number }>;
  readonly marks: Map<string, number>;
}

/** Adds up a trace that comes in pieces, in bounded memory. */
export class TraceSummarizer {
  readonly #splitter = new PacketSplitter();
  readonly #reader = new EventReader();
  readonly #order = new TimeOrder<ReadEvent>(WINDOW, (event) => this.#add(event));
  readonly #tracks = new Map<number, TrackState>();
  readonly #arrows = new Map<number, ReadEvent>();
  readonly #ways = new Map<string, { readonly from: string; readonly to: string; readonly spread: Spread }>();
  #events = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = 0;

  /** Takes the next bytes of the file. @throws InputError for bytes that are no trace */
  take(piece: Uint8Array): void {
    for (const packet of this.#splitter.take(piece)) {
      const event = this.#reader.read(packet);
      if (event !== undefined) this.#order.add(event);
    }
  }

  /** The summary of all of it. @throws InputError if the file ends within a packet */
  end(): TraceSummary {
    this.#splitter.end();
    this.#order.end();
    const tracks = [...this.#tracks].map(([id, track]) => summaryOf(this.#reader.trackName(id), track));
    const ways = [...this.#ways.values()].map(({ from, to, spread }) => ({
      ...{ from, to, times: spread.count, longest: spread.longest },
      median: spread.quantile(0.5),
      p99: spread.quantile(0.99),
    }));
    return {
      events: this.#events,
      nanoseconds: Math.max(0, this.#last - this.#first),
      tracks: tracks.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
      ways: ways.sort((a, b) => b.times - a.times),
    };
  }

  #add(event: ReadEvent): void {
    this.#events++;
    this.#first = Math.min(this.#first, event.time);
    this.#last = Math.max(this.#last, event.time);
    const track = this.#trackOf(event.track);
    if (event.type === EVENT_TYPE.begin) {
      if (track.open.length < MOST_OPEN) track.open.push({ name: event.name, begin: event.time, within: 0 });
    } else if (event.type === EVENT_TYPE.end) endSlice(track, event.time);
    else if (event.type === EVENT_TYPE.instant)
      track.marks.set(event.name, (track.marks.get(event.name) ?? 0) + 1);
    this.#follow(event);
  }

  #trackOf(id: number): TrackState {
    const known = this.#tracks.get(id);
    if (known !== undefined) return known;
    const track = { open: [], states: new Map(), marks: new Map() };
    this.#tracks.set(id, track);
    return track;
  }

  #follow(event: ReadEvent): void {
    for (const flow of event.flows) {
      if (this.#arrows.has(flow)) continue;
      this.#arrows.set(flow, event);
      // One that never ends makes room for others.
      const [oldest] = this.#arrows.keys();
      if (this.#arrows.size > MOST_OPEN && oldest !== undefined) this.#arrows.delete(oldest);
    }
    for (const flow of event.ends) {
      const begun = this.#arrows.get(flow);
      if (begun === undefined) continue;
      this.#arrows.delete(flow);
      const [from, to] = [withoutNumbers(begun.name), withoutNumbers(event.name)];
      const key = `${from}\n${to}`;
      const way = this.#ways.get(key) ?? { from, to, spread: new Spread() };
      this.#ways.set(key, way);
      way.spread.add(event.time - begun.time);
    }
  }
}

function endSlice({ open, states }: TrackState, time: number): void {
  const slice = open.pop();
  if (slice === undefined) return;
  const length = Math.max(0, time - slice.begin);
  const outer = open.at(-1);
  if (outer !== undefined) outer.within += length;
  const state = states.get(slice.name) ?? { times: 0, nanoseconds: 0 };
  states.set(slice.name, state);
  state.times++;
  state.nanoseconds += Math.max(0, length - slice.within);
}

function summaryOf(name: string, { states, marks }: TrackState): TrackSummary {
  return {
    name,
    states: [...states]
      .map(([state, { times, nanoseconds }]) => ({ name: state, times, nanoseconds }))
      .sort((a, b) => b.nanoseconds - a.nanoseconds),
    marks: [...marks].map(([mark, times]) => ({ name: mark, times })).sort((a, b) => b.times - a.times),
  };
}

/** `vCPU 3` is `vCPU N`: the way to one is that to another. */
function withoutNumbers(name: string): string {
  return name.replaceAll(/\b\d+\b/g, 'N');
}
