/** A counterexample as a litmus test for RISC-V, for herd7 and for `verify --memory rvwmo`. */
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
 * they had as the condition. Every access is fully ordered (`.aqrl`, and fences around loads and stores), as
 * `Atomics` are in JavaScript: the question is whether the interleaving is possible, and it is.
 *
 * @throws RangeError when a thread has more accesses than registers.
 */
export function exportLitmus(example: Counterexample, name: string): string {
  const { replay, steps, quiet } = example;
  const words = replay.world.memory.words;
  const used = steps.filter(
    ({ operation: { kind, address } }, index) =>
      !quiet.has(index) && touchesMemory(kind) && words[address].unread !== true,
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
    lines.push(...instructions(step, result, at));
    if (step.operation.kind !== Kind.STORE) results.push([result, step.before | 0]);
  }
  return { lines, addresses, results };
}

function instructions(
  { operation: { kind, a, b }, before }: ReplayStep,
  result: number,
  at: string,
): string[] {
  const constant = (register: number, value: number) => `ori x${register},x0,${value | 0}`;
  if (kind === Kind.STORE) return ['fence rw,rw', constant(5, a), `sw x5,0${at}`, 'fence rw,rw'];
  if (kind === Kind.LOAD || kind === Kind.AWAIT_EQUAL || kind === Kind.AWAIT_DIFFERENT) {
    if (!isEnabled(kind, before, a)) throw new RangeError('A wait that went on without its condition');
    return ['fence rw,rw', `lw x${result},0${at}`, 'fence rw,rw'];
  }
  if (kind === Kind.SUB) return [constant(5, -a), `amoadd.w.aqrl x${result},x5,${at}`];
  if (kind === Kind.COMPARE_EXCHANGE) {
    // The path that was taken: a success is a swap that found what it wanted, a failure a load that did not.
    if (before === a) return [constant(5, b), `amoswap.w.aqrl x${result},x5,${at}`];
    return ['fence rw,rw', `lw x${result},0${at}`, 'fence rw,rw'];
  }
  return [constant(5, a), `${AMO[kind]}.w.aqrl x${result},x5,${at}`];
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
