import { expect, test } from 'vitest';
import { runStress } from './stress-host.ts';

test('take-mirror loses and doubles nothing between real threads, with two senders', async () => {
  const { rows } = await runStress({ protocol: 'take-mirror', seconds: 0.5, senders: 2 });
  expect(rows).toMatchObject([{ lost: 0, doubled: 0, wrongLevels: 0 }]);
  expect(rows[0].sent).toBe(rows[0].received);
  expect(rows[0].bursts).toBeGreaterThanOrEqual(32);
});

test('the stop-gap without tracking loses some, and the run goes on after each loss', async () => {
  const { rows } = await runStress({ protocol: 'direct', seconds: 0.5 });
  expect(rows[0].lost).toBeGreaterThan(0);
  expect(rows[0].bursts % 16).toBe(0);
});

test('progress is shown while it runs', async () => {
  const seen: string[] = [];
  await runStress({
    protocol: 'xen',
    seconds: 0.8,
    onProgress: ({ protocol, elapsedSeconds, received }) => {
      expect(elapsedSeconds).toBeGreaterThan(0);
      expect(received).toBeGreaterThanOrEqual(0);
      seen.push(protocol);
    },
  });
  expect(new Set(seen)).toEqual(new Set(['xen']));
});
