/** Made-up programs of a consumer and of senders on two words: to hold a crowd against numbers of senders. */
import fc from 'fast-check';
import { underStandIn } from '../../src/verify/atomics.ts';
import type { Problem, RestView, SearchResult } from '../../src/verify/explorer.ts';
import { Monitor } from '../../src/verify/monitor.ts';
import { SharedMemory } from '../../src/verify/shared-memory.ts';
import type { SpecViolation } from '../../src/verify/spec-event.ts';
import type { Env, Thread } from '../../src/verify/thread.ts';
import { ThreadPrograms } from '../../src/verify/thread-programs.ts';

const IRQ = 2;

/** An access, and whether it is the last of its part of the program. */
export interface Instruction {
  readonly kind: 'load' | 'store' | 'or' | 'and' | 'exchange' | 'compareExchange' | 'lock';
  readonly word: 0 | 1;
  readonly a: number;
  readonly b: number;
  /** The rest of this part is left out when the result has one of these bits. */
  readonly endsIf: number;
  /** When bit 0 of what was read last in this part is set: `b` in the place of `a`, or the other word. */
  readonly turns?: 'operand' | 'word' | undefined;
}

export interface Machine {
  /** The part of a sender's call that is the protocol's `set`, and what follows it. */
  readonly set: readonly Instruction[];
  readonly kick: readonly Instruction[];
  /** The flush of the consumer; bit 0 of the last result is delivered. */
  readonly flush: readonly Instruction[];
  /** The consumer waits until word 0 has something before it flushes, or flushes without end. */
  readonly awaits: boolean;
  /** The consumer fails when it reads these contents after a flush. */
  readonly forbidden: readonly [number, number] | undefined;
  /** Rest is wrong with these contents. */
  readonly wrongRest: readonly [number, number] | undefined;
}

const value = fc.integer({ min: 0, max: 3 });
const contents = fc.option(fc.tuple(value, value), { nil: undefined, freq: 1 });

const instruction: fc.Arbitrary<Instruction> = fc.record({
  kind: fc.constantFrom('load', 'store', 'or', 'and', 'exchange', 'compareExchange'),
  word: fc.constantFrom(0 as const, 1 as const),
  a: value,
  b: value,
  endsIf: fc.constantFrom(0, 0, 1, 2, 3),
  turns: fc.constantFrom(undefined, undefined, 'operand' as const, 'word' as const),
});

/** Senders that set bit 0 of word 0, and a consumer that takes it. */
const RIGHT: Machine = {
  set: [access('or', 0, 1)],
  kick: [],
  flush: [access('and', 0, 2)],
  awaits: true,
  forbidden: undefined,
  wrongRest: undefined,
};

function access(
  kind: Instruction['kind'],
  word: 0 | 1,
  a: number,
  b = 0,
  more: Partial<Instruction> = {},
): Instruction {
  return { kind, word, a, b, endsIf: 0, ...more };
}

const anyMachine: fc.Arbitrary<Machine> = fc.record({
  set: fc.array(instruction, { minLength: 1, maxLength: 3 }),
  kick: fc.array(instruction, { maxLength: 2 }),
  flush: fc.array(instruction, { minLength: 1, maxLength: 3 }),
  awaits: fc.boolean(),
  forbidden: contents,
  wrongRest: contents,
});

/** The right one with accesses to word 1 around those that matter. */
const nearlyRight: fc.Arbitrary<Machine> = fc
  .record({
    before: fc.array(instruction, { maxLength: 2 }),
    kick: fc.array(instruction, { maxLength: 2 }),
    first: fc.array(instruction, { maxLength: 2 }),
    forbidden: contents,
    wrongRest: contents,
  })
  .map(({ before, kick, first, forbidden, wrongRest }) => {
    const aside = (part: readonly Instruction[]) =>
      part.map((each) => ({ ...each, word: 1 as const, endsIf: 0 }));
    return {
      ...RIGHT,
      set: [...aside(before), ...RIGHT.set],
      kick: aside(kick),
      flush: [...aside(first), ...RIGHT.flush],
      forbidden,
      wrongRest,
    };
  });

/** Machines whose faults show only where a crowd is taken for what it is. */
export const SUBTLE: readonly Machine[] = [
  // Two at the exchange at the same time, of which one finds what the other has left.
  {
    ...RIGHT,
    kick: [
      access('load', 1, 0, 0, { endsIf: 3 }),
      access('exchange', 1, 1),
      access('store', 1, 1, 2, { turns: 'operand' }),
    ],
    wrongRest: [0, 2],
  },
  // One comes to the end of its call while another one stands still in the middle.
  {
    ...RIGHT,
    kick: [
      access('load', 1, 0, 0, { endsIf: 3 }),
      access('exchange', 1, 1, 0, { endsIf: 2 }),
      access('store', 1, 2, 3, { turns: 'operand' }),
    ],
    wrongRest: [0, 1],
  },
  // A thread that looked before another one had locked waits for ever within its call.
  { ...RIGHT, kick: [access('load', 1, 0, 0, { endsIf: 1 }), access('lock', 1, 0)] },
  // Exchanges differ in what they store, and stores in where.
  {
    ...RIGHT,
    kick: [access('load', 1, 0), access('exchange', 1, 1, 2, { turns: 'operand' })],
    wrongRest: [0, 2],
  },
  { ...RIGHT, kick: [access('load', 1, 0), access('store', 1, 1, 0, { turns: 'word' })], wrongRest: [1, 1] },
  // The same access twice, at different places.
  {
    ...RIGHT,
    kick: [access('or', 1, 1), access('store', 1, 0), access('or', 1, 1), access('or', 1, 2)],
    wrongRest: [0, 3],
  },
];

