/** The run queue of the hypervisor, as it ships, with pCPUs that sleep on it and threads that wake them. */
import { afterAll, describe, expect, test } from 'vitest';
import { Scheduler } from '../../src/hypervisor/scheduler.ts';
import * as watching from '../../src/hypervisor/sleep-watch.ts';
import { takeMirror } from '../../src/interrupts/take-mirror.ts';
import { verify } from '../../src/verify/verify.ts';
import { ChangedSources } from './changed-source.ts';
import { ender, endingPcpu, type IdleModules, idlePcpu, of, waker } from './idle-pcpus.ts';
import { SLEEP_MISTAKES } from './sleep-mistakes.ts';

const shipped: IdleModules = { Scheduler, watching };
const changed = new ChangedSources();
afterAll(() => changed.remove());

const FILES = ['hypervisor/scheduler.ts', 'hypervisor/sleep.ts', 'sync/lock.ts'] as const;

const twoWakers = (modules: IdleModules) =>
  of('two-wakers', idlePcpu(modules, 'P0'), waker(modules, 0), waker(modules, 1));
const anyTime = (modules: IdleModules) =>
  of('any-time', idlePcpu(modules, 'P0', true), waker(modules, 0), waker(modules, 1));
const twoPcpus = (modules: IdleModules) =>
  of('two-sleepers', idlePcpu(modules, 'P0'), idlePcpu(modules, 'P1'), waker(modules, 0));

describe('nothing stays on the run queue while all pCPUs sleep', () => {
  test.each([
    ['one pCPU and two wakers', twoWakers],
    ['one pCPU and two wakers, in time that goes on as it likes', anyTime],
    ['two pCPUs and one waker', twoPcpus],
  ])('%s', (_title, make) => {
    const result = verify(takeMirror, make(shipped));
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
    // A held lock is looked at so often that the checker takes it for an endless wait; the case after that is below.
    expect(result.assumptions).toEqual([
      'a loop that waits for lock does not count its rounds (tested for a few rounds)',
    ]);
  });

  test('also when the lock is slept on at once', async () => {
    const mistake = { file: 'sync/lock.ts', piece: 'SPINS = 1000', by: 'SPINS = 0' };
    const module = (await changed.import(FILES, mistake)) as Pick<IdleModules, 'Scheduler'>;
    const result = verify(takeMirror, twoWakers({ ...shipped, Scheduler: module.Scheduler }));
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
  });
});

const atTheEnd = (modules: IdleModules) =>
  of('at-the-end', endingPcpu(modules, 'P0'), endingPcpu(modules, 'P1'), ender(modules, 2));

test('no pCPU sleeps on when the domain has ended', () => {
  const result = verify(takeMirror, atTheEnd(shipped));
  expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
});

describe('a mistake there is found', () => {
  const found = { verdict: 'VIOLATED', reason: 'P4: a vCPU is on the run queue, and all pCPUs sleep' };

  test.each(SLEEP_MISTAKES)('$name', async (mistake) => {
    const module = (await changed.import(FILES, mistake)) as Pick<IdleModules, 'Scheduler'>;
    const result = verify(takeMirror, twoWakers({ ...shipped, Scheduler: module.Scheduler }));
    expect(result, result.reason).toMatchObject(found);
  });

  test('the sequence is read after the look', async () => {
    const mistake = {
      file: 'hypervisor/sleep-watch.ts',
      piece: 'watch.sleep(scheduler, sequence)',
      by: 'watch.sleep(scheduler, scheduler.sequence)',
    };
    const module = (await changed.import(['hypervisor/sleep-watch.ts'], mistake)) as typeof watching;
    const result = verify(takeMirror, twoWakers({ ...shipped, watching: module }));
    expect(result, result.reason).toMatchObject(found);
  });

  test('the end is looked for before the sequence is read', async () => {
    const mistake = {
      file: 'hypervisor/sleep-watch.ts',
      piece: 'const { sequence } = scheduler;',
      by: 'if (!goesOn()) return -1;\n  goesOn = () => true;\n  const { sequence } = scheduler;',
    };
    const module = (await changed.import(['hypervisor/sleep-watch.ts'], mistake)) as typeof watching;
    const result = verify(takeMirror, atTheEnd({ ...shipped, watching: module }));
    expect(result, result.reason).toMatchObject({
      verdict: 'VIOLATED',
      reason: 'P4: the domain has ended, and a pCPU sleeps',
    });
  });
});
