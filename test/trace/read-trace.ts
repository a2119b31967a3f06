/**
 * A reader of Perfetto traces that shares nothing with the writer: protocol buffers by their wire format, fields by the
 * numbers of Perfetto's public schema, slices and arrows by the rules of its trace processor.
 */

type Field = { readonly number: number; readonly value: number | bigint | Uint8Array };

/** An event of a track, with its time in nanoseconds. */
export interface TraceEvent {
  readonly time: number;
  readonly type: 'begin' | 'end' | 'instant';
  readonly track: string;
  readonly name: string;
  readonly args: Readonly<Record<string, string | number | bigint>>;
  readonly flows: readonly bigint[];
  readonly ends: readonly bigint[];
}

export interface Slice {
  readonly track: string;
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  readonly depth: number;
  readonly args: TraceEvent['args'];
}

export interface ReadTrace {
  /** In the order of their times. */
  readonly events: readonly TraceEvent[];
  /** Names of tracks, with those that they lie below. */
  readonly tracks: readonly string[];
  readonly slices: readonly Slice[];
  /** The events that each arrow goes through. */
  readonly arrows: ReadonlyMap<bigint, readonly TraceEvent[]>;
}

const TYPES = { 1: 'begin', 2: 'end', 3: 'instant' } as const;

export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      if (shift > 63n) throw new Error('a number of more than 64 bits');
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    switch (key & 7) {
      case 0: {
        const value = varint();
        yield { number, value: value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value };
        break;
      }
      case 1:
        yield { number, value: view.getBigUint64(at, true) };
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new Error('a field that is longer than its message');
        yield { number, value: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      default:
        throw new Error(`a field of wire type ${key & 7}`);
    }
  }
}

/** The fields of a message by number, each a list. */
function message(bytes: Uint8Array): Map<number, Field['value'][]> {
  const fields = new Map<number, Field['value'][]>();
  for (const { number, value } of fieldsOf(bytes)) fields.set(number, [...(fields.get(number) ?? []), value]);
  return fields;
}

const bytesIn = (fields: ReturnType<typeof message>, number: number) =>
  (fields.get(number) ?? []).filter((value) => value instanceof Uint8Array);
const numberIn = (fields: ReturnType<typeof message>, number: number): number | undefined => {
  const value = fields.get(number)?.at(-1);
  return typeof value === 'number' ? value : undefined;
};
const textIn = (fields: ReturnType<typeof message>, number: number): string | undefined => {
  const [value] = bytesIn(fields, number);
  return value && new TextDecoder().decode(value);
};

/** @throws Error for whatever Perfetto would not show */
export function readTrace(bytes: Uint8Array): ReadTrace {
  const tracks = new Map<number, { readonly name: string; readonly parent: number | undefined }>();
  const strings = new Map<string, string>();
  const events: TraceEvent[] = [];
  let first = true;
  for (const packet of fieldsOf(bytes)) {
    if (packet.number !== 1 || !(packet.value instanceof Uint8Array)) throw new Error('this is no packet');
    const fields = message(packet.value);
    if (numberIn(fields, 10) !== 1) throw new Error('a packet of another sequence');
    if (first !== (numberIn(fields, 13) === 1)) throw new Error('what is interned is cleared at the start');
    first = false;
    for (const track of bytesIn(fields, 60)) {
      const its = message(track);
      const id = numberIn(its, 1) ?? 0;
      if (tracks.has(id)) throw new Error(`track ${id} is declared twice`);
      const parent = numberIn(its, 5);
      if (parent !== undefined && !tracks.has(parent)) throw new Error(`track ${id} lies below none`);
      tracks.set(id, { name: textIn(its, 2) ?? '', parent });
    }
    for (const data of bytesIn(fields, 12)) {
      for (const [kind, entries] of message(data)) {
        for (const entry of entries) {
          if (!(entry instanceof Uint8Array)) throw new Error('an interned entry is a message');
          const its = message(entry);
          strings.set(`${kind} ${numberIn(its, 1)}`, textIn(its, 2) ?? '');
        }
      }
    }
    for (const event of bytesIn(fields, 11)) events.push(readEvent(message(event), fields, tracks, strings));
  }
  const sorted = events.map((event, index) => ({ event, index }));
  sorted.sort((a, b) => a.event.time - b.event.time || a.index - b.index);
  const ordered = sorted.map(({ event }) => event);
  const names = [...tracks.values()].map(({ name }) => name);
  return { events: ordered, tracks: names, slices: slicesOf(ordered), arrows: arrowsOf(ordered) };
}

