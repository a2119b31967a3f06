import { IRQ_VS_EXT, IRQ_VS_SOFT } from '../interrupts/numbers.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import type { VcpuWords } from '../interrupts/words.ts';
import { compute, createJitter } from './jitter.ts';
import {
  ACK,
  DONE,
  FINISHED,
  LINE,
  MAIL,
  POKE,
  SLEEPS,
  STOP,
  senderBase,
  WAITS,
  waitsForRest,
} from './words.ts';

/** Looks at the answer that often before it sleeps, so that the next message comes while the guest is still inside. */
const SPINS = 3000;

/** What a thread of a run has to do with. */
export interface StressParty {
  readonly protocol: Protocol;
  readonly vcpu: VcpuWords;
  readonly words: Int32Array;
}

/**
 * A sender: writes a message, makes the software interrupt pending, waits for the answer, and sends the next one as soon
 * as the guest has read this one, which is before the guest leaves. Sender 0 also drives the external line.
 *
 * @returns how many messages it sent.
 */
export function runSender({ protocol, vcpu, words }: StressParty, index: number): number {
  const base = senderBase(index);
  const jitter = createJitter(index + 1);
  let line = 0;
  for (let message = 1; ; message++) {
    const random = jitter();
    compute(random & 63);
    if (index === 0 && (random & 0x300) === 0) {
      line ^= 1;
      // Meets the load in the `settle` of the vCPU's thread.
      Atomics.store(words, base + LINE, line);
      if (line === 1) {
        protocol.set(vcpu, IRQ_VS_EXT);
      } else {
        protocol.unset(vcpu, IRQ_VS_EXT);
      }
    }
    // Meets the guest's load when it takes the interrupt.
    Atomics.store(words, base + MAIL, message);
    protocol.set(vcpu, IRQ_VS_SOFT);
    // Meets the load in `isQuiet`: from here on this sender does nothing before it is answered.
    Atomics.store(words, base + FINISHED, message);
    poke(words);
    awaitAnswer(words, base, message);
    // Meets the store of whoever ends the run.
    if (waitsForRest(message) && Atomics.load(words, STOP) !== 0) {
      // Meets the load in `isQuiet`.
      Atomics.store(words, base + DONE, 1);
      poke(words);
      return message;
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

function awaitAnswer(words: Int32Array, base: number, message: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    // Meets the store in `answer`.
    if (Atomics.load(words, base + ACK) === message) {
      return;
    }
  }
  // Meets the load in `answer`, which comes after the store of the answer.
  Atomics.store(words, base + WAITS, 1);
  for (;;) {
    // Meets the store in `answer`; the wait ends at once when that came in between.
    const seen = Atomics.load(words, base + ACK);
    if (seen === message) {
      break;
    }
    Atomics.wait(words, base + ACK, seen);
  }
  Atomics.store(words, base + WAITS, 0);
}
