/** `Atomics.wait` and `Atomics.notify` in the checker. */
import { describe, expect, test } from 'vitest';
import { takeMirror } from '../interrupts/take-mirror.ts';
import { EXIT_COUNT } from '../interrupts/words.ts';
import { installAtomics, uninstallAtomics } from './atomics.ts';
import { explain } from './explain.ts';
import { Replay } from './replay.ts';
import { populate, type Scenario, scenario, type ThreadMaker } from './scenario.ts';
import { parseSchedule } from './schedule.ts';
import type { Env } from './thread.ts';
import { ThreadPrograms } from './thread-programs.ts';
import { type VerifyResult, verify } from './verify.ts';

type Words = Int32Array<ArrayBufferLike>;

/** A thread that makes one step on the word `flag` and on what it is told to count with. */
function once(name: string, body: (flag: Words, env: Env, count: Words) => void): ThreadMaker {
  return (world) => {
    const [flag, count] = [world.word('flag'), world.word('count')];
    world.watchCount(count, 0);
    return {
      name,
      initial: {},
      step: (_state, env) => {
        body(flag, env, count);
        return null;
      },
    };
  };
}

/** Whoever has not ended at rest has not been woken. */
const allEnd: ThreadMaker = (world) => {
  world.addRestCheck(({ states }) =>
    states.some((state) => state !== undefined) ? { property: 'P4', message: 'somebody sleeps' } : undefined,
  );
  return { name: 'nobody', initial: {}, step: () => null };
};

function of(...threads: ThreadMaker[]): Scenario {
  return scenario({ name: 'made-up', title: '', about: '', group: 'default', threads: [...threads, allEnd] });
}

function run(...threads: ThreadMaker[]): VerifyResult {
  return verify(takeMirror, of(...threads));
}

const sleeper = (name: string, value = 0) => once(name, (flag) => Atomics.wait(flag, 0, value));

describe('Atomics.wait', () => {
  test('does not sleep when the word differs', () => {
    const result = run(
      once('A', (flag, env) => {
        if (Atomics.wait(flag, 0, 7) !== 'not-equal') env.fail('P7', 'slept');
      }),
    );
    expect(result).toMatchObject({ verdict: 'PROVEN' });
  });

  test('compares and falls asleep in one step: a store and a notify cannot come between', () => {
    const waker = once('B', (flag) => {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    });
    expect(run(sleeper('A'), waker)).toMatchObject({ verdict: 'PROVEN', restStates: 1 });
  });

  test('a wake-up that comes before the word changes is lost', () => {
    const early = once('B', (flag) => {
      Atomics.notify(flag, 0);
      Atomics.store(flag, 0, 1);
    });
    const result = run(sleeper('A'), early);
    expect(result).toMatchObject({ verdict: 'VIOLATED', reason: 'P4: somebody sleeps' });
    const text = explain(result);
    expect(text).toContain('notify(flag)=0');
    expect(text).toContain('sleeps on flag');
  });

  test('a store alone wakes nobody', () => {
    const result = run(
      sleeper('A'),
      once('B', (flag) => Atomics.store(flag, 0, 1)),
    );
    expect(result).toMatchObject({ verdict: 'VIOLATED', reason: 'P4: somebody sleeps' });
  });

  test('its time may be over at any moment, but nobody may count on that', () => {
    const limited = (limit: number) =>
      once('A', (flag, env) => {
        if (Atomics.wait(flag, 0, 0, limit) === 'timed-out') env.fail('P7', 'time is over');
      });
    const waker = once('B', (flag) => {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    });
    expect(run(limited(5), waker).reason).toBe('P7: time is over');
    expect(run(limited(Number.POSITIVE_INFINITY), waker).verdict).toBe('PROVEN');
    expect(run(limited(Number.NaN), waker).verdict).toBe('PROVEN');
    // The state in which only time can go on comes first on the way.
    expect(run(limited(5)).reason).toBe('P4: somebody sleeps');
  });

  test('a sleeper whose time is over is not woken any more', () => {
    const dozer = once('A', (flag) => Atomics.wait(flag, 0, 0, 5));
    const waker = once('B', (flag, env) => {
      if (Atomics.notify(flag, 0) > 1) env.fail('P7', 'woke more than there are');
      Atomics.notify(flag, 0);
      Atomics.notify(flag, 0);
    });
    const run = new Replay(takeMirror, of(dozer, waker));
    for (const move of parseSchedule('A*2.B', run.names)) run.move(move);
    expect(run.steps.map(({ result }) => result)).toEqual([2, 3, 0]);
  });

  test('is unknown to searches that say so', () => {
    installAtomics();
    try {
      const { threads, memory } = populate(takeMirror, of(sleeper('A')));
      expect(() => new ThreadPrograms(threads, memory)).toThrow('no model for');
    } finally {
      uninstallAtomics();
    }
  });

  test('is a fault where no other thread runs', () => {
    expect(() =>
      populate(takeMirror, {
        ...of(),
        threads: [
          (world) => {
            world.memory.runAlone(world.memory.initial, () => Atomics.wait(world.words, 0, 0));
            return { name: 'A', initial: {}, step: () => null };
          },
        ],
      }),
    ).not.toThrow('timed-out');
  });
});

