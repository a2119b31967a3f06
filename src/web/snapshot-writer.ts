import type { SnapshotSink } from '../machine/snapshot/codec.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';
import type { FromSnapshotThread, ToSnapshotThread } from './snapshot-messages.ts';
import { NOT_LOADED, startSnapshotThread } from './snapshot-worker.ts';

/**
 * Writes a machine that stands still, on a thread of its own: it looks for pages in use, has them packed, and takes the
 * sums. The page itself does nothing but hand the pieces on.
 *
 * @param saved of no use afterwards: the state of its devices goes to the thread
 * @throws Error when the thread fails
 */
export async function writeOnThread(
  saved: SavedMachine,
  notes: Readonly<Record<string, string>>,
  sink: SnapshotSink,
): Promise<void> {
  const kept = new Set(saved.kept.map(({ bytes }) => bytes.buffer));
  await withThread({ kind: 'write', saved, notes }, [...kept], async (message) => {
    if (message.kind === 'piece') await sink.write(message.bytes);
    return message.kind === 'written' ? message : undefined;
  });
}

/** A copy of a machine that stands still. @param pcpus threads of a domain; as many as before unless it is given */
export async function copyOnThread(saved: SavedMachine, pcpus: number | undefined): Promise<SavedMachine> {
  return withThread({ kind: 'copy', saved, pcpus }, [], (message) =>
    Promise.resolve(message.kind === 'machine' ? message.saved : undefined),
  );
}

/** @param hear is told one thing after the other, and gives the result when there is one */
async function withThread<Result>(
  order: ToSnapshotThread,
  transfer: Transferable[],
  hear: (message: FromSnapshotThread) => Promise<Result | undefined>,
): Promise<Result> {
  const worker = startSnapshotThread();
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  let last: Promise<unknown> = Promise.resolve();
  worker.addEventListener('message', ({ data }: MessageEvent<FromSnapshotThread>) => {
    if (data.kind === 'failed') reject(new Error(data.message));
    const heard = last.then(() => hear(data));
    last = heard;
    heard.then((result) => result === undefined || resolve(result), reject);
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    reject(new Error(event.message || NOT_LOADED));
  });
  try {
    worker.postMessage(order, transfer);
    return await promise;
  } finally {
    worker.terminate();
  }
}
