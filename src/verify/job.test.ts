import { expect, test } from 'vitest';
import { type JobMessage, runVerifyJob, type VerifyJob } from './job.ts';
import { gravestStatus, VERIFY_STATUS } from './verify.ts';

const job: VerifyJob = {
  task: 'matrix',
  protocols: ['take-mirror', 'published'],
  scenarios: ['ipi-after-round', 'one-ipi', 'two-ipis', 'line-busy'],
};

/** Results of a thread that takes some pieces only, by their cells. */
async function resultsOf(pieces: readonly number[]): Promise<Map<number, string>> {
  const left = [...pieces, 99];
  const results = new Map<number, string>();
  const post = (message: JobMessage) => {
    if (message.kind !== 'result') return;
    const { protocol, scenario, everyNumber } = message.result.json;
    results.set(message.cell, `${protocol} ${scenario} ${everyNumber?.verdict} ${everyNumber?.sameAs ?? ''}`);
  };
  await runVerifyJob(job, post, undefined, () => left.shift() ?? 99);
  return results;
}

test('threads that take pieces of a matrix do what one thread does', async () => {
  const whole = await resultsOf([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([...whole.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  const [even, odd] = [await resultsOf([0, 2, 4, 6]), await resultsOf([1, 3, 5, 7])];
  expect(even.size).toBeGreaterThan(0);
  expect(odd.size).toBeGreaterThan(0);
  expect(new Map([...even, ...odd])).toEqual(whole);
  expect(even.size + odd.size).toBe(whole.size);
  // One question about other numbers of senders stays with one thread.
  expect([...whole.values()]).toContain('take-mirror two-ipis PROVEN one-ipi');
});

test('the status of several threads is the gravest', () => {
  const { PROVEN, VIOLATED, 'NOT PROVEN': open, 'plain-access': fault } = VERIFY_STATUS;
  expect(gravestStatus([PROVEN, PROVEN])).toBe(PROVEN);
  expect(gravestStatus([PROVEN, open])).toBe(open);
  expect(gravestStatus([open, VIOLATED, PROVEN])).toBe(VIOLATED);
  expect(gravestStatus([VIOLATED, fault, open])).toBe(fault);
});
