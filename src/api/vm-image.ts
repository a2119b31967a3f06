import type { SnapshotSink } from '../machine/snapshot/codec.ts';
import type { BootOptions } from './boot-options.ts';

/** The options that can be chosen anew for a machine that is restored; all else is as it was when it was saved. */
export type RestoreOptions = Pick<
  BootOptions,
  | 'threads'
  | 'disk'
  | 'share'
  | 'network'
  | 'limits'
  | 'engine'
  | 'trace'
  | 'signal'
  | 'onNotice'
  | 'onProgress'
>;

/** A machine as it was at one moment, packed. Any number of machines can be made from it, by `restore`. */
export class VmImage {
  /** The options of the machine that it was made from, but for those that are that machine's alone. */
  readonly options: RestoreOptions;
  readonly #pieces: readonly Uint8Array[];

  /** @internal */
  constructor(pieces: readonly Uint8Array[], options: RestoreOptions) {
    this.#pieces = pieces;
    this.options = options;
  }

  /** Bytes. */
  get size(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** All bytes, in pieces: the content of a file that `restore` takes. */
  *[Symbol.iterator](): Generator<Uint8Array> {
    yield* this.#pieces;
  }
}

/** Keeps the bytes written to it. */
export class PieceSink implements SnapshotSink {
  readonly pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): Promise<void> {
    this.pieces.push(bytes);
    return Promise.resolve();
  }
}
