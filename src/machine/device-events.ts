/** Events that a device may have, numbered from 0. */
const MOST_EVENTS = 32;

/**
 * Events of devices on their way to the thread that owns the machine: a word a device, a bit an event. However often a
 * guest causes one, it is told once until its host's side has heard of it.
 */
export class DeviceEvents {
  readonly #words: Int32Array;

  /** Shared words for so many devices. */
  static wordsFor(devices: number): number {
    return devices;
  }

  /** @param words `DeviceEvents.wordsFor` the machine's devices, zero at first */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /**
   * Notes an event.
   *
   * @returns whether the caller has to send a message: none about this event is under way
   * @throws RangeError for an event that is none
   */
  tell(device: number, event: number): boolean {
    if (!(event >= 0 && event < MOST_EVENTS && device < this.#words.length)) {
      throw new RangeError(`device ${device} has no event ${event}`);
    }
    // Meets the and in `take`: an event that finds its bit set is heard of by the owner after that bit is taken.
    return (Atomics.or(this.#words, device, 1 << event) & (1 << event)) === 0;
  }

  /** Before the owner looks at the cause of an event: the next one is told again. */
  take(device: number, event: number): void {
    // Meets the or in `tell`.
    Atomics.and(this.#words, device, ~(1 << event));
  }
}
