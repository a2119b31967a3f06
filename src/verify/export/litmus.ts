/** A counterexample as a litmus test for RISC-V, for herd7 and for `verify --memory rvwmo`. */

import { fenceText, type Ordering } from '../memory/orderings.ts';
import { FENCE_FULL, type Order } from '../memory/program.ts';
import { isEnabled, Kind, touchesMemory } from '../operations.ts';
import type { ReplayStep } from '../replay.ts';
import type { Counterexample } from '../verify.ts';

const AMO: Readonly<Record<number, string>> = {
  [Kind.OR]: 'amoor',
  [Kind.AND]: 'amoand',
  [Kind.XOR]: 'amoxor',
  [Kind.ADD]: 'amoadd',
  [Kind.EXCHANGE]: 'amoswap',
};

/** x5-x9 hold addresses and operands for the moment, results go to x10 and up: so many fit. */
const MOST_RESULTS = 20;

interface Column {
  readonly lines: string[];
  /** Initial values of registers: addresses. */
  readonly addresses: Map<string, number>;
  /** Register and value of each result. */
  readonly results: (readonly [number, number])[];
}

/**
 * The accesses of a counterexample to the words that its threads share, each thread's in a row, with the results that
 * they had as the condition. Under RVWMO each access has the fences and annotations of its C operation. Under sc every
 * one is fully ordered (`.aq.rl`, and fences around loads and stores), as `Atomics` are in JavaScript. The question is
 * whether this is possible, and it is.
 *
 * @throws RangeError when a thread has more accesses than registers.
 */
export function exportLitmus(example: Counterexample, name: string): string {
  const { replay, steps, quiet } = example;
  const words = replay.world.memory.words;
  const used = steps.filter(
    ({ operation: { kind, address }, weak }, index) =>
      !quiet.has(index) && touchesMemory(kind) && words[address].unread !== true && !weak?.isPromise,
  );
  const threads = replay.names
    .map((_, thread) => thread)
    .filter((thread) => used.some((step) => step.thread === thread));
  const nameOf = (address: number) => words[address].name.replace(/\W+/g, '_').replace(/_$/, '');
  const columns = threads.map((thread) =>
    column(
      used.filter((step) => step.thread === thread),
      nameOf,
    ),
  );
  const addresses = [...new Set(used.map(({ operation }) => operation.address))].sort((a, b) => a - b);
  const first = new Map(addresses.map((address) => [address, replay.world.memory.initial[address] | 0]));
  const last = new Map(addresses.map((address) => [address, replay.contents[address] | 0]));
  const initial = [
    ...columns.flatMap(({ addresses: own }, hart) =>
      [...own].map(([word, register]) => `${hart}:x${register}=${word};`),
    ),
    ...[...first].map(([address, value]) => `int ${nameOf(address)}=${value};`),
  ];
  const condition = [
    ...columns.flatMap(({ results }, hart) =>
      results.map(([register, value]) => `${hart}:x${register}=${value}`),
    ),
    ...[...last].map(([address, value]) => `${nameOf(address)}=${value}`),
  ];
  const owners = threads.map((thread, hart) => `P${hart} is ${replay.names[thread]}`).join(', ');
  return [
    `RISCV ${name.replace(/[^\w+-]+/g, '-')}`,
    `(* ${owners}. ${example.property}: ${example.message.replaceAll('*)', '* )')} *)`,
    '{',
    ...initial,
    '}',
    ...layOut(columns),
    'exists',
    `(${condition.join(' /\\ ')})`,
    '',
  ].join('\n');
}

function column(steps: readonly ReplayStep[], nameOf: (address: number) => string): Column {
  const addresses = new Map<string, number>();
  const lines: string[] = [];
  const results: (readonly [number, number])[] = [];
  const words = [...new Set(steps.map(({ operation }) => nameOf(operation.address)))];
  for (const [index, word] of words.entries()) addresses.set(word, 31 - index);
  if (steps.length + words.length > MOST_RESULTS) {
    throw new RangeError('The counterexample has more accesses than a litmus test has registers.');
  }
  for (const [index, step] of steps.entries()) {
    const result = 10 + index;
    const at = `(x${addresses.get(nameOf(step.operation.address)) ?? 0})`;
    for (const line of instructions(step, result, at)) {
      if (!line.startsWith('fence') || line !== lines.at(-1)) lines.push(line);
    }
    if (step.operation.kind !== Kind.STORE) results.push([result, step.before | 0]);
  }
  return { lines, addresses, results };
}

