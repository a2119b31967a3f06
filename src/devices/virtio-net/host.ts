import type { GuestNetwork } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import { WORD } from './words.ts';

/** Counts the traffic of a network card, on the thread that owns the machine. */
export class VirtioNetHost implements HostSide {
  readonly network: GuestNetwork;

  constructor(words: Int32Array) {
    // Meets the additions of the device, on the thread that carries frames.
    const read = (word: number) => Atomics.load(words, word) >>> 0;
    this.network = {
      counts: () => ({
        sent: read(WORD.SENT),
        received: read(WORD.RECEIVED),
        malformed: read(WORD.MALFORMED),
        refused: read(WORD.REFUSED),
        overflow: read(WORD.OVERFLOW),
      }),
    };
  }

  hear(): void {
    // It is asked.
  }
}
