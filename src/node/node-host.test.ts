import { expect, test } from 'vitest';
import type { WorkerStart } from '../machine/worker.ts';
import { NodeHost } from './node-host.ts';

/** Not the start of any machine. */
const nonsense = { kind: 'domain' } as WorkerStart;

test('a thread that fails is reported once, with its error', async () => {
  const ends: (Error | undefined)[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  new NodeHost().spawn(
    nonsense,
    () => undefined,
    (error) => {
      ends.push(error);
      resolve();
    },
  );
  await promise;
  await new Promise((done) => setImmediate(done));
  expect(ends).toHaveLength(1);
  expect(ends[0]).toBeInstanceOf(Error);
  expect(ends[0]?.stack).toMatch(/machine/);
});

test('a thread that is ended from outside has not failed', async () => {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const thread = new NodeHost().spawn(nonsense, () => undefined, resolve);
  await thread.terminate();
  expect(await promise).toBeUndefined();
});
