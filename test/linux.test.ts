/** Debian's kernel on vCPUs, from its first instruction to power-off. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { DomainAia } from '../src/devices/descriptor.ts';
import { debianGuest } from './machine/debian-guest.ts';
import { guestScript, QUICK_START } from './machine/guest-script.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
const TROUBLE = /rcu.*stall|soft lockup|hard LOCKUP|Oops|BUG:|WARNING:|Call Trace|self-detected/;

const guest = await debianGuest();

const script = `
echo "nproc: $(nproc)"
grep -c '^processor' /proc/cpuinfo | sed 's/^/processors: /'
sed -n 's/^isa[^:]*: /isa: /p' /proc/cpuinfo | head -n 1
cat /proc/interrupts > /tmp/first
# All processors do something, for each other too: pipelines of several processes, and sleeps for the timers.
for round in 1 2 3 4; do
  for one in 1 2 3 4; do (seq 1 400 | sort -r | uniq | wc -l > /dev/null; sleep 0.2) & done
  wait
done
echo begin first; cat /tmp/first; echo end first
echo begin second; cat /proc/interrupts; echo end second
echo "pipeline: $(seq 1 1000 | grep 7 | sort -rn | head -n 3 | tr '\\n' ' ')"
echo "sum: $(seq 1 100 | awk '{ s += $1 } END { print s }')"
dmesg | grep -ci 'stall\\|lockup' | sed 's/^/trouble: /'
`;

async function boot(
  vcpus: number,
  pcpus: number,
  words: string,
  aia: DomainAia = 'none',
): Promise<MachineRun> {
  if (guest === undefined) throw new Error('there is no guest');
  const kernel = await readKernel(readFileSync(guest.kernelPath), guest.kernelPath);
  const initrd = initramfs({ busybox: readFileSync(guest.busyboxPath), run: guestScript(script) });
  return runMachine(
    {
      kind: 'domain',
      vcpus,
      pcpus,
      memoryBytes: 512 * 1024 * 1024,
      protocol: 'take-mirror',
      aia,
      kernel,
      initrd,
      bootArgs: `console=ttyS0 earlycon=sbi ${words}`,
      debug: true,
    },
    LIMIT_MS,
  );
}

/** Counts of a line of /proc/interrupts, one for each processor. */
function interrupts(output: string, part: 'first' | 'second', line: RegExp): number[] {
  const text = output.split(`begin ${part}`)[1]?.split(`end ${part}`)[0] ?? '';
  const found = text.split(/\r?\n/).find((candidate) => line.test(candidate));
  if (found === undefined) throw new Error(`no ${line} in /proc/interrupts:\n${text}`);
  const words = found.trim().split(/\s+/).slice(1);
  return words
    .slice(
      0,
      words.findIndex((word) => !/^\d+$/.test(word)),
    )
    .map(Number);
}

/** Sums of all lines, for the several kinds of IPI. */
function sums(output: string, part: 'first' | 'second', line: RegExp, vcpus: number): number[] {
  const text = output.split(`begin ${part}`)[1]?.split(`end ${part}`)[0] ?? '';
  const rows = text.split(/\r?\n/).filter((candidate) => line.test(candidate));
  return Array.from({ length: vcpus }, (_, index) =>
    rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/)[index + 1]), 0),
  );
}

describe.skipIf(guest === undefined)('Debian boots to userspace and powers off', () => {
  test.each([
    [1, 1, QUICK_START],
    // All of the kernel's start.
    [2, 2, ''],
  ])(
    'on %i vCPUs over %i pCPUs',
    async (vcpus, pcpus, words) => {
      const { end, output, stats } = await boot(vcpus, pcpus, words);
      expect(end, output.slice(-2000)).toEqual({ reason: 'poweroff' });
      expect(output).toContain(`nproc: ${vcpus}\r\n`);
      expect(output).toContain(`processors: ${vcpus}\r\n`);
      expect(output).toMatch(/^isa: rv64imafdc/m);
      expect(output).toContain('pipeline: 997 987 979');
      expect(output).toContain('sum: 5050');
      expect(output).toContain('trouble: 0');
      expect(output).not.toMatch(TROUBLE);
      const timer = /riscv-timer/;
      const before = interrupts(output, 'first', timer);
      const after = interrupts(output, 'second', timer);
      expect(after).toHaveLength(vcpus);
      for (const [index, count] of after.entries()) expect(count).toBeGreaterThan(before[index] ?? 0);
      for (const vcpu of stats) {
        expect(vcpu.deliveredTimer).toBeGreaterThan(0);
        expect(vcpu.sleeps).toBeGreaterThan(0);
      }
      if (vcpus === 1) return;
      const ipiBefore = sums(output, 'first', /^\s*IPI\d+:/, vcpus);
      const ipiAfter = sums(output, 'second', /^\s*IPI\d+:/, vcpus);
      for (const [index, count] of ipiAfter.entries()) expect(count).toBeGreaterThan(ipiBefore[index] ?? 0);
      for (const [index, count] of ipiAfter.entries()) {
        expect(stats[index]?.setSoft).toBeGreaterThan(0);
        // The kernel multiplexes its kinds of IPI over one software interrupt.
        expect(count).toBeGreaterThan(0);
      }
    },
    LIMIT_MS + 20_000,
  );

  test(
    'on 4 vCPUs over 2 pCPUs with interrupt files, between which its IPIs are messages',
    async () => {
      const { end, output, stats } = await boot(4, 2, QUICK_START, 'aplic-imsic');
      expect(end, output.slice(-2000)).toEqual({ reason: 'poweroff' });
      expect(output).toContain('riscv-imsic: imsics@28000000: providing IPIs using interrupt 1');
      expect(output).toContain('nproc: 4\r\n');
      expect(output).toContain('pipeline: 997 987 979');
      expect(output).toContain('trouble: 0');
      expect(output).not.toMatch(TROUBLE);
      expect(
        Math.max(...interrupts(output, 'second', /APLIC-MSI-d000000\.aplic\s+10 .*ttyS0/)),
      ).toBeGreaterThan(0);
      const before = sums(output, 'first', /^\s*IPI\d+:/, 4);
      for (const [vcpu, count] of sums(output, 'second', /^\s*IPI\d+:/, 4).entries()) {
        expect(count).toBeGreaterThan(before[vcpu] ?? 0);
      }
      // Nobody asks the SBI for one.
      expect(stats.map(({ setSoft }) => setSoft)).toEqual([0, 0, 0, 0]);
    },
    LIMIT_MS + 20_000,
  );
});
