import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { ByteRing } from '../byte-ring.ts';
import { bytesIn, gather } from '../virtio/chain.ts';
import type { VirtQueue } from '../virtio/queue.ts';

/** Bytes that are copied at once. */
const PIECE = 0x1000;

/** The output of a terminal, from the driver's buffers to a ring. The device's lock makes its callers one producer. */
export class TerminalOutput {
  readonly #memory: GuestMemory;
  readonly #ring: ByteRing;
  readonly #words: Int32Array;
  readonly #taken: number;

  /** @param taken - the word with how much of the first buffer is in the ring */
  constructor(memory: GuestMemory, ring: ByteRing, words: Int32Array, taken: number) {
    this.#memory = memory;
    this.#ring = ring;
    this.#words = words;
    this.#taken = taken;
  }

  /**
   * Moves as much as the ring has room for. Where there is more, the driver's buffer stays in the queue.
   *
   * @returns whether anything was moved
   */
  move(queue: VirtQueue): boolean {
    let moved = false;
    for (let left = queue.listen(); left > 0; left--) {
      const chain = queue.pop();
      if (chain === undefined) break;
      const length = bytesIn(chain.readable);
      let at = this.#words[this.#taken];
      while (at < length) {
        const bytes = gather(this.#memory, chain.readable, at, Math.min(PIECE, length - at));
        const written = bytes === undefined ? 0 : this.#ring.write(bytes);
        if (written === 0) break;
        at += written;
        moved = true;
      }
      this.#words[this.#taken] = at < length ? at : 0;
      if (at < length) {
        queue.unpop(1);
        break;
      }
      queue.push(chain, 0);
    }
    return moved;
  }
}
