import { expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { PROTOCOLS } from '../interrupts/protocols.ts';
import { formatStress } from './format.ts';
import { type StressHost, type StressJob, type StressOptions, stress } from './stress.ts';

const counts = { received: 30, unread: 2, lost: 1, deliveries: 30, doubled: 0, rests: 4, wrongLevels: 1 };

/** Threads that end at once with the same counts. */
function fakeHost(sent: number): StressHost & { jobs: StressJob[]; terminated: number } {
  const host = {
    jobs: [] as StressJob[],
    terminated: 0,
    start(job: StressJob) {
      host.jobs.push(job);
      return {
        result: Promise.resolve(job.role === 'vcpu' ? { counts } : { sent, bursts: 8 }),
        terminate: async () => {
          host.terminated++;
        },
      };
    },
  };
  return host;
}

test('all protocols are run one after the other, each with fresh words', async () => {
  const host = fakeHost(16);
  const report = await stress(host, { senders: 2 });
  expect(report.rows.map(({ protocol }) => protocol)).toEqual(PROTOCOLS.map(({ name }) => name));
  expect(report.rows[0]).toMatchObject({ sent: 32, bursts: 16, received: 30, unread: 2, lost: 1 });
  expect(host.jobs.map(({ role }) => role).slice(0, 4)).toEqual(['vcpu', 0, 1, 'vcpu']);
  expect(new Set(host.jobs.map(({ vcpu }) => vcpu.buffer)).size).toBe(PROTOCOLS.length);
  expect(host.terminated).toBe(host.jobs.length);
});

test('counts that do not add up are a defect', async () => {
  await expect(stress(fakeHost(33), { protocol: 'xen' })).rejects.toThrow('33 sent, 30 received, 2 unread');
});

test('a failing thread fails the run, and the others are ended', async () => {
  const host = fakeHost(32);
  const start = host.start;
  host.start = (job) =>
    job.role === 'vcpu' ? { ...start(job), result: Promise.reject(new Error('no memory')) } : start(job);
  await expect(stress(host, { protocol: 'xen' })).rejects.toThrow('no memory');
  expect(host.terminated).toBe(2);
});

test('an aborted run starts no further protocol', async () => {
  expect((await stress(fakeHost(32), { signal: AbortSignal.abort() })).rows).toEqual([]);
});

test.each<[StressOptions, string]>([
  [{ seconds: 0 }, 'The seconds of a stress run are more than 0 and at most 3600, not 0.'],
  [{ seconds: Number.NaN }, 'The seconds of a stress run are more than 0 and at most 3600, not NaN.'],
  [{ senders: 0 }, 'A stress run has 1 to 16 senders, not 0.'],
  [{ senders: 1.5 }, 'A stress run has 1 to 16 senders, not 1.5.'],
  [
    { protocol: 'kvm' },
    'There is no interrupt protocol "kvm"; the protocols are take-mirror, published, xen,',
  ],
])('%o is refused', async (options, message) => {
  const run = stress(fakeHost(0), options);
  await expect(run).rejects.toThrow(InputError);
  await expect(run).rejects.toThrow(message);
});

test('the table names shares of losses and keeps its columns', () => {
  const row = {
    ...counts,
    protocol: 'xen',
    sent: 2_000_000,
    bursts: 400_000,
    received: 1_999_998,
    seconds: 2,
  };
  const text = formatStress({ senders: 1, rows: [row, { ...row, protocol: 'published', lost: 10_000 }] });
  expect(text.split('\n')).toEqual([
    'Software interrupts between real threads: 1 sending thread and one vCPU, 2 s for each protocol',
    '',
    'protocol        sent   received   bursts  taken             lost  doubled  levels wrong     sent/s',
    'xen        2,000,000  1,999,998  400,000     30     1 (< 0.01 %)        0   1 (25.00 %)  1,000,000',
    'published  2,000,000  1,999,998  400,000     30  10,000 (2.50 %)        0   1 (25.00 %)  1,000,000',
  ]);
});