/** As `Atomics` are: there are no annotations for plain loads and stores. */
function sequential(kind: Kind): Ordering {
  const isPlain = kind === Kind.STORE || isLoad(kind);
  const fences = isPlain ? FENCE_FULL : [];
  return { before: fences, order: { acquire: !isPlain, release: !isPlain, rcsc: true }, after: fences };
}

function isLoad(kind: Kind): boolean {
  return kind === Kind.LOAD || kind === Kind.AWAIT_EQUAL || kind === Kind.AWAIT_DIFFERENT;
}

function instructions({ operation, before, weak }: ReplayStep, result: number, at: string): string[] {
  const kind = operation.kind as Kind;
  const ordering = weak?.ordering ?? sequential(kind);
  if (isLoad(kind)) {
    if (!isEnabled(kind, before, operation.a))
      throw new RangeError('A wait that went on without its condition');
    return plain(ordering, [`lw x${result},0${at}`]);
  }
  if (kind === Kind.STORE) return plain(ordering, [constant(5, operation.a), `sw x5,0${at}`]);
  if (kind === Kind.COMPARE_EXCHANGE) return comparison(operation, before, ordering, result, at);
  const [name, operand] = kind === Kind.SUB ? ['amoadd', -operation.a] : [AMO[kind], operation.a];
  return fenced(ordering, [
    constant(5, operand),
    `${name}.w${annotation(ordering.order)} x${result},x5,${at}`,
  ]);
}

/** The path that was taken: a success found what it wanted, a failure is a load that did not. */
function comparison(
  { a, b }: ReplayStep['operation'],
  before: number,
  ordering: Ordering,
  result: number,
  at: string,
): string[] {
  const { order, reserve } = ordering;
  if (before !== a) {
    const load = { ...ordering, order: reserve ?? order, after: reserve === undefined ? ordering.after : [] };
    return plain(load, [`lw x${result},0${at}`]);
  }
  if (reserve === undefined) {
    return fenced(ordering, [constant(5, b), `amoswap.w${annotation(order)} x${result},x5,${at}`]);
  }
  return fenced(ordering, [
    `lr.w${annotation(reserve)} x${result},${at}`,
    constant(5, b),
    `sc.w${annotation(order)} x6,x5,${at}`,
  ]);
}

/** Plain loads and stores have no annotations in assembly; fences that are at least as strong stand for them. */
function plain({ before, order, after }: Ordering, access: readonly string[]): string[] {
  const release = order.release && before.length === 0 ? FENCE_FULL : [];
  const acquire = order.acquire && after.length === 0 ? FENCE_FULL : [];
  return fenced({ before: [...before, ...release], order, after: [...acquire, ...after] }, access);
}

function fenced({ before, after }: Ordering, access: readonly string[]): string[] {
  return [...before.map(fenceText), ...access, ...after.map(fenceText)];
}

/** As herd7 spells it: assemblers have `.aqrl` for both. */
function annotation({ acquire, release }: Order): string {
  return `${acquire ? '.aq' : ''}${release ? '.rl' : ''}`;
}

function constant(register: number, value: number): string {
  return `ori x${register},x0,${value | 0}`;
}

function layOut(columns: readonly Column[]): string[] {
  const cells = columns.map(({ lines }, hart) => [`P${hart}`, ...lines]);
  const height = Math.max(...cells.map(({ length }) => length));
  const widths = cells.map((lines) => Math.max(...lines.map(({ length }) => length)));
  return Array.from({ length: height }, (_, line) => {
    const row = cells.map((lines, hart) => (lines[line] ?? '').padEnd(widths[hart]));
    return ` ${row.join(' | ')} ;`;
  });
}
