/** The run queue of the hypervisor, as it ships, with pCPUs that sleep on it and threads that wake them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Scheduler } from '../hypervisor/scheduler.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import { type Scenario, scenario, type ThreadMaker } from './scenario.ts';
import { verify } from './verify.ts';
import type { World } from './world/world.ts';

const NAMES = ['lock', 'sequence', 'head', 'count', 'sleepers', 'queue[0]', 'queue[1]'];
const COUNT = NAMES.indexOf('count');

type Queue = typeof Scheduler;

const shared = new WeakMap<World, Int32Array<ArrayBufferLike>>();

function queueWords(world: World): Int32Array<ArrayBufferLike> {
  let words = shared.get(world);
  if (words === undefined) {
    words = world.memory.add(NAMES.map((name) => ({ name, isCount: name === 'sequence' })));
    shared.set(world, words);
  }
  return words;
}

/** The loop of an idle pCPU; what it takes from the queue runs to its end at once. */
function pcpu(Queue: Queue, name: string): ThreadMaker {
  return (world) => {
    const words = queueWords(world);
    world.addRestCheck((view) =>
      world.valueIn(view, words, COUNT) === 0
        ? undefined
        : { property: 'P4', message: 'a vCPU is on the run queue, and all pCPUs sleep' },
    );
    return {
      name,
      initial: {},
      step: () => {
        const scheduler = new Queue(words as Int32Array, 2);
        const { sequence } = scheduler;
        if (scheduler.dequeue() < 0) scheduler.sleep(sequence, Number.POSITIVE_INFINITY);
        return {};
      },
    };
  };
}

function waker(Queue: Queue, vcpu: number): ThreadMaker {
  return (world) => ({
    name: `W${vcpu}`,
    initial: {},
    step: () => {
      new Queue(queueWords(world) as Int32Array, 2).enqueue(vcpu);
      return null;
    },
  });
}

function of(name: string, ...threads: ThreadMaker[]): Scenario {
  return scenario({ name, title: '', about: '', group: 'default', threads });
}

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-scheduler-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The run queue, and what it imports, as paths below src/. */
const SOURCES = [
  'hypervisor/scheduler.ts',
  'hypervisor/sleep.ts',
  'sync/lock.ts',
  'layout/struct.ts',
] as const;

/** The run queue from sources with something else in the place of a piece of one of them. */
async function changed(
  name: string,
  file: (typeof SOURCES)[number],
  piece: string,
  by: string,
): Promise<Queue> {
  for (const source of SOURCES) {
    const text = readFileSync(new URL(`../${source}`, import.meta.url), 'utf8');
    if (source === file) expect(text.split(piece)).toHaveLength(2);
    const copy = join(folder, name, source);
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, source === file ? text.replace(piece, by) : text);
  }
  const { href } = pathToFileURL(join(folder, name, SOURCES[0]));
  return ((await import(href)) as { Scheduler: Queue }).Scheduler;
}

const twoWakers = (Queue: Queue) => of('two-wakers', pcpu(Queue, 'P0'), waker(Queue, 0), waker(Queue, 1));
const twoPcpus = (Queue: Queue) => of('two-sleepers', pcpu(Queue, 'P0'), pcpu(Queue, 'P1'), waker(Queue, 0));

describe('nothing stays on the run queue while all pCPUs sleep', () => {
  test.each([
    ['one pCPU and two wakers', twoWakers],
    ['two pCPUs and one waker', twoPcpus],
  ])('%s', (_title, make) => {
    const result = verify(takeMirror, make(Scheduler));
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
    // A held lock is looked at so often that the checker takes it for an endless wait; the case after that is below.
    expect(result.assumptions).toEqual([
      'a loop that waits for lock does not count its rounds (tested for a few rounds)',
    ]);
  });

  test('also when the lock is slept on at once', async () => {
    const Impatient = await changed('impatient', 'sync/lock.ts', 'SPINS = 64', 'SPINS = 0');
    const result = verify(takeMirror, twoWakers(Impatient));
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
  });
});

describe('a mistake there is found', () => {
  test.each([
    ['announce-nothing', 'Atomics.notify(words, sequence, threads)', 'void threads'],
    ['count-nothing', 'Atomics.add(words, sequence, 1)', 'void 0'],
    ['sleep-unannounced', 'Atomics.add(this.#words, this.#sleepers, 1)', 'void 0'],
    [
      'sleep-on-news',
      'this.#sequence, sequence, milliseconds',
      'this.#sequence, this.sequence, milliseconds',
    ],
  ])('%s', async (name, piece, by) => {
    const result = verify(takeMirror, twoWakers(await changed(name, 'hypervisor/sleep.ts', piece, by)));
    expect(result, result.reason).toMatchObject({
      verdict: 'VIOLATED',
      reason: 'P4: a vCPU is on the run queue, and all pCPUs sleep',
    });
  });
});
