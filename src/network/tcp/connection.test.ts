import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../test/network/manual-clock.ts';
import { ScriptedStream } from '../../../test/network/scripted-stream.ts';
import { Budget } from './budget.ts';
import { TcpConnection, type TcpSurroundings } from './connection.ts';
import { FLAG, type OutSegment, type Segment } from './segment.ts';

const SEGMENT_BYTES = 1460;

function asReceived({ parts, options, ...head }: OutSegment): Segment {
  const data = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return {
    ...head,
    sourcePort: 1,
    destinationPort: 2,
    data,
    options: options ?? { segmentBytes: 536, scale: undefined },
  };
}

interface End {
  readonly connection: TcpConnection;
  readonly stream: ScriptedStream;
  gone: boolean;
}

function createEnd(clock: ManualClock, initial: number, syn?: Segment): End {
  const stream = new ScriptedStream();
  const around: TcpSurroundings = {
    clock,
    budget: new Budget(1 << 20),
    segmentBytes: SEGMENT_BYTES,
    ready: () => undefined,
    unreachable: () => undefined,
    ended: () => {
      end.gone = true;
    },
  };
  const connection = new TcpConnection(around, initial, syn);
  connection.stream = stream;
  stream.listener = connection;
  const end: End = { connection, stream, gone: false };
  return end;
}

/** The fate of a segment on a link. */
type Fate = 'pass' | 'lose' | 'double' | 'late';

/** Two ends, and two links between them that lose, double and delay. */
class Pair {
  readonly clock = new ManualClock();
  readonly active: End;
  passive: End | undefined;
  readonly #fates: Iterator<Fate>;
  readonly #toPassive: Segment[] = [];
  readonly #toActive: Segment[] = [];
  readonly #longest: number;
  readonly #initials: readonly [number, number];
  segments = 0;

  constructor(fates: Iterable<Fate>, longest = 0, initials: readonly [number, number] = [0xffff_f000, 1000]) {
    this.#fates = fates[Symbol.iterator]();
    this.#longest = longest;
    this.#initials = initials;
    this.active = createEnd(this.clock, initials[0]);
  }

  /** Lets segments go both ways until none is left. */
  exchange(): void {
    for (let moved = true; moved; ) {
      moved = this.#send(this.active, this.#toPassive);
      if (this.passive !== undefined) moved = this.#send(this.passive, this.#toActive) || moved;
      for (const segment of this.#toPassive.splice(0)) this.#atPassive(segment);
      for (const segment of this.#toActive.splice(0)) this.active.connection.receive(segment);
    }
  }

  #atPassive(segment: Segment): void {
    if (this.passive === undefined) {
      if ((segment.flags & FLAG.SYN) === 0) return;
      this.passive = createEnd(this.clock, this.#initials[1], segment);
      this.passive.connection.connected();
      return;
    }
    this.passive.connection.receive(segment);
  }

  #send({ connection }: End, link: Segment[]): boolean {
    const segment = connection.take(this.#longest);
    if (segment === undefined) return false;
    this.segments++;
    const { value: fate = 'pass' } = this.#fates.next() as IteratorResult<Fate, undefined>;
    const received = asReceived(segment);
    if (fate === 'lose') return true;
    if (fate === 'late') link.unshift(received);
    else link.push(received);
    if (fate === 'double') link.push(received);
    return true;
  }
}

function numbers(count: number, start: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => (index * 7 + start) % 251);
}

function same(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  return Buffer.from(Uint8Array.from(one)).equals(Uint8Array.from(other));
}

/** Two connected ends without trouble. */
function connected(longest = 0) {
  const pair = new Pair([], longest);
  pair.exchange();
  const { active, passive } = pair;
  if (passive === undefined) throw new Error('nobody has answered');
  return { pair, active, passive };
}

describe('a connection', () => {
  test('carries bytes both ways, one half ends before the other, and both are gone at last', () => {
    const { pair, active, passive } = connected();
    active.connection.data(numbers(10, 1));
    pair.exchange();
    expect(passive.stream.written).toEqual([...numbers(10, 1)]);
    active.connection.ended();
    pair.exchange();
    expect(passive.stream.ends).toBe(1);
    passive.connection.data(numbers(5000, 2));
    pair.exchange();
    expect(active.stream.written).toEqual([...numbers(5000, 2)]);
    passive.connection.ended();
    pair.exchange();
    for (const end of [active, passive]) end.connection.closed();
    pair.clock.pass(5_000);
    expect([active.gone, passive.gone, active.stream.ends]).toEqual([true, true, 1]);
    expect([active.stream.resets, passive.stream.resets, pair.clock.waiting]).toEqual([0, 0, 0]);
  });

  test('sends segments that stand for many where they are taken', () => {
    const { pair, active, passive } = connected(0xffff);
    for (const chunk of [numbers(20_000, 0), numbers(9_000, 100)]) active.connection.data(chunk);
    const before = pair.segments;
    pair.exchange();
    expect(passive.stream.written).toHaveLength(29_000);
    expect(pair.segments - before).toBeLessThan(8);
  });

  test('has the guest wait while the host is slow, and go on afterwards', () => {
    const { pair, active, passive } = connected();
    passive.stream.slow = true;
    const all = numbers(300_000, 3);
    active.connection.data(all);
    pair.exchange();
    expect(active.stream.paused).toBe(true);
    const first = passive.stream.written.length;
    expect(first).toBeGreaterThan(10_000);
    expect(first).toBeLessThan(70_000);
    expect(passive.stream.pending).toBe(first);
    for (let rounds = 0; rounds < 100 && passive.stream.written.length < all.length; rounds++) {
      passive.stream.drain();
      pair.exchange();
    }
    expect(same(passive.stream.written, all)).toBe(true);
    expect(active.stream.paused).toBe(false);
  });

  test('finds out that a window has opened though nobody says so', () => {
    const { pair, active, passive } = connected();
    passive.stream.slow = true;
    active.connection.data(numbers(100_000, 3));
    pair.exchange();
    passive.stream.slow = false;
    passive.stream.pending = 0;
    for (let rounds = 0; rounds < 50 && passive.stream.written.length < 100_000; rounds++) {
      pair.clock.next();
      pair.exchange();
    }
    expect(same(passive.stream.written, numbers(100_000, 3))).toBe(true);
  });

  test('is reset where the host has lost its side, and resets the host where the guest does', () => {
    const { pair, active, passive } = connected();
    active.connection.failed('reset');
    pair.exchange();
    expect([active.gone, passive.gone, passive.stream.resets]).toEqual([true, true, 1]);
  });

  test('gives up a guest that never answers', () => {
    const pair = new Pair(Array.from({ length: 100 }, () => 'lose' as const));
    pair.exchange();
    for (let rounds = 0; rounds < 50 && pair.clock.next(); rounds++) pair.exchange();
    expect([pair.active.gone, pair.active.stream.resets]).toEqual([true, 1]);
    expect(pair.segments).toBeLessThan(12);
  });

  test('refuses what is outside of its window', () => {
    const { pair, active, passive } = connected();
    const far = { sequence: 77, acknowledged: 0, window: 0, sourcePort: 1, destinationPort: 2 };
    const options = { segmentBytes: 536, scale: undefined };
    for (const flags of [FLAG.RST, FLAG.RST | FLAG.ACK, FLAG.ACK, FLAG.SYN, FLAG.ACK | FLAG.FIN])
      active.connection.receive({ ...far, flags, options, data: numbers(3, 3) });
    pair.exchange();
    expect([active.gone, passive.gone]).toEqual([false, false]);
    active.connection.data(numbers(10, 1));
    pair.exchange();
    expect(passive.stream.written).toEqual([...numbers(10, 1)]);
  });
});

const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>('pass') },
  { weight: 2, arbitrary: fc.constant<Fate>('lose') },
  { weight: 1, arbitrary: fc.constant<Fate>('double') },
  { weight: 2, arbitrary: fc.constant<Fate>('late') },
);

