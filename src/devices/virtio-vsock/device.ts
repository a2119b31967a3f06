import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { Backends } from '../backends.ts';
import { fieldsOf } from '../virtio/fields.ts';
import type { ConfigSpace, QueueAccess, VirtioFunction } from '../virtio/function.ts';
import { VIRTIO_VSOCK, VSOCK_FEATURE } from './facts.ts';
import { VirtioVsockHost } from './host.ts';
import { WORD } from './words.ts';

/** The surroundings of a socket device. */
export interface VsockOptions {
  readonly memory: GuestMemory;
  /** The guest's address. */
  readonly cid: number;
  /** The driver has notified, in any thread. */
  onNotify(): void;
}

/** Streams between guest and host. The host's side works at the queues. */
export class VirtioVsock implements VirtioFunction {
  readonly name = 'virtio-vsock';
  readonly id = VIRTIO_VSOCK.id;
  readonly features = VSOCK_FEATURE.STREAM;
  readonly config: ConfigSpace;
  readonly #words: Int32Array;
  readonly #options: VsockOptions;

  /** @param words - `VSOCK_WORDS` shared words */
  constructor(words: Int32Array, options: VsockOptions) {
    const fields = new DataView(new ArrayBuffer(8));
    fields.setUint32(0, options.cid, true);
    this.config = fieldsOf(fields);
    this.#words = words;
    this.#options = options;
  }

  notify(): void {
    this.#options.onNotify();
  }

  reset(): void {
    // Meets the load in `VirtioVsockHost`.
    Atomics.add(this.#words, WORD.RESETS, 1);
    this.#options.onNotify();
  }

  connect(queues: QueueAccess, { vsock }: Backends): VirtioVsockHost {
    return new VirtioVsockHost(this.#words, { ...this.#options, queues, backend: vsock });
  }
}
