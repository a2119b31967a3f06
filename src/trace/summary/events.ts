import { fieldsOf } from './packets.ts';

/** Types of events. */
export const EVENT_TYPE = { begin: 1, end: 2, instant: 3 } as const;

/** An event of a trace. */
export interface ReadEvent {
  /** Nanoseconds. */
  readonly time: number;
  readonly type: number;
  readonly track: number;
  readonly name: string;
  /** Numbers of the arrows that go through it, and of those that end at it. */
  readonly flows: readonly number[];
  readonly ends: readonly number[];
}

/** Fields by the numbers of Perfetto's schema, as `perfetto.ts` writes them. */
const PACKET = { timestamp: 8, event: 11, interned: 12, track: 60 } as const;
const EVENT = { type: 9, name: 10, track: 11, text: 23, flows: 47, ends: 48 } as const;
const TRACK = { id: 1, name: 2 } as const;
const INTERNED_NAMES = 2;
const ENTRY = { id: 1, text: 2 } as const;

/** Tracks and names that are kept at most: no trace of ours has more. */
const MOST = 1 << 17;

const decoder = new TextDecoder();

/** Reads packets: keeps the names of tracks and events, and gives the events. */
export class EventReader {
  readonly #tracks = new Map<number, string>();
  readonly #names = new Map<number, string>();

  /** The name of a track. */
  trackName(id: number): string {
    return this.#tracks.get(id) ?? `track ${id}`;
  }

  /** @returns the event of a packet, if it has one. @throws InputError if it is damaged */
  read(packet: Uint8Array): ReadEvent | undefined {
    let time = 0;
    let event: Uint8Array | undefined;
    for (const [number, value] of fieldsOf(packet)) {
      if (number === PACKET.timestamp && typeof value === 'number') time = value;
      if (!(value instanceof Uint8Array)) continue;
      if (number === PACKET.event) event = value;
      if (number === PACKET.track) remember(this.#tracks, value, TRACK.id, TRACK.name);
      if (number === PACKET.interned) {
        for (const [kind, entry] of fieldsOf(value))
          if (kind === INTERNED_NAMES && entry instanceof Uint8Array)
            remember(this.#names, entry, ENTRY.id, ENTRY.text);
      }
    }
    return event === undefined ? undefined : this.#event(event, time);
  }

  #event(bytes: Uint8Array, time: number): ReadEvent {
    let [type, track, name] = [0, 0, ''];
    const flows: number[] = [];
    const ends: number[] = [];
    for (const [number, value] of fieldsOf(bytes)) {
      if (value instanceof Uint8Array) {
        if (number === EVENT.text) name = decoder.decode(value);
      } else if (number === EVENT.type) type = value;
      else if (number === EVENT.track) track = value;
      else if (number === EVENT.name) name = this.#names.get(value) ?? `name ${value}`;
      else if (number === EVENT.flows) flows.push(value);
      else if (number === EVENT.ends) ends.push(value);
    }
    return { time, type, track, name, flows, ends };
  }
}

function remember(to: Map<number, string>, message: Uint8Array, idField: number, textField: number): void {
  let [id, text] = [0, ''];
  for (const [number, value] of fieldsOf(message)) {
    if (number === idField && typeof value === 'number') id = value;
    if (number === textField && value instanceof Uint8Array) text = decoder.decode(value);
  }
  if (to.size < MOST) to.set(id, text);
}
