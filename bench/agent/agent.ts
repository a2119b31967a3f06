/**
 * The guest's agent: the same client, agent, kernel, initrd, vCPUs and memory with hartvisor in the process of the
 * benchmark, as a program has it by `boot`, and with QEMU's virtserialport behind a socket, in turns.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestAgent } from '../../src/agent/agent.ts';
import { initramfs } from '../../src/boot/initramfs.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { guestSetUp } from '../../src/node/guests/guest-parts.ts';
import { type Contender, prepareField } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { RunFailure } from '../measured-run.ts';
import type { NetOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { median } from '../statistics.ts';
import { formatSeconds } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { takeTurns } from '../turns.ts';
import { formatWorkRows, type WorkRow, workRows } from '../work-rows.ts';
import { type GuestFiles, startHartvisor, startQemu } from './machines.ts';

const MEGABYTE = 1_000_000;
/** Commands that are run before others are measured: the guest's code is compiled by then. */
const WARM_UP = 100;
const COMMANDS = 200;
/** The same for outputs and files. */
const FIRST = 3;
const OUTPUT = 200 * MEGABYTE;
const FILE = 100 * MEGABYTE;

/** Things that are done, each with its time in seconds. */
const WORK = [
  { name: 'true', about: "run(['true']), median", measure: runTrue },
  { name: 'stat', about: "files.stat('/'), median", measure: lookAt },
  { name: 'stdout', about: `${OUTPUT / MEGABYTE} MB through stdout`, measure: readOutput },
  { name: 'write', about: `files.write of ${FILE / MEGABYTE} MB`, measure: writeFile },
  { name: 'read', about: `files.read of ${FILE / MEGABYTE} MB`, measure: readFile },
] as const;

/** Everything that was measured. */
export interface AgentResult {
  readonly setting: Setting;
  readonly rows: readonly WorkRow[];
}

/**
 * Measures the agent.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU or the guest is missing; RunFailure when a guest does not do its work
 */
export async function runAgentBench(
  options: NetOptions,
  onProgress: (line: string) => void,
): Promise<AgentResult> {
  if (options.checkouts.length > 0 || options.engines.length > 0)
    throw new InputError('bench -- agent has no --checkout and no --engine: it measures its own process.');
  using directory = temporaryDirectory('agent');
  const field = await prepareField(options, directory.path, onProgress);
  const guest = await guestFiles(directory.path, onProgress);
  const rows: WorkRow[] = [];
  for (const vcpus of options.smp) {
    const runs = await takeTurns(field, options.runs, async (contender, turn) => {
      const seconds = await runOnce(contender, vcpus, guest, options);
      const times = [...seconds].map(([name, each]) => `${name} ${formatSeconds(each)} s`).join(', ');
      onProgress(`turn ${turn + 1}/${options.runs}, ${vcpus} vCPUs, ${contender.label}: ${times}`);
      return seconds;
    });
    rows.push(...workRows(field, vcpus, WORK, runs));
  }
  return { setting: readSetting(field), rows };
}

async function guestFiles(directory: string, onProgress: (line: string) => void): Promise<GuestFiles> {
  const { kernelPath, busyboxPath, version } = await debianFiles(onProgress);
  const { files, setUp } = await guestSetUp(version, { virtio: 'pci', agent: true }, {});
  const initrd = join(directory, 'initrd');
  const busybox = readFileSync(busyboxPath);
  writeFileSync(initrd, initramfs({ busybox, extraFiles: files, setUp, run: 'sleep 100000' }));
  return { kernel: kernelPath, initrd, directory };
}

async function runOnce(
  contender: Contender,
  vcpus: number,
  guest: GuestFiles,
  { memory, timeout }: NetOptions,
): Promise<ReadonlyMap<string, number>> {
  const start = contender.kind === 'qemu' ? startQemu : startHartvisor;
  const machine = await start(contender, guest, { vcpus, memory });
  const signal = AbortSignal.timeout(timeout * 1000);
  try {
    const seconds = new Map<string, number>();
    await machine.agent.connection.ready(signal);
    for (const { name, measure } of WORK) seconds.set(name, await measure(machine.agent, signal));
    return seconds;
  } catch (error) {
    throw new RunFailure(`The guest of ${contender.label} did not do its work: ${String(error)}`);
  } finally {
    await machine.stop();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

async function medianOf(work: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = [];
  for (let count = 0; count < WARM_UP + COMMANDS; count++) {
    const each = await timed(work);
    if (count >= WARM_UP) seconds.push(each);
  }
  return median(seconds);
}

function runTrue({ commands }: GuestAgent, signal: AbortSignal): Promise<number> {
  return medianOf(() => commands.run(['true'], { signal }));
}

function lookAt({ files }: GuestAgent, signal: AbortSignal): Promise<number> {
  return medianOf(() => files.stat('/', { signal }));
}

/** The time of the fourth time: V8 and hartvisor have compiled by then. */
async function warmed(work: () => Promise<unknown>): Promise<number> {
  for (let count = 0; count < FIRST; count++) await work();
  return timed(work);
}

async function readOutput({ commands }: GuestAgent, signal: AbortSignal): Promise<number> {
  const read = async () => {
    const job = await commands.start(`dd if=/dev/zero bs=64k count=${OUTPUT / 64_000} 2> /dev/null`, {
      signal,
    });
    const reader = job.stdout.getReader();
    for (let part = await reader.read(); !part.done; ) part = await reader.read();
  };
  return warmed(read);
}

async function writeFile({ files }: GuestAgent, signal: AbortSignal): Promise<number> {
  const data = new Uint8Array(FILE).fill(7);
  return warmed(() => files.write('/tmp/file', data, { signal }));
}

async function readFile({ files }: GuestAgent, signal: AbortSignal): Promise<number> {
  return warmed(() => files.read('/tmp/file', { signal }));
}

/** The result for people. */
export function formatAgentResult(result: AgentResult): string {
  const labels = result.setting.contenders.map(({ label }) => label);
  return [
    "The guest's agent: speed relative to the same agent and client with QEMU (above 1: faster than QEMU)",
    describeSetting(result.setting),
    `medians of ${result.rows[0]?.samples[labels[0]].length ?? 0} turns`,
    '',
    formatWorkRows('work', labels, result.rows),
  ].join('\n');
}
