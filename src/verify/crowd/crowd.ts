import { Kind } from '../operations.ts';
import type { ThreadPrograms } from '../thread-programs.ts';
import type { Seen } from './seen.ts';

/**
 * The counter of a place for more threads than it tells: two or more at a place that is counted, one or more at one
 * that is only free or taken.
 */
export const MANY = 2;
/** In the place of a place: the call has ended. */
export const END = -1;

const BITS = 2;
const COUNTERS_IN_COMPONENT = 16;
/** Places of one thread, before those that do the same are one. */
const MOST_NODES = 20_000;

/** The crowd does something for which counting its threads is no picture of it. */
export class CrowdLimit extends Error {
  override readonly name = 'CrowdLimit';
}

/** One way on from a place. */
interface Way {
  readonly result: number;
  /** Index of a node. */
  readonly target: number;
  readonly events: number;
}

/**
 * Any number of threads that all do the same. A state has no room for each of them, but for how many are at each place
 * of their common program: none, one, or many. Places are nodes of the program; nodes from which a thread does the same
 * whatever it finds are one place. Counting is for places where one thread keeps others out. Where two can be at the
 * same time, it rarely matters how many there are: such a place is free or taken.
 *
 * The places that come first are homes: a thread that is there begins a call, or goes on as one that begins, as it does
 * after it has found a lock taken. Those are not counted: there are always enough of them.
 */
export class Crowd {
  readonly homes: number;
  readonly places: number;
  /** Components of a state for the counters. */
  readonly components: number;
  /** Every thread that has left its home comes to the end of its call, whatever it finds. */
  readonly alwaysEnds: boolean;
  readonly #programs: ThreadPrograms;
  readonly #seen: Seen;
  readonly #nodes: number[] = [];
  readonly #indices = new Map<number, number>();
  readonly #ways: Way[][] = [];
  /** By place. */
  readonly #node: readonly number[];
  readonly #counted: readonly boolean[];
  readonly #results: readonly Int32Array[];
  readonly #targets: readonly Int32Array[];
  readonly #events: readonly Int32Array[];

  /**
   * @param threads of `programs`, each of which stands for any number of its like.
   * @param seen the results that accesses can have; it says later which were missing.
   * @throws CrowdLimit
   */
  constructor(programs: ThreadPrograms, threads: readonly number[], seen: Seen) {
    this.#programs = programs;
    this.#seen = seen;
    const starts = threads.map((thread) => this.#indexOf(programs.starts[thread]));
    for (let index = 0; index < this.#nodes.length; index++) this.#ways.push(this.#waysFrom(index));
    const blocks = this.#blocks(starts);
    const homes = [...new Set(starts.map((start) => blocks[start]))];
    const order = [...homes, ...[...new Set(blocks)].filter((block) => !homes.includes(block))];
    const members = order.map((block) => blocks.indexOf(block));
    const placeOf = (index: number) => (starts.includes(index) ? END : order.indexOf(blocks[index]));
    this.homes = homes.length;
    this.places = order.length;
    this.components = Math.ceil((this.places - this.homes) / COUNTERS_IN_COMPONENT);
    const ways = members.map((index) => this.#ways[index]);
    this.#node = members.map((index) => this.#nodes[index]);
    this.#counted = order.map((block) =>
      this.#nodes.every((node, index) => blocks[index] !== block || !seen.isShared(node)),
    );
    this.#results = ways.map((each) => Int32Array.from(each, ({ result }) => result));
    this.#targets = ways.map((each) => Int32Array.from(each, ({ target }) => placeOf(target)));
    this.#events = ways.map((each) => Int32Array.from(each, ({ events }) => events));
    this.alwaysEnds = this.#findEnds();
  }

  /** A node of the program at this place. */
  nodeAt(place: number): number {
    return this.#node[place];
  }

  /** The way on with a result, -1 when nobody has thought of that result. */
  wayWith(place: number, result: number): number {
    return this.#results[place].indexOf(result);
  }

  /** The place that a way leads to, or {@link END}. */
  targetOf(place: number, way: number): number {
    return this.#targets[place][way];
  }

  /** Number of the list of events that happen on a way. */
  eventsOf(place: number, way: number): number {
    return this.#events[place][way];
  }

  /** Whether one thread at this place is told from several. */
  isCounted(place: number): boolean {
    return this.#counted[place];
  }

  /** The component, from 0, of a place's counter. */
  componentOf(place: number): number {
    return ((place - this.homes) / COUNTERS_IN_COMPONENT) | 0;
  }

  /** The counter of a place: 0, 1 or {@link MANY}. */
  countIn(component: number, place: number): number {
    return (component >>> this.#shiftOf(place)) & ((1 << BITS) - 1);
  }

  /** The component with another counter for a place. */
  withCount(component: number, place: number, count: number): number {
    const shift = this.#shiftOf(place);
    return (component & ~(((1 << BITS) - 1) << shift)) | (count << shift);
  }

  #findEnds(): boolean {
    const ending = new Set<number>([END]);
    for (let before = 0; before < ending.size; ) {
      before = ending.size;
      for (let place = this.homes; place < this.places; place++) {
        const targets = this.#targets[place];
        if (targets.length > 0 && targets.every((target) => ending.has(target))) ending.add(place);
      }
    }
    return ending.size === this.places - this.homes + 1;
  }

  #shiftOf(place: number): number {
    return ((place - this.homes) % COUNTERS_IN_COMPONENT) * BITS;
  }

  #indexOf(node: number): number {
    const known = this.#indices.get(node);
    if (known !== undefined) return known;
    if (this.#nodes.length === MOST_NODES) {
      throw new CrowdLimit(`a sender can be at more than ${MOST_NODES} places`);
    }
    this.#indices.set(node, this.#nodes.length);
    return this.#nodes.push(node) - 1;
  }

