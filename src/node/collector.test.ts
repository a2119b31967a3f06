import type { Session } from 'node:inspector/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Collector, openCollector } from './collector.ts';

/** An inspector that only counts. */
function counted() {
  const post = vi.fn<(method: string) => Promise<void>>(() => Promise.resolve());
  return { post, collector: new Collector({ post } as unknown as Session) };
}

test('garbage is collected for a thread that has no next machine', async () => {
  const collector = await openCollector();
  const garbage = new WeakRef({ large: new Uint8Array(1000) });
  // A reference lives as long as the job that has made it.
  await delay(0);
  await collector?.collectBefore(new Promise(() => undefined));
  expect(garbage.deref()).toBeUndefined();
});

test('a next machine that comes at once is not kept waiting, but for each fourth one', async () => {
  const { post, collector } = counted();
  const calls: number[] = [];
  for (let machine = 0; machine < 8; machine++) {
    await collector.collectBefore(Promise.resolve());
    calls.push(post.mock.calls.length);
  }
  expect(calls).toEqual([0, 0, 0, 1, 1, 1, 1, 2]);
});