function readEvent(
  event: ReturnType<typeof message>,
  packet: ReturnType<typeof message>,
  tracks: ReadonlyMap<number, { readonly name: string }>,
  strings: ReadonlyMap<string, string>,
): TraceEvent {
  const track = tracks.get(numberIn(event, 11) ?? 0);
  if (track === undefined) throw new Error('an event of a track that was not declared');
  const type = TYPES[numberIn(event, 9) as keyof typeof TYPES];
  if (type === undefined) throw new Error('an event of no known type');
  const id = numberIn(event, 10);
  const name = id === undefined ? textIn(event, 23) : strings.get(`2 ${id}`);
  if (name === undefined && type !== 'end') throw new Error('an event without a name');
  const time = numberIn(packet, 8);
  if (time === undefined) throw new Error('an event without a time');
  const args = Object.fromEntries(bytesIn(event, 4).map((each) => readArgument(message(each), strings)));
  const flows = (event.get(47) ?? []).map(BigInt as (value: unknown) => bigint);
  const ends = (event.get(48) ?? []).map(BigInt as (value: unknown) => bigint);
  return { time, type, track: track.name, name: name ?? '', args, flows, ends };
}

function readArgument(
  fields: ReturnType<typeof message>,
  strings: ReadonlyMap<string, string>,
): [string, string | number | bigint] {
  const name = strings.get(`3 ${numberIn(fields, 1)}`);
  if (name === undefined) throw new Error('a property without a name');
  const interned = numberIn(fields, 17);
  if (interned !== undefined) return [name, strings.get(`29 ${interned}`) ?? ''];
  const [value] = fields.get(3) ?? fields.get(7) ?? [];
  if (value === undefined) return [name, textIn(fields, 6) ?? ''];
  if (value instanceof Uint8Array) throw new Error('a number that is a text');
  return [name, value];
}

/** An end closes what began last on its track. */
function slicesOf(events: readonly TraceEvent[]): readonly Slice[] {
  const open = new Map<string, TraceEvent[]>();
  const slices: Slice[] = [];
  for (const event of events) {
    const stack = open.get(event.track) ?? [];
    open.set(event.track, stack);
    if (event.type === 'begin') stack.push(event);
    if (event.type !== 'end') continue;
    const begun = stack.pop();
    if (begun === undefined) throw new Error(`a slice of ${event.track} ends that has not begun`);
    const { track, name, args, time: begin } = begun;
    slices.push({ track, name, args, begin, end: event.time, depth: stack.length });
  }
  for (const [track, stack] of open) {
    if (stack.length > 0) throw new Error(`${stack[0]?.name} of ${track} does not end`);
  }
  return slices;
}

function arrowsOf(events: readonly TraceEvent[]): ReadonlyMap<bigint, readonly TraceEvent[]> {
  const arrows = new Map<bigint, TraceEvent[]>();
  const over = new Set<bigint>();
  for (const event of events) {
    for (const flow of [...event.flows, ...event.ends]) {
      if (over.has(flow)) throw new Error(`arrow ${flow} goes on behind its end`);
      arrows.set(flow, [...(arrows.get(flow) ?? []), event]);
    }
    for (const flow of event.ends) over.add(flow);
  }
  return arrows;
}
