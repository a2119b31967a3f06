/** A protocol that loses interrupts is caught in the act. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readKernel } from '../../src/boot/kernel-image.ts';
import { forceOrder } from '../../src/node/forced-order.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { runTraced } from './run-traced.ts';

const LIMIT_MS = 240_000;
/** That of the counterexample published/ipi-after-round. */
const ORDER = 'VSVS';
const kernel = await readKernel(readFileSync(new URL('../../guests/tick/tick.elf', import.meta.url)), 'tick');

/**
 * Runs tick until it passes or fails, with the accesses of sync (V) and set (S) in the order that `published` loses by.
 */
function runForced(protocol: string, seconds: number, watchdog: number) {
  const host = new NodeHost();
  forceOrder(host, ORDER);
  const shape = { kind: 'domain', vcpus: 2, pcpus: 2, memoryBytes: 32 << 20, kernel } as const;
  return runTraced(
    { ...shape, protocol, bootArgs: `seconds=${seconds} watchdog=${watchdog}` },
    LIMIT_MS,
    host,
  );
}

test(
  'an IPI that the published protocol loses is a number, and an arrow that ends at LOST',
  async () => {
    const { output, read, trace } = await runForced('published', 40, 3);
    expect(output).toContain('tick: FAIL');
    const lost = trace.cpus.reduce((sum, { software }) => sum + software.lost, 0);
    expect(lost).toBeGreaterThan(0);
    const ends = read.events.filter(({ name }) => name === 'LOST software interrupt');
    expect(ends).toHaveLength(lost);
    for (const { ends: flows, track } of ends) {
      const names = read.arrows.get(flows[0])?.map(({ name }) => name);
      expect(names).toEqual([`set software interrupt of ${track}`, 'LOST software interrupt']);
    }
    expect(trace.cpus.map(({ software }) => software.spurious)).toEqual([0, 0]);
  },
  LIMIT_MS,
);

test(
  'in the same order the shipped protocol loses none',
  async () => {
    const { output, trace } = await runForced('take-mirror', 1, 60);
    expect(output).toContain('tick: PASS');
    expect(trace.cpus.map(({ software }) => software.lost + software.spurious)).toEqual([0, 0]);
  },
  LIMIT_MS,
);
