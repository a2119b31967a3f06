import { guestError } from '../agent-error.ts';
import type { AgentConnection } from '../connection.ts';
import { broken } from '../frame.ts';
import { PayloadReader, PayloadWriter } from '../payload.ts';
import { CHANNEL, FRAME } from '../protocol.ts';
import { waitFor } from '../wait-for.ts';

/** Something that has happened to a file, or in a folder. */
export interface FileEvent {
  /** `lost`: there were more than the guest keeps, and some are missing. */
  readonly kind: 'created' | 'changed' | 'removed' | 'lost';
  /** In a folder; empty for what is watched itself. */
  readonly name: string;
}

/** Bits of inotify(7), and what they mean. */
const MEANINGS: readonly (readonly [number, FileEvent['kind']])[] = [
  [0x4000, 'lost'],
  [0x100 | 0x80, 'created'],
  [0x200 | 0x40 | 0x400 | 0x800, 'removed'],
  [0x2 | 0x4, 'changed'],
];
/** All of these but the first, which comes without being asked for. */
const WANTED = MEANINGS.slice(1).reduce((mask, [bits]) => mask | bits, 0);
/** Bytes of an event before its name, and of a name at most. */
const HEAD = 16;
const LONGEST_NAME = 4096;
const WINDOW = 64 << 10;

/** Watches a file or a folder. @throws AgentError if it cannot be watched; the reason of `signal` */
export async function watch(
  connection: AgentConnection,
  path: string,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<FileEvent>> {
  await connection.ready(signal);
  const started = Promise.withResolvers<void>();
  const payload = new PayloadWriter().u32(WANTED).u32(WINDOW).text(path).payload;
  let controller: ReadableStreamDefaultController<FileEvent> | undefined;
  /** Bytes that have come while nobody has taken the events. */
  let waiting = 0;
  const events = new EventReader((event) => controller?.enqueue(event));
  const fail = (error: Error) => {
    started.reject(error);
    controller?.error(error);
    controller = undefined;
  };
  const stream = connection.open(
    { type: FRAME.WATCH, payload, windows: [{ channel: CHANNEL.OUT, bytes: WINDOW }] },
    {
      started: () => started.resolve(),
      data: (_, bytes) => {
        waiting += bytes.length;
        events.take(bytes);
      },
      done: (errno) => fail(guestError(errno, `${path} cannot be watched`)),
      failed: fail,
    },
  );
  const end = () => {
    controller = undefined;
    stream.cancel();
  };
  const readable = new ReadableStream<FileEvent>(
    {
      start: (given) => {
        controller = given;
      },
      pull: () => {
        if (waiting > 0) stream.grant(CHANNEL.OUT, waiting);
        waiting = 0;
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
  signal?.addEventListener(
    'abort',
    () => {
      controller?.error(signal.reason);
      end();
    },
    { once: true },
  );
  await waitFor(started.promise, signal);
  return readable;
}

/** Takes apart what inotify gives, in pieces of any size. */
class EventReader {
  readonly #onEvent: (event: FileEvent) => void;
  #rest = new Uint8Array();

  constructor(onEvent: (event: FileEvent) => void) {
    this.#onEvent = onEvent;
  }

  take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    let at = 0;
    while (all.length - at >= HEAD) {
      const reader = new PayloadReader(all.subarray(at));
      reader.u32();
      const mask = reader.u32();
      reader.u32();
      const length = reader.u32();
      if (length > LONGEST_NAME) throw broken(`a name of ${length} bytes`);
      if (all.length - at < HEAD + length) break;
      const kind = MEANINGS.find(([bits]) => (mask & bits) !== 0)?.[1];
      if (kind !== undefined) this.#onEvent({ kind, name: length === 0 ? '' : reader.text() });
      at += HEAD + length;
    }
    this.#rest = all.slice(at);
  }
}
