/**
 * The trace format of Perfetto, as far as we write it. The numbers of the fields are those of its public schema
 * (`protos/perfetto/trace/` in github.com/google/perfetto).
 */
import { MessageWriter } from './protobuf.ts';

const TRACE = { packet: 1 } as const;
const PACKET = {
  timestamp: 8,
  sequence: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const;
/** The first packet of a sequence begins without anything interned; the others build on it. */
const SEQUENCE_FLAG = { cleared: 1, needsState: 2 } as const;
const EVENT = {
  annotations: 4,
  type: 9,
  name: 10,
  track: 11,
  text: 23,
  counter: 30,
  flows: 47,
  endingFlows: 48,
} as const;
const TYPE = { begin: 1, end: 2, instant: 3, counter: 4 } as const;
const TRACK = { uuid: 1, name: 2, parent: 5, counter: 8, childOrder: 11, rank: 12 } as const;
const CHILDREN_BY_RANK = 3;
const INTERNED = { names: 2, annotationNames: 3, strings: 29 } as const;
const ENTRY = { id: 1, text: 2 } as const;
const ANNOTATION = { name: 1, number: 3, pointer: 7, text: 6, interned: 17 } as const;
/**
 * Names that are kept at once. A hostile guest can make names by the addresses that it runs at, but not without end.
 */
const MOST_NAMES = 1 << 16;

/** A property of an event, which the UI lists beside it. */
export type Argument =
  | { readonly name: string; readonly number: number }
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly low: number; readonly high: number };

/** Parts of an event beside its time and name. */
export interface EventParts {
  readonly args?: readonly Argument[];
  /** Numbers of the arrows that go through the event. */
  readonly flows?: readonly number[];
  /** Those of the arrows that end at it. */
  readonly ends?: readonly number[];
}

/** Name and place of a track. Numbers of tracks are small, for each event has one. */
export interface Track {
  readonly id: number;
  readonly name: string;
  /** The track that it lies below; none if it is left out. */
  readonly parent?: number;
  /** Its place among those with the same parent. */
  readonly rank?: number;
  readonly counter?: boolean;
}

/** A name of events, for those that come often: its number is looked up once. A name belongs to one writer. */
export class Name {
  readonly text: string;
  /** Its number in the file, 0 as long as it has none. */
  id = 0;

  constructor(text: string) {
    this.text = text;
  }
}

/** Names that the file has a number for. */
class Interned {
  readonly #ids = new Map<string, number>();
  readonly #field: number;

  constructor(field: number) {
    this.#field = field;
  }

  /** @returns the number, 0 if there is none and there can be no more */
  id(text: string, isNew: (field: number, id: number, text: string) => void): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    if (this.#ids.size >= MOST_NAMES) return 0;
    const id = this.#ids.size + 1;
    this.#ids.set(text, id);
    isNew(this.#field, id, text);
    return id;
  }
}

/** Writes a trace: tracks first, then events in any order of their times. */
export class PerfettoWriter {
  readonly #out: MessageWriter;
  readonly #names = new Interned(INTERNED.names);
  readonly #annotationNames = new Interned(INTERNED.annotationNames);
  /** The same for names of properties, of which there is a handful, without a hash. */
  readonly #argumentIds: { readonly name: string; readonly id: number }[] = [];
  readonly #strings = new Interned(INTERNED.strings);
  #events = 0;

  constructor(out = new MessageWriter()) {
    this.#out = out;
    const begun = this.#begin();
    out.number(PACKET.sequenceFlags, SEQUENCE_FLAG.cleared);
    out.close(begun);
  }

  /** Events written so far. */
  get events(): number {
    return this.#events;
  }

  /** Bytes that {@link take} has. */
  get length(): number {
    return this.#out.length;
  }

  /** Whole packets, valid until the next write. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#out.take();
  }

  track({ id, name, parent, rank, counter }: Track): void {
    const out = this.#out;
    const begun = this.#begin();
    const track = out.open(PACKET.trackDescriptor);
    out.number(TRACK.uuid, id);
    out.text(TRACK.name, name);
    if (parent !== undefined) out.number(TRACK.parent, parent);
    if (counter === true) out.close(out.open(TRACK.counter));
    else out.number(TRACK.childOrder, CHILDREN_BY_RANK);
    if (rank !== undefined) out.number(TRACK.rank, rank);
    out.close(track);
    out.close(begun);
  }

  /** A slice of a track begins. @param time whole nanoseconds */
  begin(track: number, time: number, name: string | Name, parts?: EventParts): void {
    this.#event(TYPE.begin, track, time, name, parts);
  }

