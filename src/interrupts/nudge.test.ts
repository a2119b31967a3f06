/** Nudges against the polls of a guest's hart, one atomic access at a time, on the shipped source. */
import { describe, expect, test } from 'vitest';
import { explore } from '../../test/interrupts/stepper.ts';
import {
  dispatchVcpu,
  enterGuest,
  exitRequested,
  kick,
  nudge,
  prepareToBlock,
  requestExit,
  runState,
  startVcpu,
  takeLook,
} from './run-state.ts';
import { createVcpuWords, RunState, type VcpuWords } from './words.ts';

function loadedVcpu(): VcpuWords {
  const words = createVcpuWords();
  startVcpu(words);
  dispatchVcpu(words);
  return words;
}

const noWake = (): void => {
  throw new Error('it does not sleep');
};

/** A level that the hart derives: the number of devices that hold it up. */
function nudgeScenario(rounds: number, senders: number, withKick: boolean) {
  const words = loadedVcpu();
  const [source, news] = [4, 4].map((bytes) => new Int32Array(new SharedArrayBuffer(bytes)));
  let seen = 0;
  let seenNews = 0;
  let left = false;
  const look = (): void => {
    seen = Atomics.load(source, 0);
  };
  const hart = (): void => {
    enterGuest(words);
    // As the flush does, which belongs to the entry.
    seenNews = Atomics.load(news, 0);
    look();
    for (let round = 0; round < rounds && !left; round++) {
      if (!exitRequested(words)) continue;
      if (takeLook(words)) look();
      else left = true;
    }
  };
  const sender = (): void => {
    Atomics.add(source, 0, 1);
    nudge(words, noWake);
  };
  const threads = [hart, ...Array.from({ length: senders }, () => sender)];
  const check = (): string | undefined => {
    const now = source[0] as number;
    const isNews = (news[0] as number) !== seenNews;
    if (left && !withKick) return 'left for nothing';
    if (!left && seen !== now && !exitRequested(words)) return 'a level is lost';
    if (!left && isNews && takeLook(words)) return 'a kick is lost';
    return !left && isNews && !exitRequested(words) ? 'a kick is lost' : undefined;
  };
  /** Has something for the entry: an interrupt in its word, a request. */
  const kicker = (): void => {
    Atomics.store(news, 0, 1);
    kick(words, noWake);
  };
  return { threads: withKick ? [...threads, kicker] : threads, check };
}

describe('scenario: a level rises while the guest runs', () => {
  test.each([
    [1, 3, false, 100],
    [2, 1, false, 500],
    [1, 1, true, 1000],
  ])('%i senders, %i polls, a kick: %s: every interleaving', (senders, rounds, withKick, least) => {
    const { schedules, wrong } = explore(() => nudgeScenario(rounds, senders, withKick));
    expect(schedules).toBeGreaterThan(least);
    expect(wrong).toEqual([]);
  });

  test('a look before its request is taken back would lose one', () => {
    const { wrong } = explore(() => {
      const words = loadedVcpu();
      const source = new Int32Array(new SharedArrayBuffer(4));
      let seen = 0;
      const hart = (): void => {
        enterGuest(words);
        if (!exitRequested(words)) return;
        seen = Atomics.load(source, 0);
        takeLook(words);
      };
      const sender = (): void => {
        Atomics.add(source, 0, 1);
        nudge(words, noWake);
      };
      const check = () => {
        const isLost = seen !== 0 && seen !== source[0] && !exitRequested(words);
        return isLost ? 'a level is lost' : undefined;
      };
      return { threads: [hart, sender, sender], check };
    });
    expect(wrong).toContain('a level is lost');
  });
});

describe('nudges and kicks', () => {
  test('a nudge alone leaves the guest where it is, once', () => {
    const words = loadedVcpu();
    enterGuest(words);
    nudge(words, noWake);
    expect([exitRequested(words), takeLook(words), exitRequested(words)]).toEqual([true, true, false]);
    expect(takeLook(words)).toBe(false);
  });

  test.each([
    ['before', [requestExit, (words: VcpuWords) => nudge(words, noWake)]],
    ['behind', [(words: VcpuWords) => nudge(words, noWake), requestExit]],
  ])('a kick %s it has the guest left', (_, actions) => {
    const words = loadedVcpu();
    enterGuest(words);
    for (const action of actions) action(words);
    expect(takeLook(words)).toBe(false);
    expect(exitRequested(words)).toBe(true);
  });

  test('a nudge wakes a vCPU that sleeps, once', () => {
    const words = loadedVcpu();
    prepareToBlock(words);
    let woken = 0;
    for (let nudges = 0; nudges < 2; nudges++) {
      nudge(words, () => {
        woken++;
      });
    }
    expect(woken).toBe(1);
    expect(runState(words)).toBe(RunState.RUNNABLE);
  });
});
