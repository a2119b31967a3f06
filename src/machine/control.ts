/** Words that say whether a machine runs and how it ended. */
const WORD = { ended: 0, reason: 1, code: 2 } as const;

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

  get reason(): EndReason | 0 {
    return Atomics.load(this.#words, WORD.reason) as EndReason | 0;
  }

  get code(): number {
    return Atomics.load(this.#words, WORD.code);
  }
}
