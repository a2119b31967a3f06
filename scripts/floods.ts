/**
 * Guests, and people's input, that flood the host, with nobody who reads the output: the memory of the process has to
 * stay flat, and SIGTERM has to be answered within a second. Needs Linux, and `script` for floods of a terminal.
 *
 *     node scripts/floods.ts [--seconds S] [FLOOD...]
 *
 * Without names all floods run, one after the other, each for S seconds, 60 unless given. For each it prints what was
 * resident after a quarter of the time and the most after that, and how long SIGTERM took. The exit status is 1 if one
 * grew by more than 40 MB, took a second, or ended by itself.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseSeconds } from '../src/api/quantities.ts';
import { assemble } from '../src/isa/index.ts';
import { buildElf } from '../test/fixtures/elf-fixture.ts';
import { residentIn } from './soak-verdict.ts';

const MB = 1e6;
const LARGEST_GROWTH = 40 * MB;
const LONGEST_ANSWER_MS = 1000;
/** A process that does not answer is ended then. */
const PATIENCE_MS = 20_000;
const SAMPLE_MS = 250;
const RAM = 0x8000_0000n;
const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

interface Flood {
  /** For people. */
  readonly what: string;
  readonly command: 'machine' | 'run';
  /** The guest, in assembly. */
  readonly source: string;
  /** Text that is put into standard input, again and again. */
  readonly input?: string;
  /** Standard output and error are a terminal. */
  readonly terminal?: boolean;
}

const UART = 'li t0, 0x10000000; li t1, 65\n';
const TOHOST = '.balign 64\ntohost: .dword 0\nfromhost: .dword 0\n';
/** Each change of the software interrupt ends the hart's run, after which tohost is looked at. */
const ASK_HOST = `
  la t0, tohost; li t2, 0x2000000; li t4, 1
1: sd t1, 0(t0); sw t4, 0(t2); xori t4, t4, 1
2: ld t3, 0(t0); bnez t3, 2b
  j 1b
`;
const SLEEP = '1: wfi; j 1b\n';
const ECHO = `${UART}1: lbu t2, 5(t0); andi t2, t2, 1; beqz t2, 1b\n lbu t1, 0(t0); sb t1, 0(t0); j 1b\n`;

const FLOODS: Readonly<Record<string, Flood>> = {
  uart: {
    what: 'serial output that waits for the transmitter',
    command: 'machine',
    source: `${UART}1: lbu t2, 5(t0); andi t2, t2, 0x20; beqz t2, 1b\n sb t1, 0(t0); j 1b\n`,
  },
  'uart-blind': {
    what: 'serial output that waits for nothing',
    command: 'machine',
    source: `${UART}1: sb t1, 0(t0); j 1b\n`,
  },
  'uart-terminal': {
    what: 'serial output to a terminal',
    command: 'machine',
    source: `${UART}1: sb t1, 0(t0); j 1b\n`,
    terminal: true,
  },
  lsr: {
    what: 'looks at the serial port without end, with input',
    command: 'machine',
    source: `${UART}1: lbu t2, 5(t0); sb t2, 7(t0); j 1b\n`,
    input: 'x'.repeat(4096),
  },
  rtc: {
    what: "writes to the clock's alarm",
    command: 'machine',
    source: 'li t0, 0x101000\n1: sw zero, 0x14(t0); sw zero, 0x14(t0); sw zero, 0x8(t0); j 1b\n',
  },
  console: {
    what: 'the debug console, with as much as one call takes',
    command: 'run',
    source: '1: li a7, 0x4442434e; li a6, 0; li a0, 0x100000; li a1, 0x80200000; li a2, 0; ecall; j 1b\n',
  },
  panic: {
    what: 'lines of a panic with control characters',
    command: 'run',
    source: `0: la s0, text\n${UART}1: lbu t1, 0(s0); beqz t1, 0b\n sb t1, 0(t0); addi s0, s0, 1; j 1b
text: .asciz "Kernel panic - not syncing: \\033[2J\\007\\n---[ end Kernel panic - not syncing: \\033[2J\\nx\\n"\n`,
  },
  notices: {
    what: 'unknown requests at tohost',
    command: 'machine',
    source: `li t1, 2; slli t1, t1, 56\n${ASK_HOST}${TOHOST}`,
  },
  'tohost-characters': {
    what: 'characters by tohost',
    command: 'machine',
    source: `li t1, 0x0101; slli t1, t1, 48; addi t1, t1, 65\n${ASK_HOST}${TOHOST}`,
  },
  'tohost-writes': {
    what: 'writes of 16 MiB by tohost',
    command: 'machine',
    source: `la t1, block\n${ASK_HOST}${TOHOST}.balign 64\nblock: .dword 64, 1, 0x80000000, 0x1000000, 0, 0, 0, 0\n`,
  },
  input: {
    what: 'input that the guest does not read',
    command: 'machine',
    source: SLEEP,
    input: 'y\n'.repeat(4096),
  },
  echo: {
    what: 'input that the guest sends back',
    command: 'machine',
    source: ECHO,
    input: 'y\n'.repeat(4096),
  },
  help: { what: 'Ctrl-A h', command: 'machine', source: SLEEP, input: '\x01h'.repeat(4096) },
};

