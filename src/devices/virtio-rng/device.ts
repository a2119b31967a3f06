import type { GuestMemory } from '../../memory/guest-memory.ts';
import { scatter } from '../virtio/chain.ts';
import type { VirtioFunction } from '../virtio/function.ts';
import type { VirtQueue } from '../virtio/queue.ts';
import { VIRTIO_RNG } from './facts.ts';

/** Bytes for one buffer at most: a driver takes any number of them, and no request keeps the hart for long. */
const MOST_BYTES = 4096;

/** The entropy device: fills the driver's buffers with random bytes, on the thread of the hart that asks. */
export class VirtioRng implements VirtioFunction {
  readonly name = 'virtio-rng';
  readonly id = VIRTIO_RNG.id;
  readonly features = 0;
  readonly #memory: GuestMemory;
  readonly #randomize: (bytes: Uint8Array<ArrayBuffer>) => void;

  /** @param randomize fills an array with bytes that nobody can guess */
  constructor(memory: GuestMemory, randomize: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#memory = memory;
    this.#randomize = randomize;
  }

  notify(queue: VirtQueue): void {
    for (let left = queue.listen(); left > 0; left--) {
      const chain = queue.pop();
      if (chain === undefined) return;
      const bytes = new Uint8Array(Math.min(chain.room, MOST_BYTES));
      this.#randomize(bytes);
      queue.push(chain, scatter(this.#memory, chain.writable, bytes));
    }
  }
}