  #waysFrom(index: number): Way[] {
    const node = this.#nodes[index];
    return this.#resultsAt(node).map((result) => {
      const edge = this.#programs.edge(node, result);
      const target = this.#indexOf(this.#pastUnread(this.#programs.edgeTarget.at(edge)));
      return { result, target, events: this.#programs.edgeEvents.at(edge) };
    });
  }

  /** Accesses to words that nobody reads commute with everything, so a thread makes them with the one before. */
  #pastUnread(first: number): number {
    const { kind, slot } = this.#programs;
    for (let node = first; ; ) {
      if ((kind.at(node) !== Kind.ADD && kind.at(node) !== Kind.SUB) || !this.#word(slot.at(node)).unread) {
        return node;
      }
      const edge = this.#programs.edge(node, 0);
      if (this.#programs.edgeEvents.at(edge) !== 0) return node;
      node = this.#programs.edgeTarget.at(edge);
    }
  }

  #resultsAt(node: number): readonly number[] {
    const { kind, slot, a } = this.#programs;
    const of = kind.at(node) as Kind;
    if (of === Kind.FAIL) return [];
    if (of === Kind.END) throw new CrowdLimit('a sender ends');
    if (of === Kind.CHOOSE) throw new CrowdLimit('a sender chooses');
    const { name, unread = false, isCount = false } = this.#word(slot.at(node));
    if (of === Kind.AWAIT_EQUAL || of === Kind.AWAIT_DIFFERENT || of === Kind.WAIT || of === Kind.ASLEEP) {
      throw new CrowdLimit(`a sender sleeps until ${name} changes`);
    }
    if (isCount && of === Kind.LOAD) throw new CrowdLimit(`a sender remembers ${name}`);
    if (of === Kind.STORE) return [a.at(node)];
    return of !== Kind.NOTIFY && (unread || isCount) ? [0] : this.#seen.resultsOf(of, name);
  }

  #word(slot: number) {
    return this.#programs.memory.words[this.#programs.slots[slot]];
  }

  /** By node: the number of its block. Nodes of a block make the same access and go on in the same way. */
  #blocks(starts: readonly number[]): number[] {
    const { kind, slot, a, b } = this.#programs;
    let blocks = numbered(
      this.#nodes.map((node, index) => {
        const failure = kind.at(node) === Kind.FAIL ? index : '';
        return [kind.at(node), slot.at(node), a.at(node), b.at(node), failure].join();
      }),
    );
    for (;;) {
      const finer = numbered(
        this.#ways.map((ways, index) => {
          const texts = ways.map(({ result, target, events }) =>
            [result, events, starts.includes(target) ? END : blocks[target]].join(),
          );
          return `${blocks[index]} ${texts.join(' ')}`;
        }),
      );
      if (Math.max(...finer) === Math.max(...blocks)) return blocks;
      blocks = finer;
    }
  }
}

/** Numbers from 0, the same for equal texts. */
function numbered(texts: readonly string[]): number[] {
  const numbers = new Map<string, number>();
  return texts.map((text) => {
    const known = numbers.get(text) ?? numbers.size;
    numbers.set(text, known);
    return known;
  });
}
