/** Traces of machines in a program. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  boot,
  InputError,
  type LiveInterrupt,
  MOMENT,
  MOMENT_COUNTS,
  MOMENT_ROW,
  MOMENT_STEPS,
  type MomentStep,
} from '../../src/node/index.ts';
import { readTrace } from './read-trace.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-trace-api-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const tick = { guest: 'tick', append: 'rounds=3', memory: '32M', cpus: 2 } as const;

test('boot records into a file, and gives the interrupts as they come', async () => {
  const path = join(directory, 'trace');
  const vm = await boot({ ...tick, trace: path });
  const events: LiveInterrupt[] = [];
  for await (const event of vm.interrupts()) events.push(event);
  expect(await vm.ended).toEqual({ reason: 'poweroff' });
  const { stats, machine } = { stats: vm.stats(), machine: vm.machine };
  const delivered = stats.reduce((sum, { deliveredTimer }) => sum + deliveredTimer, 0);
  expect(machine.traceReport?.cpus.reduce((sum, { timers }) => sum + timers, 0)).toBe(delivered);
  expect(events.filter(({ what, cause }) => what === 'taken' && cause === 5).length).toBeGreaterThan(0);
  const read = readTrace(readFileSync(path));
  expect(read.events.filter(({ name }) => name === 'timer interrupt')).toHaveLength(delivered);
});

test('moments tell all that happens, with the counts so far', async () => {
  const vm = await boot({ ...tick, trace: true });
  const moments = vm.moments();
  expect(moments.subject.threads).toEqual(['pCPU 0', 'pCPU 1', 'main thread']);
  const seen = new Map<MomentStep, number>();
  const flows = new Map<number, MomentStep[]>();
  let counts: Float64Array = new Float64Array();
  let missing = 0;
  for await (const batch of moments) {
    missing += batch.missing;
    counts = batch.counts;
    for (let at = 0; at < batch.rows.length; at += MOMENT_ROW) {
      const step = MOMENT_STEPS[batch.rows[at + MOMENT.step]] ?? 'gap';
      const flow = batch.rows[at + MOMENT.flow];
      seen.set(step, (seen.get(step) ?? 0) + 1);
      if (flow > 0) flows.set(flow, [...(flows.get(flow) ?? []), step]);
      expect(batch.rows[at + MOMENT.lane]).toBeLessThan(2 + moments.subject.threads.length);
    }
  }
  expect(missing).toBe(0);
  const total = (name: (typeof MOMENT_COUNTS)[number]) =>
    [0, 1].reduce((sum, cpu) => sum + counts[cpu * MOMENT_COUNTS.length + MOMENT_COUNTS.indexOf(name)], 0);
  expect(total('set')).toBe(seen.get('set'));
  expect(total('taken') + total('timers') + total('externals')).toBe(seen.get('take'));
  expect([total('lost'), total('spurious'), seen.get('gap')]).toEqual([0, 0, undefined]);
  for (const step of ['stay', 'kick', 'load', 'sleep', 'wake', 'inject'] as const)
    expect(seen.get(step), step).toBeGreaterThan(0);
  expect([...flows.values()].map((steps) => steps.join())).toContain('set,kick,inject,take');
});

test('a machine without a trace says so', async () => {
  await using vm = await boot(tick);
  expect(() => vm.interrupts()).toThrow(InputError);
  expect(() => vm.moments()).toThrow(InputError);
});

test('a file that cannot be written is a mistake with a message', async () => {
  const trace = join(directory, 'none', 'trace');
  await expect(boot({ ...tick, trace })).rejects.toThrow(InputError);
  await expect(boot({ ...tick, cpus: 1, trace: true, engine: 'lockstep' })).rejects.toThrow(/lock step/);
});
