/**
 * Saves `tick` at random moments and goes on with it in another machine, again and again: it counts all interrupts
 * itself, and says in the end whether one was lost or came from nowhere.
 *
 *     node scripts/snapshot-soak.ts [--cycles 1000] [--vcpus 4] [--pcpus 2] [--moved PCPUS] [--aia aplic-imsic]
 *                                   [--cpu rv32] [--seed N]
 *
 * Every third time the machine goes through a file, else it is copied. The machine after it has any number of threads,
 * unless `--moved` gives one.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { DomainConfig } from '../src/machine/domain/config.ts';
import { Machine } from '../src/machine/machine.ts';
import type { RestoreConfig } from '../src/machine/snapshot/draft.ts';
import type { SavedMachine } from '../src/machine/snapshot/saved-machine.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { openSnapshot, saveSnapshot } from '../src/node/snapshots/snapshot-file.ts';

const MIB = 2 ** 20;
/** Cycles of one run of the guest, which then has to come to its own end. */
const CYCLES_EACH = 50;
/** Milliseconds between two of them at most. */
const LONGEST_STAY = 60;
/** Milliseconds for a guest to come to its end. */
const LIMIT = 120_000;

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    vcpus: { type: 'string', default: '4' },
    pcpus: { type: 'string', default: '2' },
    moved: { type: 'string' },
    aia: { type: 'string', default: 'none' },
    cpu: { type: 'string', default: 'rv64' },
    seed: { type: 'string', default: '1' },
  },
});
const vcpus = Number(values.vcpus);
const xlen = values.cpu === 'rv32' ? 32 : 64;
const kernelFile = new URL(`../guests/tick/tick${xlen === 32 ? '-rv32' : ''}.elf`, import.meta.url);
const kernel = await readKernel(readFileSync(kernelFile), 'tick', {}, xlen);
const folder = mkdtempSync(join(tmpdir(), 'hartvisor-soak-'));
let seed = Number(values.seed);

/** Below `end`. */
function random(end: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * end);
}

class Run {
  output = '';
  machine: Machine;

  constructor(config: DomainConfig | RestoreConfig) {
    this.machine = this.#start(config);
  }

  #start(config: DomainConfig | RestoreConfig): Machine {
    const decoder = new TextDecoder();
    const machine = new Machine(config, new NodeHost(), {
      console: {
        output: (bytes) => {
          this.output += decoder.decode(bytes, { stream: true });
          return undefined;
        },
      },
    });
    machine.start();
    return machine;
  }

  /** @returns whether it could be moved: not at the guest's end */
  async move(throughFile: boolean): Promise<boolean> {
    const before = this.machine;
    const pcpus = values.moved === undefined ? 1 + random(vcpus) : Number(values.moved);
    // It stays where it is: what is printed behind the save would be printed twice.
    await before.pause();
    let saved: SavedMachine;
    try {
      saved = await (throughFile ? throughAFile(before, pcpus) : before.fork(pcpus));
    } catch (error) {
      if (await endsSoon(before)) return false;
      throw error;
    }
    before.stop();
    await before.ended;
    this.machine = this.#start({ kind: 'restored', saved, debug: true });
    return true;
  }
}

async function throughAFile(machine: Machine, pcpus: number): Promise<SavedMachine> {
  const file = join(folder, 'machine');
  await machine.save((state) => saveSnapshot(file, state));
  return (await openSnapshot(file)).machine({ pcpus });
}

function endsSoon(machine: Machine): Promise<boolean> {
  return Promise.race([machine.ended.then(() => true), delay(LIMIT, false)]);
}

/** @returns cycles until the guest's end, which comes earlier on a host that is busy */
async function runOnce(cycles: number): Promise<number> {
  const first: DomainConfig = {
    ...{ kind: 'domain', vcpus, pcpus: Number(values.pcpus), memoryBytes: 32 * MIB, xlen },
    ...{ protocol: 'take-mirror', kernel, debug: true },
    bootArgs: `seconds=${Math.ceil((cycles * LONGEST_STAY) / 2500)} seed=${1 + random(1_000_000)}`,
    ...(values.aia === 'aplic-imsic' ? { aia: values.aia } : {}),
  };
  const run = new Run(first);
  let cycle = 0;
  do await delay(random(LONGEST_STAY));
  while ((await run.move(cycle % 3 === 0)) && ++cycle < cycles);
  const limit = setTimeout(() => run.machine.stop(), LIMIT);
  const end = await run.machine.ended;
  clearTimeout(limit);
  if (end.reason === 'poweroff' && run.output.includes('tick: PASS')) return cycle;
  console.error(run.output, end);
  throw new Error('the guest has lost something, or got something from nowhere');
}

try {
  let left = Number(values.cycles);
  for (let done = 0; left > 0; ) {
    const cycles = await runOnce(Math.min(left, CYCLES_EACH));
    left -= cycles;
    done += cycles;
    console.log(`${done} cycles: nothing lost, nothing invented`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit();
