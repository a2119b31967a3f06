/** Time for shipped code that sleeps: it goes on as it likes between any two looks at it. */
import type { Env } from '../../src/verify/thread.ts';

/** How often the clock may stand still from one look to the next, so that a loop that watches it ends. */
const MOST_STILL = 1;
/** Milliseconds by which it goes on first: every short wait is over. After that, every wait is. */
const [SHORT, LONG] = [1, 1e6];

/** Milliseconds of a wait that is over, but not at once. */
export const LIMIT = 100;

/**
 * Runs a part of a step in which `performance.now` shows two times: one until a sleep begins, and one that is after it.
 */
export function inShortTime<T>(body: () => T): T {
  // `Sleep.until` looks when it begins, and before it sleeps.
  let looks = 0;
  return withTime(() => (looks++ < 2 ? 0 : LONG), body);
}

/** Runs a part of a step in which `performance.now` shows any times that do not go backwards. */
export function inModelTime<T>(env: Env, body: () => T): T {
  let time = 0;
  let still = 0;
  const now = () => {
    if (still < MOST_STILL && env.choose(2) === 0) {
      still++;
    } else {
      still = 0;
      time += time === 0 ? SHORT : LONG;
    }
    return time;
  };
  return withTime(now, body);
}

function withTime<T>(now: () => number, body: () => T): T {
  performance.now = now;
  try {
    return body();
  } finally {
    // The clock of the prototype shows again.
    Reflect.deleteProperty(performance, 'now');
  }
}
