import type { GuestBalloon } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import type { QueueAccess } from '../virtio/function.ts';
import { VIRTIO_BALLOON } from './facts.ts';
import { WORD } from './words.ts';

/** Asks the guest for memory, on the thread that owns the machine. */
export class VirtioBalloonHost implements HostSide {
  readonly balloon: GuestBalloon;

  constructor(words: Int32Array, queues: QueueAccess) {
    const { page } = VIRTIO_BALLOON;
    this.balloon = {
      // Meets the store in the configuration space.
      given: () => (Atomics.load(words, WORD.GIVEN) >>> 0) * page,
      ask: (bytes) => {
        const pages = Math.floor(bytes / page);
        if (!(pages >= 0 && pages < 2 ** 32)) throw new RangeError(`${bytes} bytes are no size of a balloon`);
        // Meets the load in the configuration space, on threads of harts.
        Atomics.store(words, WORD.WANTED, pages | 0);
        queues.configurationChanged();
      },
    };
  }

  hear(): void {
    // The driver acts.
  }
}
