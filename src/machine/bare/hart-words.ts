import { type NewSleep, Sleep, wakeSleepers } from '../../hypervisor/sleep.ts';
import { align, i32, struct } from '../../layout/struct.ts';

/** On a cache line of its own. */
const WORDS = align(64, struct({ exitRequest: i32, wakeSequence: i32, sleepers: i32 }));
const WORD = WORDS.word;

/** The words of a hart of a bare machine by which other threads get it out of its code, and out of its sleep. */
export class HartWords {
  static readonly BYTES = WORDS.bytes;
  /** Where the hart sleeps. */
  readonly sleep: Sleep;
  /** Byte address, in linear memory, of the word that generated code polls. */
  readonly exitRequest: number;
  readonly #words: Int32Array;

  /** @param address byte address of the words in linear memory, a multiple of 64 */
  constructor(words: Int32Array, address: number, newSleep: NewSleep = (...place) => new Sleep(...place)) {
    this.#words = words;
    this.sleep = newSleep(words, WORD.wakeSequence, WORD.sleepers);
    this.exitRequest = address + WORDS.at.exitRequest;
  }

  /** The words of all harts of a machine, by their addresses. */
  static ofAll(
    memory: WebAssembly.Memory,
    addresses: readonly number[],
    newSleep?: NewSleep,
  ): readonly HartWords[] {
    return addresses.map((address) => new HartWords(WORDS.over(memory.buffer, address), address, newSleep));
  }

  /**
   * The hart enters its code next: before it looks at its interrupt lines, so that a later kick is seen by its poll.
   */
  enter(): void {
    // Meets the store in `kick`.
    Atomics.store(this.#words, WORD.exitRequest, 0);
  }

  /** Makes the hart look at its interrupt lines, wherever it is. Its news are written before. */
  kick(): void {
    // Meets the store in `enter` and the poll in the hart's code.
    Atomics.store(this.#words, WORD.exitRequest, 1);
    wakeSleepers(this.#words, WORD.wakeSequence, WORD.sleepers);
  }
}
