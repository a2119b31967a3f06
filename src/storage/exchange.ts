/** Words of an exchange: the question, and the answer. */
const WORD = { STATE: 0, OPERATION: 1, OFFSET_LOW: 2, OFFSET_HIGH: 3, BYTES: 4, COUNT: 5 } as const;
/** Its states: nobody asks, somebody waits for an answer, it is there, or a text why not, and the end. */
const STATE = { IDLE: 0, ASKED: 1, DONE: 2, FAILED: 3, OVER: 4 } as const;
const LONGEST_TEXT = 1000;

/** A question to a thread with an event loop. */
export interface Question {
  /** The two sides agree on its meaning. */
  readonly operation: number;
  /** An exact number from 0 on. */
  readonly offset: number;
  /** Bytes that are asked for, or that come with the question. */
  readonly bytes: number;
}

/**
 * Memory by which a thread that may only wait has another one, which has an event loop, work for it.
 *
 * @param most bytes that go with a question or an answer at most
 */
export function createExchange(most: number): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * WORD.COUNT + Math.max(most, LONGEST_TEXT));
}

/** The side of an exchange that waits. */
export class Asker {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(exchange: SharedArrayBuffer) {
    this.#words = new Int32Array(exchange, 0, WORD.COUNT);
    this.#bytes = new Uint8Array(exchange, 4 * WORD.COUNT);
  }

  /**
   * Asks, and waits for the answer.
   *
   * @param data goes with the question
   * @returns the answer, until the next call
   * @throws Error that says why there is none
   */
  ask({ operation, offset, bytes }: Question, data?: Uint8Array): Uint8Array {
    const words = this.#words;
    words[WORD.OPERATION] = operation;
    words[WORD.OFFSET_LOW] = offset;
    words[WORD.OFFSET_HIGH] = Math.floor(offset / 2 ** 32);
    words[WORD.BYTES] = bytes;
    if (data !== undefined) this.#bytes.set(data);
    // Meets the load in `serveExchange`, after which the words and bytes above are read.
    Atomics.store(words, WORD.STATE, STATE.ASKED);
    Atomics.notify(words, WORD.STATE);
    // Meets the store in `serveExchange`: bytes or text are there.
    while (Atomics.load(words, WORD.STATE) === STATE.ASKED) Atomics.wait(words, WORD.STATE, STATE.ASKED);
    const answer = this.#bytes.subarray(0, words[WORD.BYTES]);
    if (Atomics.load(words, WORD.STATE) === STATE.DONE) return answer;
    throw new Error(new TextDecoder().decode(answer.slice()));
  }

  /** Ends the other side. */
  end(): void {
    // Meets the load in `serveExchange`.
    Atomics.store(this.#words, WORD.STATE, STATE.OVER);
    Atomics.notify(this.#words, WORD.STATE);
  }
}

/**
 * Answers to questions: takes the bytes that came with one from the memory and puts the answer there.
 *
 * @returns bytes of the answer
 * @throws Error with the reason, for the asking side, why there is none
 */
export type Answerer = (question: Question, memory: Uint8Array) => Promise<number>;

/** The side of an exchange that works: returns at the end. */
export async function serveExchange(exchange: SharedArrayBuffer, answerer: Answerer): Promise<void> {
  const words = new Int32Array(exchange, 0, WORD.COUNT);
  const bytes = new Uint8Array(exchange, 4 * WORD.COUNT);
  for (;;) {
    // Meets the stores in `ask` and `end`.
    const state = Atomics.load(words, WORD.STATE);
    if (state === STATE.OVER) return;
    if (state !== STATE.ASKED) {
      await Atomics.waitAsync(words, WORD.STATE, state).value;
      continue;
    }
    const answer = await answerTo(words, bytes, answerer);
    // Meets the loop in `ask`; the end may have come meanwhile.
    Atomics.compareExchange(words, WORD.STATE, STATE.ASKED, answer);
    Atomics.notify(words, WORD.STATE);
  }
}

/** The same where there is nobody who could work any more: the waiting side is told why. */
export function refuseExchange(exchange: SharedArrayBuffer, why: string): Promise<void> {
  return serveExchange(exchange, () => Promise.reject(new Error(why)));
}

async function answerTo(words: Int32Array, memory: Uint8Array, answerer: Answerer): Promise<number> {
  const offset = (words[WORD.OFFSET_HIGH] >>> 0) * 2 ** 32 + (words[WORD.OFFSET_LOW] >>> 0);
  try {
    const question = { operation: words[WORD.OPERATION], offset, bytes: words[WORD.BYTES] };
    words[WORD.BYTES] = await answerer(question, memory);
    return STATE.DONE;
  } catch (error) {
    const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
    memory.set(text.subarray(0, LONGEST_TEXT));
    words[WORD.BYTES] = Math.min(text.length, LONGEST_TEXT);
    return STATE.FAILED;
  }
}
