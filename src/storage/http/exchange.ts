import { fetchPart, PATIENCE, type Patience, type RemoteFile } from './range-source.ts';

/** Words of an exchange: what is asked for, and the answer. */
const WORD = { STATE: 0, OFFSET_LOW: 1, OFFSET_HIGH: 2, BYTES: 3, COUNT: 4 } as const;
/** Its states: nobody asks, somebody waits for bytes, they are there, or a text why not, and the end. */
const STATE = { IDLE: 0, ASKED: 1, DONE: 2, FAILED: 3, OVER: 4 } as const;
const LONGEST_TEXT = 1000;

/**
 * Memory by which a thread that may only wait has another one, which has an event loop, fetch for it.
 *
 * @param most bytes of a part at most
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

  /** Waits for a part of the file. @returns it, until the next call. @throws Error that says why there is none */
  fetch(offset: number, bytes: number): Uint8Array {
    const words = this.#words;
    words[WORD.OFFSET_LOW] = offset;
    words[WORD.OFFSET_HIGH] = Math.floor(offset / 2 ** 32);
    words[WORD.BYTES] = bytes;
    // Meets the load in `serveExchange`, after which the words above are read.
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

/** The side that fetches: returns at the end. */
export function serveExchange(
  exchange: SharedArrayBuffer,
  file: RemoteFile,
  patience: Patience = PATIENCE,
): Promise<void> {
  return serve(exchange, (words, bytes) => answerTo(words, bytes, file, patience));
}

/** The same where there is nobody who could fetch any more: whoever waits is told why. */
export function refuseExchange(exchange: SharedArrayBuffer, why: string): Promise<void> {
  return serve(exchange, (words, bytes) => Promise.resolve(refusal(words, bytes, why)));
}

async function serve(
  exchange: SharedArrayBuffer,
  answerTo: (words: Int32Array, bytes: Uint8Array) => Promise<number>,
): Promise<void> {
  const words = new Int32Array(exchange, 0, WORD.COUNT);
  const bytes = new Uint8Array(exchange, 4 * WORD.COUNT);
  for (;;) {
    // Meets the stores in `fetch` and `end`.
    const state = Atomics.load(words, WORD.STATE);
    if (state === STATE.OVER) return;
    if (state !== STATE.ASKED) {
      await Atomics.waitAsync(words, WORD.STATE, state).value;
      continue;
    }
    const answer = await answerTo(words, bytes);
    // Meets the loop in `fetch`; the end may have come meanwhile.
    Atomics.compareExchange(words, WORD.STATE, STATE.ASKED, answer);
    Atomics.notify(words, WORD.STATE);
  }
}

function refusal(words: Int32Array, bytes: Uint8Array, why: string): number {
  const text = new TextEncoder().encode(why);
  bytes.set(text.subarray(0, LONGEST_TEXT));
  words[WORD.BYTES] = Math.min(text.length, LONGEST_TEXT);
  return STATE.FAILED;
}

async function answerTo(
  words: Int32Array,
  bytes: Uint8Array,
  file: RemoteFile,
  patience: Patience,
): Promise<number> {
  const offset = (words[WORD.OFFSET_HIGH] >>> 0) * 2 ** 32 + (words[WORD.OFFSET_LOW] >>> 0);
  try {
    await fetchPart(file, offset, bytes.subarray(0, words[WORD.BYTES]), patience);
    return STATE.DONE;
  } catch (error) {
    return refusal(words, bytes, error instanceof Error ? error.message : String(error));
  }
}
