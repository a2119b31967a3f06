import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { HostFolder } from '../../shared-folders/host-folder.ts';
import { FuseServer } from '../../shared-folders/server.ts';
import type { ShareFacts } from '../descriptor.ts';
import { type Chain, partsOf, slice } from '../virtio/chain.ts';
import type { ConfigSpace, VirtioFunction } from '../virtio/function.ts';
import { RingError } from '../virtio/ring-error.ts';
import { fsConfig } from './config.ts';
import { VIRTIO_FS } from './facts.ts';

/** The surroundings of a shared folder. */
export interface FsOptions {
  readonly memory: GuestMemory;
  readonly share: ShareFacts;
  /** The folder, asked for when the first request comes, on the thread that carries requests out. */
  open(): HostFolder;
  /** The host has an error that nobody expects; `text` is for people. */
  onTrouble(text: string): void;
}

/** A folder of the host: requests of Linux' file system in user space, each with its answer in one chain. */
export class VirtioFs implements VirtioFunction {
  readonly name = 'virtio-fs';
  readonly id = VIRTIO_FS.id;
  readonly features = 0;
  readonly config: ConfigSpace;
  readonly #options: FsOptions;
  #server: FuseServer | undefined;
  /** The last message to people: once is enough for the same trouble. */
  #told = '';

  constructor(options: FsOptions) {
    this.config = fsConfig(options.share.tag);
    this.#options = options;
  }

  carryOut(chain: Chain): number {
    const { memory } = this.#options;
    this.#server ??= this.#serve();
    const written = this.#server.serve(partsOf(memory, chain.readable), partsOf(memory, chain.writable));
    if (written === undefined) throw new RingError('a request without a header, or shorter than it says');
    // The listener to writes hears of them.
    for (const { address, length } of slice(chain.writable, 0, written))
      memory.fill(address, length, () => undefined);
    return written;
  }

  *save(): Generator<Uint8Array> {
    if (this.#server !== undefined) yield* this.#server.save();
  }

  restore(saved: Uint8Array): void {
    this.#server ??= this.#serve();
    this.#server.restore(saved);
  }

  #serve(): FuseServer {
    const { share, open } = this.#options;
    return new FuseServer({ host: open(), readOnly: share.readOnly, onTrouble: (text) => this.#tell(text) });
  }

  #tell(why: string): void {
    if (this.#told === why) return;
    this.#told = why;
    const { share, onTrouble } = this.#options;
    onTrouble(`The shared folder ${share.name} has an error, which the guest is told: ${why}`);
  }
}