/** Nobody gives the lock back. */
export const FORGOTTEN_UNLOCK: Machine = { ...RIGHT, set: [access('lock', 1, 0), ...RIGHT.set] };

/** A lock around what senders and the consumer do. */
export const LOCKED: Machine = {
  ...RIGHT,
  set: [access('lock', 1, 0), ...RIGHT.set, access('store', 1, 0)],
  flush: [access('lock', 1, 0), ...RIGHT.flush, access('store', 1, 0)],
};

export const machines: fc.Arbitrary<Machine> = fc.oneof(anyMachine, { arbitrary: nearlyRight, weight: 3 });

type Words = Int32Array<ArrayBufferLike>;

function perform(words: Words, { kind, word: first, a: one, b, turns }: Instruction, read: number): number {
  const isOdd = (read & 1) !== 0;
  const word = isOdd && turns === 'word' ? 1 - first : first;
  const a = isOdd && turns === 'operand' ? b : one;
  switch (kind) {
    case 'load':
      return Atomics.load(words, word);
    case 'lock':
      while (Atomics.compareExchange(words, word, 0, 1) !== 0);
      return 0;
    case 'compareExchange':
      return Atomics.compareExchange(words, word, a, b);
    default:
      return Atomics[kind](words, word, a);
  }
}

/** Returns the last result of an access that reads. */
function run(words: Words, part: readonly Instruction[]): number {
  let last = 0;
  for (const each of part) {
    const result = perform(words, each, last);
    if (each.kind !== 'store' && each.kind !== 'lock') last = result;
    if ((result & each.endsIf) !== 0) break;
  }
  return last;
}

function consumer({ flush, awaits, forbidden }: Machine, words: Words): Thread {
  const step = (state: object, env: Env) => {
    if (awaits) env.awaitWord(words, 0, 'different', 0);
    env.before({ is: 'flush', lo: 0, hi: 0 });
    const delivered = (run(words, flush) & 1) === 0 ? 0 : 1 << IRQ;
    env.after({ is: 'flushed', lo: delivered, hi: 0 });
    if (forbidden === undefined) return state;
    const isMet = Atomics.load(words, 0) === forbidden[0] && Atomics.load(words, 1) === forbidden[1];
    return isMet ? env.fail('P7', 'the forbidden contents') : state;
  };
  return { name: 'consumer', initial: {}, step };
}

function sender({ set, kick }: Machine, words: Words, name: string): Thread {
  const step = (state: object, env: Env) => {
    if (env.choose(2) === 1) return null;
    env.before({ is: 'call', thread: name, irq: IRQ, set: true });
    run(words, set);
    run(words, kick);
    env.after({ is: 'return', thread: name });
    return state;
  };
  return { name, initial: {}, step };
}

function crowd({ set, kick }: Machine, words: Words): Thread {
  const step = (state: object, env: Env) => {
    run(words, set);
    env.after({ is: 'effect', irq: IRQ, high: true });
    run(words, kick);
    return state;
  };
  return { name: 'senders', initial: {}, step };
}

function judge(
  { wrongRest }: Machine,
  monitor: Monitor,
  { spec, contents }: RestView,
): SpecViolation | undefined {
  if (wrongRest !== undefined && contents.every((content, word) => content === wrongRest[word])) {
    return { property: 'P4', message: 'the wrong rest' };
  }
  const [irq] = monitor.unsettled(spec, [IRQ], 0, 0);
  return irq === undefined ? undefined : { property: 'P1', message: 'lost', irq };
}

/** The explorer's function, or one with a mistake. */
export type Explore = (
  problem: Problem,
  bounds: { maxStates: number; maxTime: number; maxBytes: number },
  onProgress: () => void,
  now: () => number,
) => SearchResult;

/**
 * Explores a machine.
 *
 * @param senders how many there are, or `any` for the crowd
 * @returns what is wrong with it; `open` when that is not known
 */
export function trial(explore: Explore, machine: Machine, senders: number | 'any'): string | undefined {
  return underStandIn(() => {
    const memory = new SharedMemory();
    const words = memory.add([{ name: 'w0' }, { name: 'w1' }]);
    const those =
      senders === 'any'
        ? [crowd(machine, words)]
        : Array.from({ length: senders }, (_, index) => sender(machine, words, `S${index}`));
    const abilities = { crowds: senders === 'any' ? 1 : 0 };
    const programs = new ThreadPrograms([consumer(machine, words), ...those], memory, abilities);
    const monitor = new Monitor([IRQ], []);
    const atRest = (view: RestView) => judge(machine, monitor, view);
    const problem = { programs, monitor, atRest, mustRest: true };
    const bounds = { maxStates: senders === 'any' ? 200_000 : 30_000, maxTime: 1e9, maxBytes: 2 ** 30 };
    try {
      const { found, bounded } = explore(
        problem,
        bounds,
        () => undefined,
        () => 0,
      );
      return bounded === undefined ? found?.property : 'open';
    } catch (error) {
      if (error instanceof Error && error.name === 'CrowdLimit') return 'open';
      throw error;
    }
  });
}
