import type { AgentConnection } from '../connection.ts';
import { type FileEvent, kindOf } from './file-event.ts';
import { Inotify } from './inotify.ts';
import { type ListFolder, WatchedTree } from './watched-tree.ts';

/** Options of watching a file or a folder. */
export interface WatchOptions {
  /** With all folders below, also those that come. What is in a new one may be told twice. */
  readonly recursive?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Watches a file or a folder.
 *
 * @param list tells what is in a folder
 * @throws AgentError if it cannot be watched; the reason of `signal`
 */
export async function watch(
  connection: AgentConnection,
  path: string,
  list: ListFolder,
  { recursive = false, signal }: WatchOptions,
): Promise<ReadableStream<FileEvent>> {
  let controller: ReadableStreamDefaultController<FileEvent> | undefined;
  let tree: WatchedTree | undefined;
  const tell = (event: FileEvent) => controller?.enqueue(event);
  const fail = (error: unknown) => {
    controller?.error(error);
    controller = undefined;
  };
  const opened = await Inotify.open(
    connection,
    path,
    {
      event: (event) => {
        if (tree !== undefined) {
          tree.take(event);
          return;
        }
        const kind = kindOf(event);
        if (kind !== undefined) tell({ kind, name: event.name });
      },
      failed: fail,
    },
    signal,
  );
  const { inotify } = opened;
  const end = () => {
    controller = undefined;
    inotify.close();
  };
  const readable = new ReadableStream<FileEvent>(
    {
      start: (given) => {
        controller = given;
      },
      pull: () => inotify.grant(),
      cancel: end,
    },
    { highWaterMark: 1 },
  );
  const abort = () => {
    fail(signal?.reason);
    end();
  };
  signal?.addEventListener('abort', abort, { once: true });
  if (!recursive) return readable;
  const failed = (error: unknown) => {
    fail(error);
    end();
  };
  tree = new WatchedTree(path, { inotify, list, tell, fail: failed });
  try {
    await tree.begin(opened.watch);
  } catch (error) {
    end();
    throw error;
  }
  return readable;
}
