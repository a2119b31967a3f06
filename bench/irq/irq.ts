/**
 * Measures an interrupt round: set → flush → the guest takes and clears it → sync, for every protocol, in TypeScript
 * (the shipped source) and in C (`irq.c`, gcc -O2), on one thread without contention.
 *
 * Each sample is a process of its own, so that V8 compiles one protocol as it does in a running domain. C and
 * TypeScript take turns, and the medians of their CPU times are compared, which a busy machine disturbs less than time
 * on the wall.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../../src/errors/input-error.ts';
import { IRQ_VS_SOFT, interruptNumbers } from '../../src/interrupts/numbers.ts';
import type { Protocol } from '../../src/interrupts/protocol.ts';
import { createOwnerState } from '../../src/interrupts/protocol.ts';
import { PROTOCOLS, protocolByName } from '../../src/interrupts/protocols.ts';
import { createVcpuWords, IRQS_PENDING } from '../../src/interrupts/words.ts';

const SAMPLES = 9;
const ROUNDS = 3_000_000;
/** Runs the rounds and returns a checksum: the sum of the kicks wanted and of all hvip values delivered. */
function runRounds(protocol: Protocol, rounds: number): number {
  const words = createVcpuWords();
  const local = createOwnerState(interruptNumbers());
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    sum += protocol.set(words, IRQ_VS_SOFT) ? 1 : 0;
    protocol.flush(words, local);
    sum += local.hvipLo;
    protocol.sync(words, local, local.hvipLo & ~(1 << IRQ_VS_SOFT), local.hvipHi);
  }
  return sum;
}

/**
 * A name for the rounds of take-mirror as one would write them without an interface, a checker or other protocols in
 * mind.
 */
const BY_HAND = 'take-mirror, by hand';

/** A name for the rounds of take-mirror as c/vcpu_irqs.h has it, and for that among the protocols of `irq.c`. */
const HEADER = { row: 'c/vcpu_irqs.h', inC: 'header' } as const;

/** Does what {@link runRounds} does with take-mirror. */
function runByHand(rounds: number): number {
  const words = createVcpuWords();
  const edges = interruptNumbers().guestWritableLo;
  const soft = 1 << IRQ_VS_SOFT;
  let hvip = 0;
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    sum += (Atomics.or(words, IRQS_PENDING, soft) & soft) === 0 ? 1 : 0;
    let word = Atomics.load(words, IRQS_PENDING);
    if ((word & edges) !== 0) word = Atomics.and(words, IRQS_PENDING, ~edges);
    hvip = ((hvip & edges) | word) >>> 0;
    sum += hvip;
    hvip = ((hvip & ~edges) | (hvip & ~soft & edges)) >>> 0;
  }
  return sum;
}

function printSample(run: (rounds: number) => number, rounds: number): void {
  run(rounds / 10);
  const start = process.threadCpuUsage();
  const sum = run(rounds);
  const { user, system } = process.threadCpuUsage(start);
  console.log(`${(user + system) * 1000} ${sum}`);
}

/** CPU nanoseconds a round, from a process that prints the time of all rounds and their checksum. */
function sample(file: string, args: readonly string[]): number {
  const [nanoseconds, sum] = execFileSync(file, args, { encoding: 'utf8' }).trim().split(' ').map(Number);
  // Every round wants a kick and delivers exactly the software interrupt.
  const expected = ROUNDS * (1 + (1 << IRQ_VS_SOFT));
  if (sum !== expected) {
    throw new Error(
      `${file} ${args.join(' ')} delivered the wrong interrupts: checksum ${sum}, not ${expected}`,
    );
  }
  return nanoseconds / ROUNDS;
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1];
}

interface Samples {
  readonly name: string;
  readonly typescript: number[];
  readonly c: number[];
}

const isInTypescript = (name: string): boolean => name !== HEADER.row;
const isInC = (name: string): boolean => name !== BY_HAND;

/** All protocols take turns, in both languages, so that a slow minute of the machine hits them alike. */
function measure(program: string): { name: string; typescript: number; c: number }[] {
  const names = [...PROTOCOLS.map(({ name }) => name), BY_HAND, HEADER.row];
  const all: Samples[] = names.map((name) => ({ name, typescript: [], c: [] }));
  for (let round = 0; round < SAMPLES; round++) {
    for (const { name, typescript, c } of all) {
      const self = fileURLToPath(import.meta.url);
      if (isInTypescript(name)) {
        typescript.push(sample(process.execPath, [self, '--sample', name, String(ROUNDS)]));
      }
      if (isInC(name)) c.push(sample(program, [name === HEADER.row ? HEADER.inC : name, String(ROUNDS)]));
    }
  }
  return all.map(({ name, typescript, c }) => ({ name, typescript: median(typescript), c: median(c) }));
}

function compile(directory: string): string {
  const program = join(directory, 'irq');
  const source = fileURLToPath(new URL('./irq.c', import.meta.url));
  const headers = fileURLToPath(new URL('../../c/', import.meta.url));
  const flags = ['-O2', '-std=c11', '-Wall', '-Werror', '-D_POSIX_C_SOURCE=199309L', '-I', headers];
  const gcc = spawnSync('gcc', [...flags, '-o', program, source], { encoding: 'utf8' });
  if (gcc.status !== 0) {
    throw new InputError(
      gcc.error === undefined
        ? `gcc could not compile bench/irq/irq.c:\n${gcc.stderr}`
        : `The irq benchmark compiles bench/irq/irq.c with gcc, which cannot be run here (${gcc.error.message})`,
    );
  }
  return program;
}

/**
 * Measures every protocol and returns the table as text.
 *
 * @throws InputError when gcc is missing; Error when a side delivers other interrupts than were sent.
 */
export async function runIrqBench(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'hartvisor-irq-'));
  try {
    const program = compile(directory);
    const results = measure(program);
    const shipped = results[0];
    // A value that is missing in a language is not a number.
    const cell = (value: number, digits: number): string =>
      Number.isFinite(value) ? value.toFixed(digits) : '-';
    const rows = results.map(({ name, typescript, c }) => [
      name,
      cell(typescript, 1),
      cell(c, 1),
      cell(typescript / c, 2),
      cell(typescript / shipped.typescript, 2),
      cell(c / shipped.c, 2),
    ]);
    const head = ['protocol', 'TS ns', 'C ns', 'TS/C', `TS/${shipped.name}`, `C/${shipped.name}`];
    const line = (cells: readonly string[]) =>
      cells.map((cell, column) => (column === 0 ? cell.padEnd(22) : cell.padStart(15))).join('');
    return [
      'One interrupt round (set, flush, take and clear, sync), one thread:',
      `medians of ${SAMPLES} alternating runs of ${ROUNDS} rounds, C by gcc -O2`,
      '',
      line(head),
      ...rows.map(line),
    ].join('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const [mode, name, rounds] = process.argv.slice(2);
  if (mode === '--sample') {
    const run = (count: number) =>
      name === BY_HAND ? runByHand(count) : runRounds(protocolByName(name), count);
    printSample(run, Number(rounds));
  } else {
    try {
      console.log(await runIrqBench());
    } catch (error) {
      if (!(error instanceof InputError)) {
        throw error;
      }
      console.error(error.message);
      process.exitCode = 1;
    }
  }
}
