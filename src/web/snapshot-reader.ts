import type { BootProgress } from '../api/boot-options.ts';
import type { AttachedParts } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import type { SnapshotFacts } from '../machine/snapshot/facts.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';
import { baseAddress } from './fetch-file.ts';
import type { FromSnapshotThread, SnapshotSource, ToSnapshotThread } from './snapshot-messages.ts';
import { NOT_LOADED, startSnapshotThread } from './snapshot-worker.ts';

/** The bytes of a snapshot: at an address, in a file, or pieces of them in memory. */
export type SnapshotBytes = string | Blob | Iterable<Uint8Array>;

/** How a snapshot is read. */
export interface SnapshotReaderOptions {
  /** For people. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BootProgress) => void) | undefined;
}

/** Reads a snapshot on a thread of its own: the page itself does nothing but wait for it. */
export class SnapshotReader {
  readonly #worker = startSnapshotThread();
  readonly #options: SnapshotReaderOptions;
  readonly #facts = Promise.withResolvers<SnapshotFacts>();
  readonly #saved = Promise.withResolvers<SavedMachine>();
  readonly #abort = () => this.#fail(this.#options.signal?.reason);

  /** Begins at once. */
  constructor(from: SnapshotBytes, options: SnapshotReaderOptions) {
    this.#options = options;
    // Each failure is met by the code that waits.
    for (const { promise } of [this.#facts, this.#saved]) promise.catch(() => undefined);
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromSnapshotThread>) =>
      this.#hear(data),
    );
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(new Error(event.message || NOT_LOADED));
    });
    options.signal?.addEventListener('abort', this.#abort);
    this.#send({ kind: 'open', source: sourceOf(from), name: options.name });
    if (typeof from !== 'string' && !(from instanceof Blob)) void this.#sendPieces(from);
  }

  /** The facts in its head. @throws InputError for a file that is no snapshot; the reason of the signal */
  get facts(): Promise<SnapshotFacts> {
    return this.#facts.promise;
  }

  /** @throws InputError when it is damaged, or the machine cannot be restored like this; the reason of the signal */
  machine(pcpus: number, attached: AttachedParts): Promise<SavedMachine> {
    this.#send({ kind: 'read', pcpus, attached });
    return this.#saved.promise;
  }

  /** Ends the thread at once. */
  close(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#worker.terminate();
  }

  #send(message: ToSnapshotThread): void {
    this.#worker.postMessage(message);
  }

  /** One at a time: the page has other things to do as well. */
  async #sendPieces(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const bytes of pieces) {
      this.#send({ kind: 'piece', bytes });
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.#send({ kind: 'piece', bytes: undefined });
  }

  #hear(message: FromSnapshotThread): void {
    switch (message.kind) {
      case 'progress': {
        const { bytes, totalBytes } = message;
        const total = totalBytes === undefined ? {} : { totalBytes };
        this.#options.onProgress?.({ message: `Reading ${this.#options.name}`, bytes, ...total });
        break;
      }
      case 'facts':
        this.#facts.resolve(message.facts);
        break;
      case 'machine':
        this.#saved.resolve(message.saved);
        break;
      case 'failed':
        this.#fail(message.isInput ? new InputError(message.message) : new Error(message.message));
        break;
    }
  }

  #fail(error: unknown): void {
    this.close();
    this.#facts.reject(error);
    this.#saved.reject(error);
  }
}

function sourceOf(from: SnapshotBytes): SnapshotSource {
  if (typeof from === 'string') return { kind: 'address', url: from, base: baseAddress() };
  return from instanceof Blob ? { kind: 'blob', blob: from } : { kind: 'pieces' };
}
