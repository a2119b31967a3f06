import { type AtomicsTarget, withAtomics } from './atomics.ts';
import { HarnessFault } from './fault.ts';
import { Kind, resultOf, valueAfter } from './operations.ts';

/** The name of a shared word, and how reports show it. */
export interface WordInfo {
  readonly name: string;
  /** `interrupts`: one bit for each interrupt number, from `firstIrq` on. */
  readonly shows?: 'interrupts' | 'number';
  readonly firstIrq?: number;
  /**
   * A counter that the scenario only adds to. Its value is kept at 0, so that it does not tell states apart; a thread
   * that reads it is a fault.
   */
  readonly unread?: boolean;
  /**
   * A counter of events whose values are compared for equality, and nothing else: threads read it, add to it and sleep
   * on it. The explorer keeps a name for its content in the place of the number: adding gives it one that no thread
   * remembers, so that a counter without end has few values. Not together with `unread`.
   */
  readonly isCount?: boolean;
}

/** The contents as rest is judged by: what a count is at does not matter. */
export function withoutCounts(words: readonly WordInfo[], contents: readonly number[]): number[] {
  return contents.map((value, address) => (words[address].isCount ? 0 : value));
}

/** The accesses of threads to a count. */
const COUNT_KINDS: readonly Kind[] = [Kind.LOAD, Kind.ADD, Kind.WAIT, Kind.ASLEEP, Kind.NOTIFY];

/**
 * The words that the threads of a scenario share. Threads get proxies of `Int32Array`s: `Atomics` reaches the words,
 * a plain access is a fault.
 */
export class SharedMemory {
  readonly words: WordInfo[] = [];
  /** The contents that an exploration starts from. */
  readonly initial: number[] = [];
  readonly #bases = new Map<unknown, { base: number; length: number }>();
  #plainAccess: string | undefined;

  /** Adds words, zero at first, and returns the array by which threads reach them. */
  add(words: readonly WordInfo[]): Int32Array<ArrayBufferLike> {
    const base = this.words.length;
    this.words.push(...words);
    this.initial.push(...words.map(() => 0));
    const array = new Proxy(new Int32Array(words.length), {
      get: (behind, key) => this.#property(behind, key, 'reads', words),
      set: (_behind, key) => this.#plain(key, 'writes', words),
    });
    this.#bases.set(array, { base, length: words.length });
    return array;
  }

  /** The address of a word; addresses count through all arrays of this memory. */
  addressOf(array: unknown, index: number): number {
    const region = this.#bases.get(array);
    if (region === undefined) {
      throw new HarnessFault(
        'unsupported-access',
        'An Atomics access to memory that the scenario does not share: a protocol keeps everything in the words it is given',
      );
    }
    if (!Number.isInteger(index) || index < 0 || index >= region.length) {
      throw new RangeError(`Atomics access to index ${index} of ${region.length} words`);
    }
    return region.base + index;
  }

  /** Tells of a plain access since the last call, also one whose exception the explored code caught. */
  takePlainAccess(): string | undefined {
    const found = this.#plainAccess;
    this.#plainAccess = undefined;
    return found;
  }

  /** Runs `body` alone on the given contents, without suspending it. */
  runAlone<T>(contents: number[], body: () => T): T {
    const target: AtomicsTarget = {
      access: (kind, array, index, a, b) => {
        const address = this.addressOf(array, index);
        const old = contents[address];
        contents[address] = this.words[address].unread ? 0 : valueAfter(kind, old, a, b);
        return resultOf(kind, old, a);
      },
      wait: () => {
        throw new HarnessFault('unsupported-access', 'Atomics.wait where no other thread could end it');
      },
      notify: () => 0,
    };
    return withAtomics(target, body);
  }

  /** Runs `body` alone on words of its own that are all zero: to bring an object into a state without touching ours. */
  offTheRecord<T>(body: () => T): T {
    return this.runAlone(
      this.words.map(() => 0),
      body,
    );
  }

  /** Refuses what would make a counter's abstraction unsound. */
  checkAccess(kind: Kind, address: number): void {
    if (this.words[address].unread && kind !== Kind.ADD && kind !== Kind.SUB && kind !== Kind.NOTIFY) {
      throw new HarnessFault(
        'unsupported-access',
        `A thread uses ${this.words[address].name}, which this scenario declares as a counter that nobody reads`,
      );
    }
    if (this.words[address].isCount && !COUNT_KINDS.includes(kind)) {
      throw new HarnessFault(
        'unsupported-access',
        `A thread does more with ${this.words[address].name} than to count and to see whether it has changed`,
      );
    }
  }

  #property(behind: Int32Array, key: string | symbol, verb: string, words: readonly WordInfo[]): unknown {
    if (typeof key === 'string' && /^\d+$/.test(key)) return this.#plain(key, verb, words);
    const value: unknown = Reflect.get(behind, key, behind);
    if (typeof value !== 'function' || key === 'constructor') return value;
    return this.#plain(key, verb, words);
  }

  #plain(key: string | symbol, verb: string, words: readonly WordInfo[]): never {
    const name = words[Number(String(key))]?.name ?? String(key);
    this.#plainAccess ??= `The explored code ${verb} ${name} without Atomics`;
    throw new HarnessFault('plain-access', this.#plainAccess);
  }
}
