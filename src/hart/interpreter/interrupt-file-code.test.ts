import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FILE_BLOCK, InterruptFile } from '../../interrupts/interrupt-file.ts';
import { call, i32, ModuleBuilder } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { defineFile } from './interrupt-file-code.ts';

const HART = 0;
const FILE = 0x8000;
const ATOMICS = { load: Atomics.load, and: Atomics.and };

/** An access to a word of the file: by its index, with what it found there. */
type Access = readonly [operation: 'load' | 'and', index: number, found: number, operand?: number];

/** An event between two accesses of the owner: a message arrives. */
interface Arrival {
  /** Accesses of the owner before it. */
  readonly after: number;
  readonly identity: number;
}

interface State {
  readonly identities: number;
  readonly pending: readonly number[];
  readonly enabled: readonly number[];
  readonly delivery: boolean;
  readonly threshold: number;
  readonly arrivals: readonly Arrival[];
}

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const all = new Int32Array(memory.buffer);
const words = FILE_BLOCK.over(memory.buffer, FILE);

/** The accesses of the run under way, and its messages that have yet to come. */
let log: Access[] = [];
let arrivals: readonly Arrival[] = [];

/** Has the messages arrive that come before the access that is next. */
function beforeAccess(): void {
  for (const { after, identity } of arrivals) {
    if (after === log.length) {
      const at = FILE_BLOCK.word.pending + (identity >>> 5);
      words[at] = (words[at] as number) | (1 << (identity & 31));
    }
  }
}

function load(index: number): number {
  beforeAccess();
  const found = ATOMICS.load(words, index);
  log.push(['load', index, found]);
  return found;
}

function and(index: number, operand: number): number {
  beforeAccess();
  const found = ATOMICS.and(words, index, operand);
  log.push(['and', index, found, operand]);
  return found;
}

/** Generated code whose accesses are watched. */
const generated = instantiate();

function instantiate() {
  const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
  const loaded = module.import('env', 'load', ['i32'], 'i32');
  const anded = module.import('env', 'and', ['i32', 'i32'], 'i32');
  const file = defineFile(module, {
    load: (address, offset = 0) => call(loaded, i32.add(address, i32.const(offset))),
    rmwAnd: (address, value, offset = 0) => call(anded, i32.add(address, i32.const(offset)), value),
  });
  for (const ref of Object.values(file)) module.export(ref);
  const index = (address: number): number => (address - FILE) / 4;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), {
    env: {
      memory,
      load: (address: number) => load(index(address)),
      and: (address: number, operand: number) => and(index(address), operand),
    },
  });
  const functionOf = (name: string) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new Error(`no function ${name}`);
    return () => Number(found(HART, FILE));
  };
  return {
    top: functionOf('file top'),
    claim: functionOf('file claim'),
    delivered: functionOf('file delivered'),
  };
}

/** The shipped file, whose accesses are watched. */
function watched(identities: number): InterruptFile {
  vi.spyOn(Atomics, 'load').mockImplementation(((_: unknown, index: number) => load(index)) as never);
  vi.spyOn(Atomics, 'and').mockImplementation(((_: unknown, index: number, operand: number) =>
    and(index, operand)) as never);
  return new InterruptFile(words, identities);
}

/** @returns the result, the accesses in their order, and the words afterwards */
function outcome(state: State, action: () => number) {
  words.fill(0);
  words.set(state.pending, FILE_BLOCK.word.pending);
  words.set(state.enabled, FILE_BLOCK.word.enabled);
  words[FILE_BLOCK.word.delivery] = state.delivery ? 1 : 0;
  words[FILE_BLOCK.word.threshold] = state.threshold;
  all[FIELD.fileWords >> 2] = (state.identities + 1) / 32;
  log = [];
  ({ arrivals } = state);
  return { result: action(), log, words: [...words] };
}

/** Mostly few bits. */
const bits = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  fc.nat(31).map((bit) => 1 << bit),
  fc.integer(),
);

const state: fc.Arbitrary<State> = fc.constantFrom(63, 127, 255, 2047).chain((identities) => {
  const count = (identities + 1) / 32;
  const arrayOf = fc.array(bits, { minLength: count, maxLength: count });
  return fc.record({
    identities: fc.constant(identities),
    pending: arrayOf.map(([first = 0, ...rest]) => [first & ~1, ...rest]),
    enabled: arrayOf.map(([first = 0, ...rest]) => [first & ~1, ...rest]),
    delivery: fc.boolean(),
    threshold: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(identities)),
    arrivals: fc.array(
      fc.record({ after: fc.nat(2 * count), identity: fc.integer({ min: 1, max: identities }) }),
      { maxLength: 4 },
    ),
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an interrupt file in generated code makes the accesses of the one in TypeScript, in its order', () => {
  test.each<[name: keyof typeof generated, shipped: (file: InterruptFile) => number]>([
    ['top', (file) => file.top()],
    ['claim', (file) => file.claim()],
    ['delivered', (file) => (file.asserts() ? 1 : 0)],
  ])('%s', (name, shipped) => {
    const property = fc.property(state, (given) => {
      const fast = outcome(given, generated[name]);
      const file = watched(given.identities);
      const slow = outcome(given, () => shipped(file));
      vi.restoreAllMocks();
      expect(fast.log).toEqual(slow.log);
      expect(fast.words).toEqual(slow.words);
      // Of a file that delivers, generated code also says what.
      if (name === 'delivered') expect(fast.result === 0 ? 0 : 1).toBe(slow.result);
      else expect(fast.result).toBe(slow.result);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('with the interleavings that matter among them', () => {
    const sample = fc.sample(state, { numRuns: 500, seed: 1 });
    const found = (hit: (before: readonly number[], given: State) => boolean) =>
      sample.filter((given) => hit([outcome(given, generated.top).result], given)).length;
    expect(found(([top], given) => top !== 0 && given.arrivals.length > 0)).toBeGreaterThan(20);
    expect(found(([top], given) => given.arrivals.some(({ identity }) => identity === top))).toBeGreaterThan(
      2,
    );
  });
});
