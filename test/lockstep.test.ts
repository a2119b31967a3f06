/** Compiled and interpreted code beside each other: generated programs, tick, and the beginning of a Linux boot. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { MachineConfig } from '../src/machine/config.ts';
import { Machine } from '../src/machine/machine.ts';
import type { MachineEnd } from '../src/machine/machine-end.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { debianGuest } from './machine/debian-guest.ts';
import { LockstepStreams } from './streams/in-lockstep.ts';

const LIMIT_MS = 240_000;

const guest = await debianGuest();

interface LockstepRun {
  readonly end: MachineEnd;
  readonly output: string;
  readonly instructions: number;
  /** Instructions that compiled code has retired. */
  readonly compiled: number;
}

/** Runs a machine in lock step until it ends, or has printed `last`. */
async function run(config: MachineConfig, last?: string): Promise<LockstepRun> {
  const decoder = new TextDecoder();
  let output = '';
  const machine = new Machine({ ...config, engine: 'lockstep' }, new NodeHost(), {
    console: {
      output: (bytes) => {
        output += decoder.decode(bytes, { stream: true });
        if (last !== undefined && output.includes(last)) machine.stop();
        return undefined;
      },
    },
  });
  machine.start();
  const end = await machine.ended;
  const instructions = machine.stats().reduce((sum, vcpu) => sum + vcpu.instructions, 0);
  const compiled = machine.regionStats().reduce((sum, { retired }) => sum + retired, 0);
  expect(machine.regionStats().every(({ refused }) => refused === 0)).toBe(true);
  return { end, output, instructions, compiled };
}

test.each([
  ['at the start', 64, 0, 12],
  ['above 2 GiB', 64, 0x9000_0000, 4],
  ['at the start', 32, 0, 12],
] as const)(
  'generated programs do the same: %s of linear memory, on RV%i',
  (_, xlen, origin, programs) => {
    const streams = new LockstepStreams(600, 16, origin, xlen);
    for (let seed = 1; seed <= programs; seed++) streams.run(seed);
    const { tally } = streams;
    expect(tally.reports.join('\n\n')).toBe('');
    expect(tally.regions).toBeGreaterThan(15 * programs);
    expect(tally.compiledInstructions).toBeGreaterThan(4000 * programs);
  },
  LIMIT_MS,
);

describe('tick', () => {
  const file = new URL('../guests/tick/tick.elf', import.meta.url);

  test(
    'does the same on two vCPUs',
    async () => {
      const kernel = await readKernel(readFileSync(file), 'tick.elf');
      const config: MachineConfig = {
        kind: 'domain',
        vcpus: 2,
        pcpus: 1,
        memoryBytes: 32 << 20,
        protocol: 'take-mirror',
        kernel,
        bootArgs: 'rounds=200',
      };
      const first = await run(config);
      expect(first.end, first.output).toEqual({ reason: 'poweroff' });
      expect(first.output).toContain('tick: PASS');
      expect(first.compiled).toBeGreaterThan(first.instructions / 10);
    },
    LIMIT_MS,
  );
});

describe.skipIf(guest === undefined)('Linux', () => {
  test(
    'does the same until it has counted its memory',
    async () => {
      if (guest === undefined) throw new Error('there is no guest');
      const kernel = await readKernel(readFileSync(guest.kernelPath), guest.kernelPath);
      const initrd = initramfs({ busybox: readFileSync(guest.busyboxPath), run: '' });
      const bootArgs = 'console=ttyS0 earlycon=sbi';
      const memoryBytes = 256 << 20;
      const config: MachineConfig = {
        ...{ kind: 'domain', vcpus: 1, pcpus: 1, protocol: 'take-mirror' },
        ...{ memoryBytes, kernel, initrd, bootArgs },
      };
      const { end, output, instructions, compiled } = await run(config, 'Memory: ');
      expect(end, output.slice(-2000)).toEqual({ reason: 'stopped' });
      expect(instructions).toBeGreaterThan(20_000_000);
      expect(compiled).toBeGreaterThan(instructions / 10);
    },
    LIMIT_MS,
  );
});
