/**
 * Where the memory of hartvisor's process is: boots Debian's kernel to the shell, lets it rest, and divides what is
 * resident into guest RAM and all else, the overhead. Needs Linux.
 *
 *     node scripts/memory.ts [--smp N] [--pcpus N] [--memory SIZE] [--rest S] [--limit MIB] [--every S]
 *                            [--kernel FILE --initrd FILE] [--append WORDS] [-- OPTIONS]
 *
 * OPTIONS go to `hartvisor run` unchanged. The exit status is 1 if the overhead is not below the limit, 300 MB unless
 * given. With --every, all is printed each S seconds until the guest ends: to see what grows. The end of boot is the
 * line that the initramfs prints first, or that of a guest of one's own with --marker.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseCount, parseMemory } from '../src/api/quantities.ts';
import { greeting } from '../src/boot/initramfs.ts';
import { InputError } from '../src/errors/input-error.ts';
import { HART_BYTES } from '../src/hart/layout.ts';
import { type RegionStatistics, readRegionStatistics } from '../src/hart/region-statistics.ts';
import { type MachinePlan, maximumMemory, planMachine } from '../src/machine/plan.ts';
import {
  type Attribution,
  attribute,
  findLinear,
  type LinearMemory,
  overheadOf,
  parseMappings,
  USE,
  type Use,
} from './memory/attribution.ts';
import type { HeapReport } from './memory/probe.ts';

const PAGE = 4096;
const PAGEMAP_ENTRY = 8;
const MOST_CPUS = 64;
const LONGEST_REST = 3600;
/** Seconds that a busy machine may take to boot. */
const BOOT_SECONDS = 300;
const MB = 1e6;

interface Options {
  readonly smp: number;
  readonly pcpus: number;
  readonly memoryBytes: number;
  readonly rest: number;
  readonly limit: number;
  readonly every: number | undefined;
  readonly marker: string;
  readonly command: readonly string[];
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    options: {
      smp: { type: 'string', default: '2' },
      pcpus: { type: 'string', default: '2' },
      memory: { type: 'string', default: '512M' },
      rest: { type: 'string', default: '5' },
      limit: { type: 'string', default: '300' },
      every: { type: 'string' },
      marker: { type: 'string', default: greeting },
      kernel: { type: 'string' },
      initrd: { type: 'string' },
      append: { type: 'string' },
      // Another tree's program in place of this one's.
      cli: { type: 'string', default: join(import.meta.dirname, '..', 'src', 'cli', 'main.ts') },
    },
    allowPositionals: true,
  });
  const smp = parseCount(values.smp, '--smp', 'vCPUs', MOST_CPUS);
  const pcpus = parseCount(values.pcpus, '--pcpus', 'threads', smp);
  const passed = (['kernel', 'initrd', 'append'] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const shape = ['--smp', values.smp, '--pcpus', values.pcpus, '--memory', values.memory];
  return {
    smp,
    pcpus,
    memoryBytes: parseMemory(values.memory, '--memory', maximumMemory({ kind: 'domain', cpus: smp, pcpus })),
    rest: parseCount(values.rest, '--rest', 'seconds', LONGEST_REST),
    limit: parseCount(values.limit, '--limit', 'megabytes', 1_000_000),
    every:
      values.every === undefined ? undefined : parseCount(values.every, '--every', 'seconds', LONGEST_REST),
    marker: values.marker,
    command: [values.cli, 'run', ...shape, ...passed, ...positionals],
  };
}

function planOf({ smp, pcpus, memoryBytes }: Options): MachinePlan {
  return planMachine({ kind: 'domain', cpus: smp, pcpus, ramBytes: memoryBytes });
}

function linearMemoryOf(plan: MachinePlan): LinearMemory {
  const [first] = plan.harts;
  if (first === undefined) throw new Error('a machine has a hart');
  return {
    bytes: plan.pages * 0x1_0000,
    harts: { from: first, to: plan.ram.offset },
    ram: { from: plan.ram.offset, to: plan.ram.offset + plan.ram.size },
  };
}

/** Divides the resident memory of a process as it is now. @throws Error when it has gone, or is no hartvisor */
function measure(pid: number, memory: LinearMemory): Attribution {
  const mappings = parseMappings(readFileSync(`/proc/${pid}/smaps`, 'utf8'));
  const linear = findLinear(mappings, memory);
  if (linear === undefined) throw new Error('the linear memory was not found among the mappings');
  const entries = Buffer.alloc((memory.bytes / PAGE) * PAGEMAP_ENTRY);
  const file = openSync(`/proc/${pid}/pagemap`, 'r');
  readSync(file, entries, 0, entries.length, (linear.from / PAGE) * PAGEMAP_ENTRY);
  closeSync(file);
  // The highest bit of an entry: the page is present.
  return attribute(mappings, memory, (offset) => {
    const highest = entries[(offset / PAGE) * PAGEMAP_ENTRY + PAGEMAP_ENTRY - 1] as number;
    return (highest & 0x80) !== 0;
  });
}

