import { IRQ_VS_EXT, IRQ_VS_SOFT } from '../interrupts/numbers.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import type { VcpuWords } from '../interrupts/words.ts';
import { compute, createJitter } from './jitter.ts';
import {
  ACK,
  BURSTS_PER_REST,
  DONE,
  FINISHED,
  LINE,
  MAIL,
  POKE,
  REST_AFTER,
  RESTED,
  SLEEPS,
  STOP,
  senderBase,
  WAITS,
} from './words.ts';

/**
 * Looks at the answer that often before it sleeps. On a busy machine the vCPU's thread is off its processor for some
 * milliseconds at a time. A thread that sleeps meanwhile is not there when it comes back, and the two never run
 * together, as a race needs it.
 */
const SPINS = 3_000_000;

/** Most messages of a burst whose length follows from random numbers alone. */
const LONGEST = 256;

/**
 * Most messages of a burst; which entry is used is random. A burst of one races with the exit of the guest that has
 * just answered. A long one has a `set` at every point of many rounds, and only its end can show a loss.
 */
const BURSTS = [1, 1, 1, 1, 2, 4, 16, LONGEST] as const;

/** Most turns of computing between two `set` calls; which entry is used is random. One turn is about a nanosecond. */
const GAPS = [1, 1, 16, 128] as const;

/**
 * While the vCPU's thread is off its processor, there is nothing to race with, and a longest burst goes on up to this
 * many messages, so that it is still going on when the thread comes back, at any point of a round it was stopped.
 */
const ABSENT_MESSAGES = 32_768;

/** An answer that took so many looks came from a thread that was off its processor; the next burst is a longest one. */
const LATE_SPINS = 30_000;

/** The objects of a thread of a run. */
export interface StressParty {
  readonly protocol: Protocol;
  readonly vcpu: VcpuWords;
  readonly words: Int32Array;
}

/** The interrupts that a sender has sent. */
export interface SenderCounts {
  /** Messages, each with one `set` of the software interrupt. */
  readonly sent: number;
  /**
   * Bursts of messages. After each of them the sender waited, so that its last message could not be covered by a later
   * one.
   */
  readonly bursts: number;
}

/**
 * A sender: writes a message, makes the software interrupt pending, and so on for a burst. Then it waits for the answer
 * to the last one, which comes before the guest leaves, and goes on at once. Sender 0 also drives the external line.
 */
export function runSender(party: StressParty, index: number): SenderCounts {
  const { words } = party;
  const base = senderBase(index);
  const sender = new Sender(party, index);
  let late = false;
  for (let bursts = 1; ; bursts++) {
    const rests = bursts % BURSTS_PER_REST === 0;
    const message = sender.burst(late);
    if (rests) {
      // Meets the load in `isQuiet`, which comes after the load of the store below.
      Atomics.store(words, base + REST_AFTER, message);
    }
    // Meets the load in `isQuiet`: from here on this sender does nothing before it is answered.
    Atomics.store(words, base + FINISHED, message);
    poke(words);
    late = awaitWord(words, base, rests ? RESTED : ACK, message);
    // Meets the store of the thread that ends the run.
    if (rests && Atomics.load(words, STOP) !== 0) {
      // Meets the load in `isDone`.
      Atomics.store(words, base + DONE, 1);
      poke(words);
      return { sent: sender.sent, bursts };
    }
  }
}

class Sender {
  sent = 0;
  readonly #party: StressParty;
  readonly #base: number;
  readonly #drivesLine: boolean;
  readonly #jitter: () => number;
  #message = 0;
  #line = 0;

  constructor(party: StressParty, index: number) {
    this.#party = party;
    this.#base = senderBase(index);
    this.#drivesLine = index === 0;
    this.#jitter = createJitter(index + 1);
  }

  /** Sends a burst, a longest one if wanted, and returns the number of its last message. */
  burst(longest: boolean): number {
    const { protocol, vcpu, words } = this.#party;
    const shape = this.#jitter();
    const most = longest ? LONGEST : BURSTS[shape & 7];
    const length = 1 + ((shape >>> 8) & (most - 1));
    // The first message comes at a random moment after the answer, with any gaps of the burst.
    compute((shape >>> 24) & 63);
    const gap = GAPS[(shape >>> 3) & 3] - 1;
    const limit = most === LONGEST ? ABSENT_MESSAGES : length;
    // Meets the store in `answer`.
    const answered = Atomics.load(words, this.#base + ACK);
    let count = 0;
    // The load meets the store in `answer`.
    while (count < length || (count < limit && Atomics.load(words, this.#base + ACK) === answered)) {
      const random = this.#jitter();
      compute(random & gap);
      if (this.#drivesLine && random >>> 28 === 0) {
        this.#toggleLine();
      }
      this.#message = (this.#message + 1) | 0;
      // Meets the guest's load when it takes the interrupt.
      Atomics.store(words, this.#base + MAIL, this.#message);
      protocol.set(vcpu, IRQ_VS_SOFT);
      if (++count === 1) {
        // The rounds of the vCPU go on during the burst.
        poke(words);
      }
    }
    this.sent += count;
    return this.#message;
  }

  #toggleLine(): void {
    const { protocol, vcpu, words } = this.#party;
    this.#line ^= 1;
    // Meets the load in the `settle` of the vCPU's thread.
    Atomics.store(words, this.#base + LINE, this.#line);
    if (this.#line === 1) {
      protocol.set(vcpu, IRQ_VS_EXT);
    } else {
      protocol.unset(vcpu, IRQ_VS_EXT);
    }
  }
}

/** Wakes the thread of the vCPU if it sleeps, independent of kicks: it has to look whether something was lost. */
function poke(words: Int32Array): void {
  // Meets the store before the last look of the vCPU's thread: it sees our news, or we see that it sleeps.
  if (Atomics.load(words, SLEEPS) !== 0) {
    // Meets the load and the wait in `sleep`.
    Atomics.add(words, POKE, 1);
    Atomics.notify(words, POKE);
  }
}

/** Waits until a word of this sender that the vCPU's thread writes is `message`. Returns whether that was late. */
function awaitWord(words: Int32Array, base: number, word: number, message: number): boolean {
  for (let spin = 0; spin < SPINS; spin++) {
    // Meets the store in `answer`.
    if (Atomics.load(words, base + word) === message) {
      return spin > LATE_SPINS;
    }
  }
  // Meets the load in `answer`, which comes after the store of the answer.
  Atomics.store(words, base + WAITS, 1);
  for (;;) {
    // Meets the store in `answer`; the wait ends at once when that came in between.
    const seen = Atomics.load(words, base + word);
    if (seen === message) {
      break;
    }
    Atomics.wait(words, base + word, seen);
  }
  Atomics.store(words, base + WAITS, 0);
  return true;
}
