/** The tick guest on real threads: it counts every interrupt it asks for and every one it gets. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readKernel } from '../src/boot/kernel-image.ts';
import { PROTOCOLS } from '../src/interrupts/protocols.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const read = (name: string, xlen: 32 | 64) =>
  readKernel(readFileSync(new URL(`../guests/tick/${name}`, import.meta.url)), name, {}, xlen);
const kernels = { 32: await read('tick-rv32.elf', 32), 64: await read('tick.elf', 64) } as const;
const LIMIT_MS = 240_000;
/** Enough for a guest that comes to a verdict. */
const STUCK_MS = 90_000;

/** Enough for each hart to do everything that it chooses by chance, however slow the machine is. */
const roundsFor = (vcpus: number): string => `rounds=${Math.max(24, 96 / vcpus)}`;

function runTick(
  vcpus: number,
  pcpus: number,
  bootArgs: string,
  protocol = 'take-mirror',
  xlen: 32 | 64 = 64,
  limitMs = LIMIT_MS,
): Promise<MachineRun> {
  const memoryBytes = 32 * 1024 * 1024;
  return runMachine(
    {
      kind: 'domain',
      xlen,
      vcpus,
      pcpus,
      memoryBytes,
      protocol,
      kernel: kernels[xlen],
      bootArgs,
      debug: true,
    },
    limitMs,
  );
}

interface Table {
  readonly rows: readonly Readonly<Record<string, number>>[];
  readonly all: Readonly<Record<string, number>>;
}

/** The table that tick prints: a row for each hart and one for all, columns by name. */
function tableOf(output: string): Table {
  const lines = output.split(/\r?\n/).map((line) => line.trim().split(/\s+/));
  const head = lines.findIndex((words) => words[0] === 'hart' && words.includes('ssis'));
  const names = lines[head] ?? [];
  const rows: Record<string, number>[] = [];
  for (const words of lines.slice(head + 1)) {
    if (words.length !== names.length) continue;
    const row = Object.fromEntries(names.slice(1).map((name, index) => [name, Number(words[index + 1])]));
    if (words[0] === 'all') return { rows, all: row };
    rows.push(row);
  }
  throw new Error(`tick printed no table:\n${output}`);
}

describe('tick loses nothing and gets nothing from nowhere', () => {
  test.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [4, 2],
    [8, 1],
    [8, 2],
  ])(
    'on %i vCPUs over %i pCPUs',
    async (vcpus, pcpus) => {
      const { end, output, stats } = await runTick(vcpus, pcpus, roundsFor(vcpus));
      expect(output).toContain('tick: PASS');
      expect(end).toEqual({ reason: 'poweroff' });
      expect(stats).toHaveLength(vcpus);
    },
    LIMIT_MS + 20_000,
  );

  test.each([
    [1, 1],
    [2, 2],
    [4, 2],
    [8, 1],
    [8, 2],
  ])(
    'on %i vCPUs of RV32 over %i pCPUs',
    async (vcpus, pcpus) => {
      const { end, output } = await runTick(vcpus, pcpus, roundsFor(vcpus), 'take-mirror', 32);
      expect(output).toContain('paging Sv32');
      expect(output).toContain('tick: PASS');
      expect(end).toEqual({ reason: 'poweroff' });
    },
    LIMIT_MS + 20_000,
  );

  test(
    'with timers by SBI calls only',
    async () => {
      const { end, output } = await runTick(2, 2, `${roundsFor(2)} sstc=0`);
      expect(output).toContain('timers by SBI');
      expect(end).toEqual({ reason: 'poweroff' });
    },
    LIMIT_MS + 20_000,
  );
});

describe('the counters of the machine', () => {
  test(
    'agree with what the guest counted itself',
    async () => {
      const { output, stats } = await runTick(4, 2, roundsFor(4));
      const { rows, all } = tableOf(output);
      expect(stats).toHaveLength(rows.length);
      for (const [index, row] of rows.entries()) {
        const vcpu = stats[index];
        if (vcpu === undefined) throw new Error('a vCPU is missing');
        // Interrupts that the guest took are those that the hart delivered.
        expect(vcpu.deliveredTimer, `timer interrupts of hart ${index}`).toBe(row.fired);
        expect(vcpu.deliveredSoft, `software interrupts of hart ${index}`).toBe(row.ssis);
        expect(vcpu.deliveredExternal, `external interrupts of hart ${index}`).toBe(row.ext);
        // Every stay in the guest ends for one reason.
        const { exits, exitYield, exitSbi, exitWfi, exitVirtual, exitOther } = vcpu;
        expect(exits).toBe(exitYield + exitSbi + exitWfi + exitVirtual + exitOther);
        // Tick counts a sleep ahead of the instruction, and at the end a hart may not get that far.
        expect((row.sleep ?? Number.NaN) - exitWfi).toBeOneOf([0, 1]);
        expect(vcpu.sleeps).toBeLessThanOrEqual(exitWfi);
        expect(vcpu.migrations).toBeLessThan(vcpu.loads);
        // An interrupt that was set was taken by a flush, at most as often as it was set.
        expect(vcpu.flushedSoft).toBeLessThanOrEqual(vcpu.setSoft);
      }
      const sum = (name: 'deliveredTimer' | 'deliveredSoft' | 'deliveredExternal' | 'setSoft'): number =>
        stats.reduce((total, vcpu) => total + vcpu[name], 0);
      const claimed = /tick: \d+ interrupts: (\d+) timer, (\d+) software, (\d+) external/.exec(output);
      expect([sum('deliveredTimer'), sum('deliveredSoft'), sum('deliveredExternal')]).toEqual(
        claimed?.slice(1).map(Number),
      );
      expect(sum('setSoft')).toBeGreaterThanOrEqual(all.sent ?? Number.POSITIVE_INFINITY);
    },
    LIMIT_MS + 20_000,
  );
});

/** Protocols that the checker proves in the default scenarios (`verify.test.ts`). */
const PROVEN = ['take-mirror', 'kvm-spinlock', 'minimal-patch', 'xen-minimal-patch'];

test.each(PROVEN.slice(1))(
  'the protocol %s, which is proven, loses nothing',
  async (protocol) => {
    const { end, output } = await runTick(2, 2, roundsFor(2), protocol);
    expect(output).toContain('tick: PASS');
    expect(end).toEqual({ reason: 'poweroff' });
  },
  LIMIT_MS + 20_000,
);

test.each(PROTOCOLS.map(({ name }) => name).filter((name) => !PROVEN.includes(name)))(
  'the protocol %s, which can lose interrupts, can be chosen; whether it does so is for tick to say',
  async (protocol) => {
    const { end, output } = await runTick(2, 2, `${roundsFor(2)} watchdog=3`, protocol, 64, STUCK_MS);
    expect(output).toMatch(/^tick: 2 harts/m);
    // A guest that has lost the timer of its watchdog comes to no verdict, and is stopped by the limit.
    if (output.includes('tick: PASS')) expect(end.reason).toBe('poweroff');
    else expect(end.reason).toBeOneOf(['failure', 'stopped']);
  },
  LIMIT_MS + 20_000,
);