/** Statistics of the compilers of a process's harts: its memory holds the counters. */
function regionsOf(pid: number, memory: LinearMemory, harts: readonly number[]): RegionStatistics[] {
  const linear = findLinear(parseMappings(readFileSync(`/proc/${pid}/smaps`, 'utf8')), memory);
  const file = openSync(`/proc/${pid}/mem`, 'r');
  const all = harts.map((hart) => {
    const block = new Uint8Array(HART_BYTES);
    readSync(file, block, 0, block.length, (linear?.from ?? 0) + hart);
    return readRegionStatistics(block, 0);
  });
  closeSync(file);
  return all;
}

async function heapsOf(child: ChildProcess): Promise<readonly HeapReport[]> {
  const answer = new Promise<readonly HeapReport[]>((resolve) => {
    child.once('message', (heaps) => resolve(heaps as readonly HeapReport[]));
  });
  child.send('heaps');
  return Promise.race([answer, delay(10_000, [], { ref: false })]);
}

const mebibytes = (kibibytes: number): string => (kibibytes / 1024).toFixed(1).padStart(9);

function describe(attribution: Attribution, heaps: readonly HeapReport[]): string {
  const overhead = overheadOf(attribution);
  const rows = (Object.keys(USE) as Use[]).map((use) => `${mebibytes(attribution[use])}  ${USE[use]}`);
  const own = heaps.map(({ used, total, malloced, external }, index) => {
    const parts = [used, total, malloced, external].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    const [inUse, taken, compiler, kept] = parts;
    const thread = index === 0 ? 'main thread' : `worker ${index}`;
    return `           ${thread}: heap ${inUse} of ${taken}, compiler ${compiler}, outside ${kept}`;
  });
  return [
    '      MiB',
    ...rows,
    `${mebibytes(overhead + attribution.guestRam)}  resident`,
    `${mebibytes(overhead)}  overhead: all but guest RAM (${((overhead * 1024) / MB).toFixed(0)} MB)`,
    '           as V8 counts, MiB:',
    ...own,
  ].join('\n');
}

async function main(): Promise<number> {
  const options = readOptions();
  const plan = planOf(options);
  const memory = linearMemoryOf(plan);
  const probe = join(import.meta.dirname, 'memory', 'probe.ts');
  const child = spawn(process.execPath, ['--import', probe, ...options.command], {
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let log = '';
  let ended = false;
  child.once('close', () => {
    ended = true;
  });
  const booted = new Promise<void>((resolve, reject) => {
    const see = (chunk: Buffer) => {
      log = (log + chunk).slice(-10_000);
      if (log.includes(options.marker)) resolve();
    };
    child.stdout?.on('data', see);
    child.stderr?.on('data', see);
    child.once('close', () => reject(new Error(`hartvisor ended before userspace:\n${log.slice(-1000)}`)));
    setTimeout(() => reject(new Error('no userspace in time')), BOOT_SECONDS * 1000).unref();
  });
  await booted;
  const start = performance.now();
  let overhead = 0;
  do {
    await delay((options.every ?? options.rest) * 1000);
    if (ended || child.pid === undefined) {
      if (overhead > 0) break;
      console.log(`hartvisor ended before its memory was looked at:\n${log.slice(-1000)}`);
      return 1;
    }
    const attribution = measure(child.pid, memory);
    overhead = (overheadOf(attribution) * 1024) / MB;
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`${seconds} s after the boot\n${describe(attribution, await heapsOf(child))}`);
    for (const { live, compiled, bytes } of regionsOf(child.pid, memory, plan.harts))
      console.log(`           regions: ${live} now, ${compiled} so far, ${(bytes / 1024).toFixed(0)} KiB`);
  } while (options.every !== undefined);
  process.off('exit', kill);
  kill();
  if (overhead < options.limit) return 0;
  console.log(`the overhead is not below ${options.limit} MB`);
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  // parseArgs throws TypeError for what it does not know.
  if (!(error instanceof InputError || error instanceof TypeError)) throw error;
  process.stderr.write(`memory: ${error.message}\n`);
  process.exitCode = 2;
}
