import { type OptionRules, SWITCH } from '../../errors/arguments.ts';
import { ABORTABLE, type Abortable } from '../arguments.ts';
import type { AgentConnection } from '../connection.ts';
import { type FileEvent, kindOf } from './file-event.ts';
import { Inotify, type RawEvent } from './inotify.ts';
import { type ListFolder, WatchedTree } from './watched-tree.ts';

/** Options of watching a file or a folder. */
export interface WatchOptions extends Abortable {
  /** With all folders below, also those that come. The content of a new one may be told twice. */
  readonly recursive?: boolean;
}

export const WATCH_OPTIONS: OptionRules<WatchOptions> = { ...ABORTABLE, recursive: SWITCH };

/**
 * Watches a file or a folder.
 *
 * @param list gives the content of a folder
 * @throws AgentError if it cannot be watched; the reason of `signal`
 */
export async function watch(
  connection: AgentConnection,
  path: string,
  list: ListFolder,
  { recursive = false, signal }: WatchOptions,
): Promise<ReadableStream<FileEvent>> {
  const events = new EventStream(connection.hold);
  let tree: WatchedTree | undefined;
  const handlers = {
    event: (event: RawEvent) => {
      if (tree !== undefined) {
        tree.take(event);
        return;
      }
      const kind = kindOf(event);
      if (kind !== undefined) events.tell({ kind, name: event.name });
    },
    failed: (error: unknown) => events.fail(error),
  };
  const { inotify, watch: first } = await Inotify.open(connection, path, handlers, signal);
  const readable = events.open(inotify);
  const fail = (error: unknown) => {
    events.fail(error);
    events.end();
  };
  signal?.addEventListener('abort', () => fail(signal.reason), { once: true });
  if (!recursive) return readable;
  tree = new WatchedTree(path, { inotify, list, tell: (event) => events.tell(event), fail });
  try {
    await tree.begin(first);
  } catch (error) {
    events.end();
    throw error;
  }
  return readable;
}

/**
 * The events of a watch as a stream. Before it is open and after its end, events are dropped. The program does not come
 * to its end while a reader waits for one.
 */
class EventStream {
  readonly #hold: () => () => void;
  #controller: ReadableStreamDefaultController<FileEvent> | undefined;
  #inotify: Inotify | undefined;
  /** Ends a reader's wait. */
  #arrive: () => void = () => undefined;

  /** @param hold keeps the program running until the function that it gives is called */
  constructor(hold: () => () => void) {
    this.#hold = hold;
  }

  /** @param inotify is asked for more as the reader wants more, and closed when it wants no more */
  open(inotify: Inotify): ReadableStream<FileEvent> {
    this.#inotify = inotify;
    return new ReadableStream<FileEvent>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        // With nothing to be kept ahead it is called for a reader that waits, and for no other.
        pull: () => {
          inotify.grant();
          return this.#wait();
        },
        cancel: () => this.end(),
      },
      { highWaterMark: 0 },
    );
  }

  tell(event: FileEvent): void {
    this.#controller?.enqueue(event);
    this.#arrive();
  }

  /** Ends the stream for its reader with an error. */
  fail(error: unknown): void {
    this.#controller?.error(error);
    this.#controller = undefined;
    this.#arrive();
  }

  /** Ends the watch in the guest. */
  end(): void {
    this.#controller = undefined;
    this.#arrive();
    this.#inotify?.close();
  }

  /** Until the next event, or the end. */
  #wait(): Promise<void> {
    const release = this.#hold();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arrive = () => {
      release();
      resolve();
    };
    return promise;
  }
}
