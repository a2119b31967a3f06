/**
 * Runs Linux under load for a long time and checks every result: Debian's kernel with the soak guest (`guests/soak`) as
 * its only program.
 *
 *     node scripts/soak.ts [--minutes M | --seconds S] [--smp N] [--pcpus N] [--seed N] [--memory SIZE]
 *                          [--interval S] [--patience S] [--kinds NAME,...] [--kernel FILE] [--logs DIR]
 *                          [-- OPTIONS]
 *
 * OPTIONS go to `hartvisor run` unchanged, such as `--engine jit`. A run is good if no result was wrong, every worker
 * made progress, the kernel had nothing to complain about, and neither hartvisor's memory nor the guest's leaked
 * (judged from ten minutes on). The exit status is 0 then. The log is kept in DIR, a new one unless given.
 */

import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { buildSoak, soakInitramfs } from '../guests/soak/build.ts';
import { InputError } from '../src/errors/input-error.ts';
import { debianGuest } from '../src/node/debian/debian-guest.ts';
import {
  faultsOf,
  leaksOf,
  parseReport,
  residentIn,
  type Sample,
  type Soak,
  table,
  type Wanted,
} from './soak-verdict.ts';

/** Seconds that a machine that is busy with other things may take to boot, and to end. */
const BOOT_SECONDS = 300;
/** Seconds without a line from a guest that works before it is given up: each of its own stalls it would report. */
const SILENCE_SECONDS = 180;

interface Options extends Wanted {
  readonly pcpus: number;
  readonly seed: number;
  readonly memory: string;
  readonly interval: number;
  readonly patience: number;
  /** Kinds of work with commas between; undefined for all. */
  readonly kinds: string | undefined;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly logs: string;
  readonly cli: string;
  readonly rest: readonly string[];
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      seconds: { type: 'string' },
      smp: { type: 'string', default: '4' },
      pcpus: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      memory: { type: 'string', default: '256M' },
      interval: { type: 'string', default: '10' },
      patience: { type: 'string', default: '30' },
      kinds: { type: 'string' },
      kernel: { type: 'string' },
      // Files and programs in place of the usual ones, for the test of this script.
      initrd: { type: 'string' },
      logs: { type: 'string' },
      cli: { type: 'string', default: join(import.meta.dirname, '..', 'src', 'cli', 'main.ts') },
    },
    allowPositionals: true,
  });
  const number = (name: 'minutes' | 'seconds' | 'smp' | 'pcpus' | 'seed' | 'interval' | 'patience') => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new InputError(`--${name} ${values[name]} is not a whole number from 1 on`);
  };
  const { memory, kinds, kernel, initrd, cli } = values;
  // A name that others can foresee in a directory for all would be theirs to make first.
  const logs = values.logs ?? mkdtempSync(join(tmpdir(), 'hartvisor-soak-'));
  return {
    seconds: values.seconds === undefined ? number('minutes') * 60 : number('seconds'),
    vcpus: number('smp'),
    pcpus: number('pcpus'),
    seed: number('seed'),
    interval: number('interval'),
    patience: number('patience'),
    ...{ memory, kinds, kernel, initrd, logs, cli },
    rest: positionals,
  };
}

async function commandLine(options: Options): Promise<string[]> {
  const kernel = options.kernel ?? (await debianGuest()).kernelPath;
  const initrd = options.initrd ?? builtInitrd(options.logs);
  const { seconds, seed, interval, patience, kinds = '' } = options;
  // Warnings reach the console, chatter does not.
  const words = `loglevel=5 -- ${seconds} ${seed} ${interval} ${patience} ${kinds}`.trimEnd();
  return [
    ...[options.cli, 'run', '--kernel', kernel, '--initrd', initrd, '--append', words],
    ...['--smp', `${options.vcpus}`, '--pcpus', `${options.pcpus}`, '--memory', options.memory],
    ...['--timeout', `${seconds + BOOT_SECONDS + 2 * patience}`, ...options.rest],
  ];
}

function builtInitrd(directory: string): string {
  const path = join(directory, 'initrd');
  writeFileSync(path, soakInitramfs(buildSoak(directory)));
  return path;
}

/** Runs the guest to its end, and tells of each report. */
async function soak(options: Options, logPath: string): Promise<Soak> {
  const child = spawn(process.execPath, await commandLine(options), { stdio: ['ignore', 'pipe', 'pipe'] });
  const file = createWriteStream(logPath);
  const kill = () => child.kill('SIGKILL');
  const samples: Sample[] = [];
  let log = '';
  let silence = setTimeout(kill, BOOT_SECONDS * 1000);
  const see = (line: string) => {
    log += `${line}\n`;
    file.write(`${line}\n`);
    clearTimeout(silence);
    silence = setTimeout(kill, SILENCE_SECONDS * 1000);
    const report = parseReport(line);
    if (report === undefined) {
      if (line.startsWith('soak: ')) console.log(line);
      return;
    }
    const sample = { ...report, resident: residentOf(child.pid) };
    samples.push(sample);
    const { time, wrong, stalls, resident } = sample;
    file.write(`hartvisor: VmRSS ${resident} KiB at t=${time}\n`);
    if (time % 60 < options.interval || sample.end)
      console.log(`${time} s: ${wrong} wrong, ${stalls} stalls, ${(resident / 1024).toFixed(0)} MiB`);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', see);
  process.once('exit', kill);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(silence);
      process.off('exit', kill);
      file.end(() => resolve({ status: status ?? undefined, log, samples }));
    });
  });
}

function residentOf(pid: number | undefined): number {
  try {
    return residentIn(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    // It may have ended between its last line and now.
    return 0;
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  mkdirSync(options.logs, { recursive: true });
  const logPath = join(options.logs, `soak-${options.seed}.log`);
  const result = await soak(options, logPath);
  console.log(`\n${table(result.samples)}\n`);
  const leaks = leaksOf(result.samples);
  for (const { text } of leaks ?? []) console.log(text);
  if (leaks === undefined) console.log('memory: not judged, the run was too short');
  const faults = faultsOf(result, options);
  console.log(faults.length === 0 ? 'good' : `BAD: ${faults.join('; ')}`);
  console.log(`log: ${logPath}`);
  return faults.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  // parseArgs throws TypeError for what it does not know.
  if (!(error instanceof InputError || error instanceof TypeError)) throw error;
  process.stderr.write(`soak: ${error.message}\n`);
  process.exitCode = 2;
}
