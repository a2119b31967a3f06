import type { GuestMemory, GuestPhysical } from '../../memory/guest-memory.ts';
import { bytesIn, type Chain, gather } from '../virtio/chain.ts';
import type { ConfigSpace, QueueAccess, VirtioFunction } from '../virtio/function.ts';
import { RingError } from '../virtio/ring-error.ts';
import { balloonConfig } from './config.ts';
import { BALLOON_FEATURE, QUEUE, VIRTIO_BALLOON } from './facts.ts';
import { VirtioBalloonHost } from './host.ts';
import { WORD } from './words.ts';

/** Bytes of a list of pages at most; Linux sends 256 pages of 4 bytes each. */
const LONGEST_LIST = 1 << 16;
/** Bytes of a report at most; Linux makes none of more than 128 MiB. */
const LARGEST_REPORT = 1 << 28;
/** Bytes that are looked at in one go. */
const SPAN = 1 << 16;

/**
 * Memory that the guest does without. A WebAssembly memory cannot give pages back to the system, so such memory is made
 * zero: a snapshot leaves it out, and systems that merge equal pages have some to merge.
 */
export class VirtioBalloon implements VirtioFunction {
  readonly name = 'virtio-balloon';
  readonly id = VIRTIO_BALLOON.id;
  readonly features = BALLOON_FEATURE.DEFLATE_ON_OOM | BALLOON_FEATURE.PAGE_REPORTING;
  readonly config: ConfigSpace;
  readonly #memory: GuestMemory;
  readonly #words: Int32Array;

  /** @param words - as many shared words as `BALLOON_WORDS` says */
  constructor(words: Int32Array, memory: GuestMemory) {
    this.#words = words;
    this.#memory = memory;
    this.config = balloonConfig(words);
  }

  carryOut(chain: Chain, index: number): number {
    if (index === QUEUE.INFLATE) this.#inflate(chain);
    else if (index === QUEUE.REPORT) this.#hearOfFree(chain);
    return 0;
  }

  reset(): void {
    Atomics.store(this.#words, WORD.GIVEN, 0);
  }

  connect(queues: QueueAccess): VirtioBalloonHost {
    return new VirtioBalloonHost(this.#words, queues);
  }

  /** The buffer lists numbers of pages. Those that are not RAM are left alone, as in QEMU. */
  #inflate({ readable }: Chain): void {
    const length = bytesIn(readable);
    if (length > LONGEST_LIST) throw new RingError(`a list of pages of ${length} bytes`);
    const list = gather(this.#memory, readable, 0, length);
    if (list === undefined) return;
    const view = new DataView(list.buffer);
    for (let at = 0; at + 4 <= length; at += 4) {
      const address = view.getUint32(at, true) * VIRTIO_BALLOON.page;
      if (this.#memory.contains(address, VIRTIO_BALLOON.page)) this.#clear(address, VIRTIO_BALLOON.page);
    }
  }

  /** The buffers are the free memory itself. */
  #hearOfFree({ writable, room }: Chain): void {
    if (room > LARGEST_REPORT) throw new RingError(`a report of ${room} bytes of free memory`);
    for (const { address, length } of writable) this.#clear(address, length);
  }

  /** A page that is zero is only looked at: to write to it would make the system find memory for it. */
  #clear(from: GuestPhysical, length: number): void {
    for (let done = 0; done < length; done += SPAN) {
      const bytes = Math.min(SPAN, length - done);
      let zero = true;
      this.#memory.use(from + done, bytes, (part) => {
        zero = isZero(part);
      });
      if (!zero) this.#memory.fill(from + done, bytes, (part) => part.fill(0));
    }
  }
}

function isZero(bytes: Uint8Array): boolean {
  const head = (4 - (bytes.byteOffset % 4)) % 4;
  const count = Math.max(0, (bytes.length - head) >> 2);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, count);
  for (let index = 0; index < count; index++) if (words[index] !== 0) return false;
  return (
    bytes.subarray(0, head).every((byte) => byte === 0) &&
    bytes.subarray(head + 4 * count).every((byte) => byte === 0)
  );
}
