import { InputError } from '../errors/input-error.ts';
import { GUARD, GuardedWords } from '../sync/guarded-words.ts';
import type { AccessWidth, Device, SavedDevice } from './device.ts';

/**
 * The common part of all devices with state: guarded shared words, and reset, save and restore over them.
 *
 * Zero words are a device just reset, so fresh memory needs no preparation, and any thread may construct its object
 * at any time.
 */
export abstract class SharedDevice implements Device {
  abstract readonly name: string;
  abstract readonly size: number;
  protected readonly guard: GuardedWords;
  protected readonly words: Int32Array;
  readonly #resetFrom: number;
  readonly #resetTo: number;

  /**
   * @param words - this device's shared memory
   * @param count - words the device uses, guard included
   * @param reset - the words that a reset clears, from and to (exclusive); the others show the state outside the device
   *   (the levels of its inputs, a cable)
   */
  constructor(words: Int32Array, count: number, owner: string, reset: { from?: number; to?: number } = {}) {
    this.guard = new GuardedWords(words, count, owner);
    this.words = this.guard.words;
    this.#resetFrom = reset.from ?? GUARD.words;
    this.#resetTo = reset.to ?? count;
  }

  abstract read(offset: number, width: AccessWidth): number;
  abstract write(offset: number, width: AccessWidth, value: number): void;

  /** Called with the lock held after all words were replaced: the device drives its interrupt line anew. */
  protected abstract driveOutputs(): void;

  /**
   * Called without the lock after all words were replaced: the code that asks for the device's levels is told to ask
   * again.
   */
  protected afterReplacement(): void {}

  /** Puts the device into the state it has at power-on. */
  reset(): void {
    this.guard.change(() => this.clear());
    this.afterReplacement();
  }

  /** Resets the words; called with the lock held. */
  protected clear(): void {
    this.words.fill(0, this.#resetFrom, this.#resetTo);
    this.driveOutputs();
  }

  /** A copy of the device's state, taken between two accesses. */
  save(): SavedDevice {
    return this.guard.locked(() => ({
      device: this.name,
      words: Array.from(this.words.subarray(GUARD.words)),
    }));
  }

  /**
   * Takes over a state that {@link save} gave, also one of another process.
   *
   * @throws InputError when it is the state of another device or of another shape
   */
  restore(saved: SavedDevice): void {
    const count = this.words.length - GUARD.words;
    if (saved.device !== this.name || saved.words.length !== count) {
      throw new InputError(
        `The saved state is that of "${saved.device}" with ${saved.words.length} words, and cannot be loaded into ` +
          `"${this.name}" with ${count}. Restore it into a machine of the same configuration.`,
      );
    }
    this.guard.change(() => {
      this.words.set(saved.words, GUARD.words);
      this.driveOutputs();
    });
    this.afterReplacement();
  }
}
