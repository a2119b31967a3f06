import { guestError } from '../agent-error.ts';
import type { AgentConnection, AgentStream } from '../connection.ts';
import { broken } from '../frame.ts';
import { PayloadReader, PayloadWriter } from '../payload.ts';
import { CHANNEL, FRAME } from '../protocol.ts';
import { waitFor } from '../wait-for.ts';

/** Bits of inotify(7). */
export const IN = {
  modified: 0x2,
  attributes: 0x4,
  movedFrom: 0x40,
  movedTo: 0x80,
  created: 0x100,
  deleted: 0x200,
  deletedItself: 0x400,
  movedItself: 0x800,
  overflow: 0x4000,
  ignored: 0x8000,
  folder: 0x4000_0000,
} as const;

/** The events that are asked for. */
const WANTED =
  IN.modified |
  IN.attributes |
  IN.movedFrom |
  IN.movedTo |
  IN.created |
  IN.deleted |
  IN.deletedItself |
  IN.movedItself;
/** Bytes of an event before its name, and of a name at most. */
const HEAD = 16;
const LONGEST_NAME = 4096;
const WINDOW = 64 << 10;

/** An event as Linux tells it. */
export interface RawEvent {
  /** Number of the watched file. */
  readonly watch: number;
  readonly mask: number;
  /** In a folder; empty for the watched file itself. */
  readonly name: string;
}

/** The receiver of events. */
export interface RawEventHandler {
  event(event: RawEvent): void;
  failed(error: Error): void;
}

/** An inotify of the guest. */
export class Inotify {
  readonly #stream: AgentStream;
  readonly #answers: PromiseWithResolvers<number>[] = [];
  /** Bytes that have come since {@link grant}. */
  #waiting = 0;

  /** Watches a file or a folder. @throws AgentError if it cannot be watched; the reason of `signal` */
  static async open(
    connection: AgentConnection,
    path: string,
    handler: RawEventHandler,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly inotify: Inotify; readonly watch: number }> {
    await connection.ready(signal);
    const inotify = new Inotify(connection, path, handler);
    const watch = await waitFor(inotify.#answer(), signal, () => inotify.close());
    return { inotify, watch };
  }

  private constructor(connection: AgentConnection, path: string, handler: RawEventHandler) {
    const events = new EventReader((event) => handler.event(event));
    const fail = (error: Error) => {
      for (const { reject } of this.#answers.splice(0)) reject(error);
      handler.failed(error);
    };
    const payload = new PayloadWriter().u32(WANTED).u32(WINDOW).text(path).payload;
    this.#stream = connection.open(
      { type: FRAME.WATCH, payload, windows: [{ channel: CHANNEL.OUT, bytes: WINDOW }] },
      {
        started: (watch) => this.#answers.shift()?.resolve(watch),
        data: (_, bytes) => {
          this.#waiting += bytes.length;
          events.take(bytes);
        },
        done: (errno) => fail(guestError(errno, `${path} cannot be watched`)),
        failed: fail,
      },
    );
  }

  /** Watches another folder as well. @returns its number; 0 if it is not there any more, or is no folder */
  add(path: string): Promise<number> {
    this.#stream.send(FRAME.DATA, new PayloadWriter().text(path).payload, CHANNEL.IN);
    return this.#answer();
  }

  /** Lets the guest send more, once the events that came were read. */
  grant(): void {
    if (this.#waiting > 0) this.#stream.grant(CHANNEL.OUT, this.#waiting);
    this.#waiting = 0;
  }

  close(): void {
    this.#stream.cancel();
  }

  /** The next one: they come in the order in which they were asked for. */
  #answer(): Promise<number> {
    const answer = Promise.withResolvers<number>();
    this.#answers.push(answer);
    return answer.promise;
  }
}

/** Takes inotify's bytes apart, in pieces of any size. */
class EventReader {
  readonly #onEvent: (event: RawEvent) => void;
  #rest = new Uint8Array();

  constructor(onEvent: (event: RawEvent) => void) {
    this.#onEvent = onEvent;
  }

  take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    let at = 0;
    while (all.length - at >= HEAD) {
      const reader = new PayloadReader(all.subarray(at));
      const watch = reader.u32();
      const mask = reader.u32();
      reader.u32();
      const length = reader.u32();
      if (length > LONGEST_NAME) throw broken(`a name of ${length} bytes`);
      if (all.length - at < HEAD + length) break;
      this.#onEvent({ watch, mask, name: length === 0 ? '' : reader.text() });
      at += HEAD + length;
    }
    this.#rest = all.slice(at);
  }
}