type Step = { readonly side: 0 | 1; readonly bytes: number } | 'time' | 'slow' | 'drain';
const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.record({ side: fc.constantFrom(0, 1), bytes: fc.integer({ min: 1, max: 20_000 }) }),
  fc.constant('time'),
  fc.constant('slow'),
  fc.constant('drain'),
);

describe('with loss, doubles and reordering', () => {
  test('every byte arrives once and in its order, and both ends come to an end', () => {
    fc.assert(
      fc.property(
        fc.array(fate, { maxLength: 300 }),
        fc.array(step, { maxLength: 30 }),
        fc.constantFrom(0, 4000, 0xffff),
        fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
        (fates, steps, longest, initials) => {
          const pair = new Pair(fates, longest, initials);
          const sent: [number[], number[]] = [[], []];
          const ends = () => [pair.active, pair.passive] as const;
          for (let rounds = 0; pair.passive === undefined && rounds < 20; rounds++) {
            pair.exchange();
            if (pair.passive === undefined) pair.clock.next();
          }
          // So many losses at the beginning that it was given up.
          if (pair.passive === undefined || pair.active.gone) return;
          for (const each of steps) {
            if (each === 'time') pair.clock.next();
            else if (each === 'slow') for (const end of ends()) end?.stream.beSlow();
            else if (each === 'drain') for (const end of ends()) end?.stream.drain();
            else {
              const bytes = numbers(each.bytes, sent[each.side].length);
              for (const byte of bytes) sent[each.side].push(byte);
              ends()[each.side]?.connection.data(bytes);
            }
            pair.exchange();
          }
          for (const end of ends()) end?.connection.ended();
          const isDone = () =>
            ends().every((end) => end?.connection.isSettled === true || end?.gone === true);
          for (let rounds = 0; rounds < 2000 && !isDone(); rounds++) {
            for (const end of ends()) end?.stream.drain();
            pair.exchange();
            if (!isDone()) pair.clock.next();
          }
          const aborted = ends().some((end) => (end?.stream.resets ?? 0) > 0);
          if (aborted) return;
          expect(isDone()).toBe(true);
          expect(same(pair.passive.stream.written, sent[0])).toBe(true);
          expect(same(pair.active.stream.written, sent[1])).toBe(true);
          expect([pair.active.stream.ends, pair.passive.stream.ends]).toEqual([1, 1]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
