import type { HartStop } from '../../hart/debug/hart-debug.ts';
import type { Hart } from '../../hart/hart.ts';
import { type DebugWords, MODE, STOP, type StopReport } from './debug-words.ts';

/** A debugger's side of a thread with a hart: it carries out the orders of the machine's owner. */
export class ThreadDebug {
  readonly #words: DebugWords;
  readonly #notify: () => void;
  #seen = 0;

  /** @param notify tells the owner that a processor has stopped */
  constructor(words: DebugWords, notify: () => void) {
    this.#words = words;
    this.#notify = notify;
  }

  /** After each pause: the hart takes over the debugger's changes in between. */
  refresh(hart: Hart): void {
    const { list } = this.#words;
    const { changes } = list;
    if (changes === this.#seen) return;
    this.#seen = changes;
    hart.debug(list.read());
  }

  /** The processor is not to run now. */
  holds(processor: number): boolean {
    return this.#words.processors[processor]?.mode === MODE.hold;
  }

  /** The processor is to carry out one instruction. */
  steps(processor: number): boolean {
    return this.#words.processors[processor]?.mode === MODE.step;
  }

  park(processor: number): void {
    this.#words.processors[processor]?.park();
  }

  /**
   * After each stay in a processor's code.
   *
   * @param stepped the result of {@link steps} before: nobody changes that while the processor runs
   * @param stop why the hart has stopped, if it has
   * @returns whether the processor holds still from now on
   */
  ran(processor: number, stepped: boolean, stop: HartStop | undefined): boolean {
    const report = reportOf(stop) ?? (stepped ? STEPPED : undefined);
    if (report === undefined) return false;
    this.#words.processors[processor]?.report(report);
    this.#notify();
    return true;
  }
}

const STEPPED: StopReport = { stop: STOP.step, kinds: 0, low: 0, high: 0 };

function reportOf(stop: HartStop | undefined): StopReport | undefined {
  if (stop === undefined) return undefined;
  if (stop.kind === 'code') return { stop: STOP.code, kinds: 0, low: 0, high: 0 };
  return { stop: STOP.data, ...stop.hit };
}
