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
  const events = new EventStream();
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

/** The events of a watch as a stream. Before it is open and after its end, events are dropped. */
class EventStream {
  #controller: ReadableStreamDefaultController<FileEvent> | undefined;
  #inotify: Inotify | undefined;

  /** @param inotify is asked for more as the reader wants more, and closed when it wants no more */
  open(inotify: Inotify): ReadableStream<FileEvent> {
    this.#inotify = inotify;
    return new ReadableStream<FileEvent>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => inotify.grant(),
        cancel: () => this.end(),
      },
      { highWaterMark: 1 },
    );
  }

  tell(event: FileEvent): void {
    this.#controller?.enqueue(event);
  }

  /** Ends the stream for its reader with an error. */
  fail(error: unknown): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }

  /** Ends the watch in the guest. */
  end(): void {
    this.#controller = undefined;
    this.#inotify?.close();
  }
}
