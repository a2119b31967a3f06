import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { afterChanges, GUARD, GuardedWords } from './guarded-words.ts';
import { Lock } from './lock.ts';

const memory = (words: number) => new Int32Array(new SharedArrayBuffer(4 * words));

/** Runs a body with `words`, `Lock` and `GuardedWords` in each of some threads; gives what each returned. */
function inThreads(count: number, words: Int32Array, body: string): Promise<unknown[]> {
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { words, lockModule, guardModule, id } = workerData;
    Promise.all([import(lockModule), import(guardModule)]).then(([{ Lock }, { GuardedWords }]) => {
      parentPort.postMessage((() => { ${body} })());
    });`;
  const workerData = {
    words,
    lockModule: new URL('./lock.ts', import.meta.url).href,
    guardModule: new URL('./guarded-words.ts', import.meta.url).href,
  };
  const run = (id: number) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(source, { eval: true, execArgv: [], workerData: { ...workerData, id } });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  return Promise.all(Array.from({ length: count }, (_, id) => run(id)));
}

describe('Lock', () => {
  test('is free again after a section, also after one that throws', () => {
    const words = memory(2);
    const lock = new Lock(words, 1);
    expect(lock.withLock(() => words[1])).toBe(1);
    expect(() =>
      lock.withLock(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect([...words]).toEqual([0, 0]);
  });

  test('plain additions under it are not lost', async () => {
    const words = memory(2);
    const body = `
      const lock = new Lock(words, 0);
      for (let round = 0; round < 50000; round++) lock.withLock(() => { words[1] = words[1] + 1; });
      return 'done';`;
    expect(await inThreads(4, words, body)).toEqual(['done', 'done', 'done', 'done']);
    expect([...words]).toEqual([0, 200_000]);
  });

  test('threads that sleep for it are all woken', async () => {
    const words = memory(3);
    const lock = new Lock(words, 0);
    lock.acquire();
    const threads = inThreads(
      4,
      words,
      `Atomics.add(words, 1, 1);
       Atomics.notify(words, 1);
       new Lock(words, 0).withLock(() => { words[2] = words[2] + 1; });
       return 'done';`,
    );
    for (let arrived = 0; arrived < 4; arrived = Atomics.load(words, 1)) {
      const change = Atomics.waitAsync(words, 1, arrived, 240_000);
      expect(change.async ? await change.value : change.value).not.toBe('timed-out');
    }
    expect(words[2]).toBe(0);
    lock.release();
    expect(await threads).toEqual(['done', 'done', 'done', 'done']);
    expect([...words]).toEqual([0, 4, 4]);
  });
});

describe('GuardedWords', () => {
  test('what is to be done after changes is done behind the outermost, in order, also when it throws', () => {
    const [outer, inner] = [new GuardedWords(memory(4), 4, 'outer'), new GuardedWords(memory(4), 4, 'inner')];
    const done: string[] = [];
    const note = (text: string) => afterChanges(() => done.push(`${text}, free: ${outer.words[0] === 0}`));
    note('at once');
    expect(done).toHaveLength(1);
    const change = () =>
      outer.change(() => {
        inner.change(() => note('first'));
        note('second');
        expect(done).toHaveLength(1);
        throw new Error('inside');
      });
    expect(change).toThrow('inside');
    expect(done).toEqual(['at once, free: true', 'first, free: true', 'second, free: true']);
  });

  test('a reader turns away while a change is under way, and after one', () => {
    const guard = new GuardedWords(memory(4), 4, 'test');
    const before = guard.version();
    expect(guard.stillAt(before)).toBe(true);
    guard.change(() => expect(guard.stillAt(guard.version())).toBe(false));
    expect(guard.stillAt(before)).toBe(false);
    expect(guard.stillAt(guard.version())).toBe(true);
  });

  test('a change that throws leaves the guard open', () => {
    const guard = new GuardedWords(memory(4), 4, 'test');
    expect(() =>
      guard.change(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect([guard.stillAt(guard.version()), guard.locked(() => 5)]).toEqual([true, 5]);
  });

  test('takes only the words it needs and says when there are too few', () => {
    expect(new GuardedWords(memory(9), 4, 'test').words).toHaveLength(4);
    expect(() => new GuardedWords(memory(3), 4, 'test')).toThrow(
      'test needs 4 shared words, and was given 3',
    );
  });

  test('readers without the lock never see half a change', async () => {
    const words = memory(GUARD.words + 2);
    const body = `
      const guard = new GuardedWords(words, words.length, 'test');
      const a = ${GUARD.words}, b = a + 1;
      const differ = () => Atomics.load(words, a) !== Atomics.load(words, b);
      let torn = 0;
      for (let round = 0; round < 30000; round++) {
        if (id === 0) {
          guard.change(() => { Atomics.add(words, a, 1); Atomics.add(words, b, 1); });
        } else {
          const version = guard.version();
          const seen = differ();
          if (guard.stillAt(version) ? seen : guard.locked(differ)) torn++;
        }
      }
      return torn;`;
    expect(await inThreads(3, words, body)).toEqual([0, 0, 0]);
    expect(words[GUARD.words]).toBe(30_000);
  });
});
