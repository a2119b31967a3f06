/** Machines that are saved at any moment, and gone on with by others. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { MachineConfig } from '../src/machine/config.ts';
import { Machine } from '../src/machine/machine.ts';
import type { RestoreConfig } from '../src/machine/snapshot/draft.ts';
import type { SavedMachine } from '../src/machine/snapshot/saved-machine.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { openSnapshot, saveSnapshot } from '../src/node/snapshots/snapshot-file.ts';
import { bareProgram, finish } from './machine/programs.ts';

const MIB = 2 ** 20;
const LIMIT_MS = 240_000;
const folder = mkdtempSync(join(tmpdir(), 'hartvisor-snapshots-'));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (name: string, xlen: 32 | 64) =>
  readKernel(readFileSync(new URL(`../guests/tick/${name}`, import.meta.url)), name, {}, xlen);
const kernels = { 32: await read('tick-rv32.elf', 32), 64: await read('tick.elf', 64) } as const;

function start(config: MachineConfig | RestoreConfig, host = new NodeHost()) {
  const decoder = new TextDecoder();
  let output = '';
  const machine = new Machine(config, host, {
    console: {
      output: (bytes) => {
        output += decoder.decode(bytes, { stream: true });
        return undefined;
      },
    },
  });
  machine.start();
  return { machine, output: () => output };
}

/** Through a file, to a machine on so many threads. */
async function throughFile(machine: Machine, pcpus: number): Promise<SavedMachine> {
  const file = join(folder, 'machine.snapshot');
  await machine.save((saved) => saveSnapshot(file, saved));
  return (await openSnapshot(file)).machine({ pcpus });
}

/** Runs a machine to its end, in so many others one after the other. @returns all output, and the end */
async function runInParts(
  config: MachineConfig,
  parts: number,
  next: (machine: Machine, count: number) => Promise<SavedMachine>,
) {
  let current = start(config);
  let output = '';
  let moves = 0;
  let ended = false;
  for (; moves < parts && !ended; moves++) {
    void current.machine.ended.then(() => {
      ended = true;
    });
    for (let turn = 0; turn < 20 + 37 * (moves % 7); turn++) await setImmediate();
    const saved = await next(current.machine, moves);
    current.machine.stop();
    await current.machine.ended;
    ended = false;
    output += current.output();
    current = start({ kind: 'restored', saved, debug: true });
  }
  const end = await current.machine.ended;
  return { end, output: output + current.output(), moves };
}

describe('tick loses nothing and gets nothing from nowhere', () => {
  const tick = (more: Partial<MachineConfig>): MachineConfig =>
    ({
      ...{ kind: 'domain', vcpus: 4, pcpus: 2, memoryBytes: 32 * MIB, protocol: 'take-mirror' },
      ...{ kernel: kernels[64], bootArgs: 'seconds=1', debug: true, ...more },
    }) as MachineConfig;

  test(
    'when it is copied to other numbers of threads',
    async () => {
      let places: number[] = [];
      const copy = async (machine: Machine, count: number) => {
        const saved = await machine.fork(1 + (count % 4));
        // Code that one of them has compiled is known to all that come after it.
        const known = Array.from(saved.hot, (entry) => entry >>> 1);
        expect(known).toEqual(expect.arrayContaining(places));
        places = known;
        return saved;
      };
      const { end, output } = await runInParts(tick({}), 3, copy);
      expect(end, output).toEqual({ reason: 'poweroff' });
      expect(output).toContain('tick: PASS');
    },
    LIMIT_MS,
  );

  test.each([
    ['RV32', { xlen: 32, kernel: kernels[32] }],
    ['interrupt files', { aia: 'aplic-imsic' }],
  ] as const)(
    'through files, with %s',
    async (_, more) => {
      const { end, output } = await runInParts(tick(more), 2, (machine, count) =>
        throughFile(machine, 1 + (count % 4)),
      );
      expect(end, output).toEqual({ reason: 'poweroff' });
      expect(output).toContain('tick: PASS');
    },
    LIMIT_MS,
  );
});

/** Hart 0 counts to the end in x, f and protected memory, while hart 1 sleeps in between the ticks of its timer. */
const counting: MachineConfig = {
  ...{ kind: 'bare', harts: 2, memoryBytes: 16 * MIB },
  program: bareProgram(`
    csrr t0, mhartid; bnez t0, sleeper
    li s0, 200000000
  count: addi s0, s0, -1; bnez s0, count
    ${finish(0x5555)}
  stay: j stay
  sleeper: li t1, 0x0200bff8; li t2, 0x02004008; li t3, 0x80; csrw mie, t3
  next: ld t0, (t1); li t3, 5000; add t0, t0, t3; sd t0, (t2)
    wfi; j next`),
};

test(
  'a bare machine goes on where it was',
  async () => {
    const { end, moves } = await runInParts(counting, 2, (machine) => throughFile(machine, 1));
    expect(end).toEqual({ reason: 'poweroff' });
    expect(moves).toBe(2);
  },
  LIMIT_MS,
);

test('a program does not come to its end while it saves a machine that it would not wait for', async () => {
  const source = (path: string) => new URL(`../src/${path}`, import.meta.url).href;
  const program = `
    import { Machine } from '${source('machine/machine.ts')}';
    import { NodeHost } from '${source('node/node-host.ts')}';
    const kernel = { kind: 'image', bytes: Uint8Array.of(0x6f, 0, 0, 0), textOffset: 0x200000, memorySize: 4096 };
    const config = { kind: 'domain', vcpus: 1, pcpus: 1, memoryBytes: ${16 * MIB}, bootArgs: '', protocol: 'take-mirror', kernel };
    const host = new NodeHost({ background: true });
    const machine = new Machine(config, host, { console: { output: () => undefined } });
    machine.start();
    const { milliseconds } = await machine.fork();
    console.log('saved', milliseconds > 0);`;
  const file = join(folder, 'program.mjs');
  writeFileSync(file, program);
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  expect(stdout).toBe('saved true\n');
});
