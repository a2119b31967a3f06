import { array, i32, struct } from '../../layout/struct.ts';
import { Lock } from '../../sync/lock.ts';
import type { LineSink } from '../device.ts';
import { PCI } from './facts.ts';

const PINS = struct({
  LOCK: i32,
  /** Slots whose pin is up, a bit for each, by the wire that they share. */
  RAISED: array(i32, PCI.wires),
});

/**
 * The wires of the interrupt pins, which functions share: a wire is up while any of its functions' pins is. A function
 * calls them with its own lock held; this one comes behind it, and the interrupt controller's behind this one.
 */
export class PciPins {
  static readonly STATE = PINS;
  static readonly WORDS = PINS.words;
  readonly #words: Int32Array;
  readonly #lock: Lock;
  readonly #wires: readonly LineSink[];

  constructor(words: Int32Array, wires: readonly LineSink[]) {
    this.#words = words;
    this.#lock = new Lock(words, PINS.word.LOCK);
    this.#wires = wires;
  }

  /** The first pin of a slot. */
  pin(slot: number): LineSink {
    const wire = wireOf(slot);
    const word = PINS.word.RAISED + wire;
    return {
      set: (level) =>
        this.#lock.withLock(() => {
          const before = this.#words[word];
          const after = level ? before | (1 << slot) : before & ~(1 << slot);
          this.#words[word] = after;
          if ((after === 0) !== (before === 0)) this.#wires[wire].set(after !== 0);
        }),
    };
  }
}

/** The wire of a slot's first pin; the next pin has the next one, around (PCI-to-PCI bridges, section 9.1). */
export function wireOf(slot: number): number {
  return slot % PCI.wires;
}