describe('Atomics.notify', () => {
  test('wakes in the order of falling asleep', () => {
    const order = new Replay(
      takeMirror,
      of(
        sleeper('A'),
        sleeper('B'),
        once('C', (flag) => {
          Atomics.notify(flag, 0, 1);
        }),
      ),
    );
    for (const move of parseSchedule('B.A.C', order.names)) order.move(move);
    expect(order.names.map((_, thread) => order.canMove(thread))).toEqual([false, true, false, false]);
  });

  test.each([
    [1, 'VIOLATED'],
    [2, 'PROVEN'],
    [undefined, 'PROVEN'],
    [0, 'VIOLATED'],
  ])('of %s threads, with two asleep: %s', (count, verdict) => {
    const waker = once('C', (flag) => {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0, count);
    });
    expect(run(sleeper('A'), sleeper('B'), waker).verdict).toBe(verdict);
  });

  test('leaves those on other words asleep', () => {
    const other = once('B', (_flag, _env, count) => Atomics.notify(count, 0));
    expect(run(sleeper('A'), other).verdict).toBe('VIOLATED');
  });

  test('the first of two has to pass it on when the wake-up was for one', () => {
    const passing = (name: string) =>
      once(name, (flag) => {
        Atomics.wait(flag, 0, 0);
        Atomics.notify(flag, 0, 1);
      });
    const waker = once('C', (flag) => {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0, 1);
    });
    expect(run(passing('A'), passing('B'), waker).verdict).toBe('PROVEN');
  });
});

function later(count: Words): boolean {
  const first = Atomics.load(count, 0);
  return first < Atomics.load(count, 0);
}

function oneMore(count: Words): boolean {
  const first = Atomics.load(count, 0);
  return Atomics.load(count, 0) - first === 1;
}

describe('counts', () => {
  const counter: ThreadMaker = (world) => {
    const count = world.word('count');
    return {
      name: 'B',
      initial: {},
      step: () => {
        Atomics.add(count, 0, 1);
        Atomics.notify(count, 0);
        return {};
      },
    };
  };

  test('a counter without end has few values, and a sleeper on it is woken', () => {
    const result = run(
      once('A', (_flag, _env, count) => Atomics.wait(count, 0, Atomics.load(count, 0))),
      counter,
    );
    // B never ends, so nothing is at rest: this is about the end of the exploration.
    expect(result.states).toBeLessThan(100);
    expect(result).toMatchObject({ verdict: 'VIOLATED', reason: expect.stringMatching(/^P5/) });
  });

  test.each([
    ['order', later],
    ['difference', oneMore],
    ['a number', (count: Words) => Atomics.load(count, 0) === 0],
  ])('using more of them than equality (%s) is a fault', (_what, test) => {
    const result = run(
      once('A', (flag, _env, count) => {
        if (test(count)) Atomics.store(flag, 0, 1);
        else Atomics.store(flag, 0, 2);
      }),
      counter,
    );
    expect(result).toMatchObject({ verdict: 'FAULT', fault: { kind: 'unsupported-access' } });
    expect(result.reason).toContain('does more with a count (count)');
  });

  test('so is remembering one from step to step, and writing one', () => {
    const remembers: ThreadMaker = (world) => {
      world.watchCount(world.words, EXIT_COUNT);
      const step = () => ({ last: Atomics.load(world.words, EXIT_COUNT) });
      return { name: 'A', initial: {}, step };
    };
    expect(run(remembers).reason).toContain('does more with a count (exit_count)');
    const writes = once('A', (_flag, _env, count) => Atomics.store(count, 0, 0));
    expect(run(writes).reason).toContain('than to count and to see whether it has changed');
  });
});
