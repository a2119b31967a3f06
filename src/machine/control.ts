/** Words that say whether a machine runs and how it ended, and what its threads have for the main thread. */
const WORD = { ended: 0, reason: 1, code: 2, news: 3, notices: 4 } as const;

/** Bytes of the control block. */
export const CONTROL_BYTES = 64;

/** How a machine came to its end. */
export const END = {
  powerOff: 1,
  reboot: 2,
  failure: 3,
  /** The host stopped it. */
  stopped: 4,
  /** The guest can make no progress: its trap handler itself cannot be reached. */
  stuck: 5,
  /** Compiled and interpreted code do not do the same. */
  differs: 6,
} as const;
export type EndReason = (typeof END)[keyof typeof END];

/** What threads tell the main thread without words, a bit each: that it should look. */
export const NEWS = {
  /** There is console output to take. */
  output: 1,
  /** There is room for console input again. */
  inputSpace: 2,
  /** The clock's alarm was changed. */
  alarm: 4,
  /** The machine is ending. */
  ended: 8,
} as const;
export type News = (typeof NEWS)[keyof typeof NEWS];

/** The most notices for people that a guest can cause; the others are counted only. */
export const MOST_NOTICES = 10;
const COUNTED_NOTICES = 2 ** 30;

/** The end of a machine, agreed upon by all its threads: the first reason counts. */
export class Control {
  readonly #words: Int32Array;

  constructor(memory: WebAssembly.Memory, address: number) {
    this.#words = new Int32Array(memory.buffer, address, CONTROL_BYTES >> 2);
  }

  get running(): boolean {
    // Meets the exchange in `end`.
    return Atomics.load(this.#words, WORD.ended) === 0;
  }

  /** Ends the machine. @returns false if it had ended already, for another reason */
  end(reason: EndReason, code = 0): boolean {
    // Meets itself: one of several reasons wins, and the loads in `reason` and `code` come after the winner's stores.
    if (Atomics.compareExchange(this.#words, WORD.reason, 0, reason) !== 0) return false;
    Atomics.store(this.#words, WORD.code, code);
    // Meets the load in `running`.
    Atomics.store(this.#words, WORD.ended, 1);
    return true;
  }

  /**
   * Notes news for the main thread. However often a guest causes them, one message is under way at most.
   *
   * @returns whether the caller has to send it: the main thread knows of none that it has not taken
   */
  tell(news: News): boolean {
    // Meets the exchange in `takeNews`: bits set before it are taken by it, those set after it find 0 and are sent.
    return Atomics.or(this.#words, WORD.news, news) === 0;
  }

  /** Takes all news. What they are about is looked at after that, so that nothing told later is missed. */
  takeNews(): number {
    // Meets the or in `tell`.
    return Atomics.exchange(this.#words, WORD.news, 0);
  }

  /** Counts a notice for people. @returns whether it may be sent: one of the first {@link MOST_NOTICES} */
  countNotice(): boolean {
    // Both meet each other on other threads, and the load in `unsentNotices`. The count stops long before it would wrap.
    if (Atomics.load(this.#words, WORD.notices) >= COUNTED_NOTICES) return false;
    return Atomics.add(this.#words, WORD.notices, 1) < MOST_NOTICES;
  }

  /** Notices that were not sent. */
  get unsentNotices(): number {
    // Meets the add in `countNotice`.
    return Math.max(0, Atomics.load(this.#words, WORD.notices) - MOST_NOTICES);
  }

  get reason(): EndReason | 0 {
    return Atomics.load(this.#words, WORD.reason) as EndReason | 0;
  }

  get code(): number {
    return Atomics.load(this.#words, WORD.code);
  }
}
