/** Threads that machines of one process have one after the other. */
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DomainConfig } from '../src/machine/domain/config.ts';
import type { WorkerStart } from '../src/machine/worker.ts';
import { openCollector } from '../src/node/collector.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { guestProgram, reset } from './machine/programs.ts';
import { runMachine } from './machine/run-machine.ts';

const MIB = 2 ** 20;
const LIMIT_MS = 60_000;

/** Threads that this process has started. */
let started = 0;
const count = () => started++;
beforeAll(() => {
  process.on('worker', count);
});
afterAll(() => {
  process.off('worker', count);
});
beforeEach(() => {
  started = 0;
});

/** Not the start of any machine. */
const nonsense = { kind: 'domain' } as WorkerStart;

/** A guest that ends at once, unless it does something before. */
function domain(more: Partial<DomainConfig> = {}, source = ''): DomainConfig {
  const kernel = guestProgram(source + reset(0, 0), more.xlen);
  const shape = { vcpus: 1, pcpus: 1, memoryBytes: 16 * MIB };
  return { kind: 'domain', ...shape, protocol: 'take-mirror', kernel, bootArgs: '', ...more };
}

async function run(config: DomainConfig): Promise<string> {
  const { end } = await runMachine(config, LIMIT_MS);
  return end.reason;
}

// The first test: no thread waits yet.
test('a thread that was started ahead of time is the first that is taken', async () => {
  const host = new NodeHost();
  host.prepare('domain');
  await new Promise((done) => setImmediate(done));
  expect(started).toBe(1);
  const ends = [0, 1].map(() => {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    host.spawn(nonsense, () => undefined, resolve);
    return promise;
  });
  for (const end of await Promise.all(ends)) expect(end?.stack).toMatch(/machine/);
  expect(started).toBe(2);
});

test('the threads of a machine that has ended are those of the next one', async () => {
  expect(await run(domain({ vcpus: 2, pcpus: 2 }))).toBe('poweroff');
  const first = started;
  for (let turn = 0; turn < 5; turn++) expect(await run(domain({ vcpus: 2, pcpus: 2 }))).toBe('poweroff');
  expect(started).toBe(first);
});

test('a machine of another width has threads of its own', async () => {
  expect(await run(domain())).toBe('poweroff');
  started = 0;
  expect(await run(domain({ xlen: 32 }))).toBe('poweroff');
  expect(started).toBe(1);
  expect(await run(domain())).toBe('poweroff');
  expect(started).toBe(1);
});

test('threads that compared two harts have no other machine', async () => {
  started = 0;
  // Takes those that wait first.
  for (let turn = 0; turn < 2 + availableParallelism(); turn++)
    expect(await run(domain({ engine: 'lockstep' }))).toBe('poweroff');
  expect(started).toBeGreaterThanOrEqual(2);
});

test('threads that wait keep nothing of the memory of their last machine', async () => {
  const collector = await openCollector();
  expect(collector).toBeDefined();
  const initrd = () => new Uint8Array(96 * MIB).fill(1);
  const resident = async () => {
    // This thread has the memory, too.
    await collector?.collectBefore(new Promise(() => undefined));
    return process.memoryUsage().rss / MIB;
  };
  const one = async () => {
    const config = domain({ memoryBytes: 128 * MIB, initrd: initrd() });
    expect(await run(config)).toBe('poweroff');
  };
  await one();
  const before = await resident();
  for (let turn = 0; turn < 3; turn++) await one();
  await expect.poll(async () => (await resident()) - before, { timeout: LIMIT_MS }).toBeLessThan(96);
  // It was not the end of the thread that freed it.
  started = 0;
  await one();
  expect(started).toBe(0);
}, 120_000);