/** The command line of a flood, with the number of its process printed first. */
function start(name: string, flood: Flood, directory: string): ChildProcessWithoutNullStreams {
  const file = join(directory, `${name}.elf`);
  const { bytes, symbols } = assemble(flood.source, { origin: RAM });
  const named = Object.fromEntries([...symbols].filter(([symbol]) => /^(to|from)host$/.test(symbol)));
  const segments = [{ virtualAddress: RAM, physicalAddress: RAM, data: bytes }];
  writeFileSync(file, buildElf({ entry: RAM, segments, symbols: named }));
  const guest = flood.command === 'run' ? ['run', '--smp', '1', '--kernel', file] : ['machine', file];
  const words = [process.execPath, main, ...guest, '-m', '64'].map((word) => `'${word}'`).join(' ');
  const shell = ['-c', `echo process $$; exec ${words}`];
  if (flood.terminal !== true) return spawn('sh', shell);
  const line = `sh -c "echo process \\$\\$; exec ${words}"`;
  return spawn('script', ['-qec', line, '/dev/null']);
}

/** Reads the process's number, and nothing after that. */
async function processOf(child: ChildProcessWithoutNullStreams): Promise<number> {
  let text = '';
  for await (const piece of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(piece);
    const number = /process (\d+)/.exec(text)?.[1];
    if (number !== undefined) return Number(number);
  }
  throw new Error('the command has not begun');
}

/** Puts the same in without end, as fast as it is taken. */
async function feed({ stdin }: ChildProcessWithoutNullStreams, input: string): Promise<void> {
  // The process ends with input that it has not read.
  const over = once(stdin, 'close').catch(() => undefined);
  while (stdin.writable)
    if (!stdin.write(input)) await Promise.race([once(stdin, 'drain'), over]).catch(() => undefined);
}

/** Bytes; 0 when the process has ended. */
function residentOf(pid: number): number {
  try {
    return 1024 * residentIn(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return 0;
  }
}

async function gone(pid: number): Promise<void> {
  while (residentOf(pid) > 0) await delay(5);
}

interface Result {
  readonly early: number;
  readonly most: number;
  readonly answer: number;
  readonly failure: string;
}

async function run(name: string, flood: Flood, seconds: number, directory: string): Promise<Result> {
  const child = start(name, flood, directory);
  const pid = await processOf(child);
  if (flood.input !== undefined) void feed(child, flood.input);
  let early = 0;
  let most = 0;
  const begin = performance.now();
  for (let at = 0; at < seconds * 1000; at = performance.now() - begin) {
    const resident = residentOf(pid);
    if (resident === 0) return { early, most, answer: 0, failure: 'ended by itself' };
    if (at < seconds * 250) early = Math.max(early, resident);
    most = Math.max(most, resident);
    await delay(SAMPLE_MS);
  }
  const asked = performance.now();
  process.kill(pid, 'SIGTERM');
  await Promise.race([gone(pid), delay(PATIENCE_MS)]);
  const answer = performance.now() - asked;
  if (residentOf(pid) > 0) process.kill(pid, 'SIGKILL');
  child.stdin.destroy();
  child.stdout.destroy();
  child.stderr.destroy();
  const failure = most - early > LARGEST_GROWTH ? 'grew' : answer > LONGEST_ANSWER_MS ? 'did not answer' : '';
  return { early, most, answer, failure };
}

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' } },
  allowPositionals: true,
});
const seconds = parseSeconds(values.seconds, '--seconds');
const unknown = positionals.filter((name) => FLOODS[name] === undefined);
if (unknown.length > 0) {
  console.error(
    `floods: there is no ${unknown.join(', ')}; the floods are ${Object.keys(FLOODS).join(', ')}.`,
  );
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-floods-'));
const names = positionals.length > 0 ? positionals : Object.keys(FLOODS);
console.log('flood                 MB early    most  ms for SIGTERM');
let failures = 0;
for (const name of names) {
  const flood = FLOODS[name] as Flood;
  const { early, most, answer, failure } = await run(name, flood, seconds, directory);
  const numbers = [early / MB, most / MB, answer].map((value) => value.toFixed(0).padStart(8)).join('');
  console.log(
    `${name.padEnd(20)}  ${numbers}  ${flood.what}${failure === '' ? '' : `: ${failure.toUpperCase()}`}`,
  );
  if (failure !== '') failures++;
}
rmSync(directory, { recursive: true });
process.exit(failures > 0 ? 1 : 0);
