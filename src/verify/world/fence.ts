import { checkOptions, either, type OptionRules, SWITCH, TEXT } from '../../errors/arguments.ts';
import { makeRequest, waitUntilOutside } from '../../interrupts/run-state.ts';
import { EXIT_COUNT } from '../../interrupts/words.ts';
import type { Env, Thread } from '../thread.ts';
import { COUNT } from './arguments.ts';
import type { World } from './world.ts';

/** The first request bit that is a fence; a fence of the page with number n is that many bits further up. */
const FIRST_FENCE = 8;
/** Pages that a guest can have translations for. */
const MOST_PAGES = 2;
/** The pages as bits, both of a hart's translations and of requests. */
export const ALL_PAGES = ((1 << MOST_PAGES) - 1) << FIRST_FENCE;

const PREFIX = 'page_';

export interface FencerOptions {
  readonly name?: string;
  /**
   * Waits for a while at a time, and looks again: so many times, and then it sleeps until it is woken; true: without
   * end. Default false.
   */
  readonly looksAgain?: boolean | number;
  /** It makes its request after it has waited, which breaks the rule. Default false. */
  readonly asksLate?: boolean;
}

const OPTIONS: OptionRules<FencerOptions> = {
  name: TEXT,
  looksAgain: either(SWITCH, COUNT),
  asksLate: SWITCH,
};

/**
 * Makes a thread that takes a page away from the guest, as a vCPU does that makes an SBI call for a remote fence: it
 * asks the vCPU to forget the page, waits until that one is outside its guest, and gives the page to somebody else.
 */
export function fencer(options: FencerOptions = {}): (world: World) => Thread {
  checkOptions(options, OPTIONS);
  const { name = 'F', looksAgain = false, asksLate = false } = options;
  return (world) => {
    const number = world.wordsNamed(PREFIX).length;
    if (number === MOST_PAGES) throw new RangeError(`A scenario has at most ${MOST_PAGES} fencers`);
    const given = world.word(`${PREFIX}${name}`);
    const bit = 1 << (FIRST_FENCE + number);
    world.watchCount(world.words, EXIT_COUNT);
    world.addRestCheck((_view, stateOf) =>
      stateOf(name) === undefined
        ? undefined
        : {
            property: 'P4',
            message: `${name} waits for the vCPU to leave its guest, and nothing will wake it`,
          },
    );
    return {
      name,
      initial: { asked: false, looks: Number(looksAgain) },
      step: (state, env) => {
        const { asked, looks } = state as { asked: boolean; looks: number };
        if (!asked) {
          if (!asksLate) makeRequest(world.words, bit);
          return { asked: true, looks };
        }
        const limit = looks > 0 ? 100 : Number.POSITIVE_INFINITY;
        if (!waitUntilOutside(world.words, limit)) {
          return looksAgain === true ? state : { asked, looks: Math.max(0, looks - 1) };
        }
        if (asksLate) makeRequest(world.words, bit);
        env.note('gives the page away');
        // Meets the load in `usePages`.
        Atomics.store(given, 0, 1);
        return null;
      },
    };
  };
}

/** The guest uses its pages; `pages` are those that its hart still has translations for. */
export function usePages(world: World, env: Env, pages: number): void {
  env.note('guest uses its pages');
  for (const [number, given] of world.wordsNamed(PREFIX).entries()) {
    if ((pages & (1 << (FIRST_FENCE + number))) === 0) continue;
    // Meets the store of the fencer.
    if (Atomics.load(given, 0) !== 0) {
      env.fail('P8', 'the guest uses a page after the fence that took it away has returned');
    }
  }
}