  /** The slice of a track that began last ends. */
  end(track: number, time: number): void {
    this.#event(TYPE.end, track, time, undefined, undefined);
  }

  instant(track: number, time: number, name: string | Name, parts?: EventParts): void {
    this.#event(TYPE.instant, track, time, name, parts);
  }

  /** @param value a whole number that is not negative */
  counter(track: number, time: number, value: number): void {
    const out = this.#out;
    const begun = this.#begin();
    out.number(PACKET.timestamp, time);
    const event = out.open(PACKET.trackEvent);
    out.number(EVENT.type, TYPE.counter);
    out.number(EVENT.track, track);
    out.number(EVENT.counter, value);
    out.close(event);
    out.close(begun);
    this.#events++;
  }

  #event(
    type: number,
    track: number,
    time: number,
    name: string | Name | undefined,
    parts: EventParts | undefined,
  ): void {
    const out = this.#out;
    // Before the packet, for they are packets themselves.
    const nameId = name === undefined ? 0 : this.#nameId(name);
    if (parts?.args !== undefined) for (const each of parts.args) this.#internArgument(each);
    const begun = this.#begin();
    out.number(PACKET.timestamp, time);
    out.number(PACKET.sequenceFlags, SEQUENCE_FLAG.needsState);
    const event = out.open(PACKET.trackEvent);
    out.number(EVENT.type, type);
    out.number(EVENT.track, track);
    if (nameId !== 0) out.number(EVENT.name, nameId);
    else if (name !== undefined) out.text(EVENT.text, typeof name === 'string' ? name : name.text);
    if (parts !== undefined) this.#parts(parts);
    out.close(event);
    out.close(begun);
    this.#events++;
  }

  #nameId(name: string | Name): number {
    if (typeof name === 'string') return this.#intern(this.#names, name);
    if (name.id === 0) name.id = this.#intern(this.#names, name.text);
    return name.id;
  }

  #parts({ args, flows, ends }: EventParts): void {
    const out = this.#out;
    if (args !== undefined) for (const each of args) this.#argument(each);
    if (flows !== undefined) for (const flow of flows) out.fixed64(EVENT.flows, flow);
    if (ends !== undefined) for (const flow of ends) out.fixed64(EVENT.endingFlows, flow);
  }

  #argument(argument: Argument): void {
    const out = this.#out;
    const begun = out.open(EVENT.annotations);
    out.number(ANNOTATION.name, this.#argumentId(argument.name));
    if ('number' in argument) {
      out.number(ANNOTATION.number, argument.number);
    } else if ('low' in argument) {
      out.halves(ANNOTATION.pointer, argument.low, argument.high);
    } else {
      const id = this.#intern(this.#strings, argument.text);
      if (id === 0) out.text(ANNOTATION.text, argument.text);
      else out.number(ANNOTATION.interned, id);
    }
    out.close(begun);
  }

  #internArgument(argument: Argument): void {
    this.#argumentId(argument.name);
    if ('text' in argument) this.#intern(this.#strings, argument.text);
  }

  #argumentId(name: string): number {
    for (const each of this.#argumentIds) if (each.name === name) return each.id;
    const id = this.#intern(this.#annotationNames, name);
    this.#argumentIds.push({ name, id });
    return id;
  }

  #intern(table: Interned, text: string): number {
    return table.id(text, this.#writeInterned);
  }

  readonly #writeInterned = (field: number, id: number, text: string): void => {
    const out = this.#out;
    const begun = this.#begin();
    out.number(PACKET.sequenceFlags, SEQUENCE_FLAG.needsState);
    const data = out.open(PACKET.internedData);
    const entry = out.open(field);
    out.number(ENTRY.id, id);
    out.text(ENTRY.text, text);
    out.close(entry);
    out.close(data);
    out.close(begun);
  };

  #begin(): number {
    const begun = this.#out.open(TRACE.packet);
    this.#out.number(PACKET.sequence, 1);
    return begun;
  }
}
