/** Traces of machines in a program. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { boot, InputError, type LiveInterrupt } from '../../src/node/index.ts';
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

test('a machine without a trace says so', async () => {
  await using vm = await boot(tick);
  expect(() => vm.interrupts()).toThrow(InputError);
});

test('a file that cannot be written is a mistake with a message', async () => {
  const trace = join(directory, 'none', 'trace');
  await expect(boot({ ...tick, trace })).rejects.toThrow(InputError);
  await expect(boot({ ...tick, cpus: 1, trace: true, engine: 'lockstep' })).rejects.toThrow(/lock step/);
});
