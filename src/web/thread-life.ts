import type { RunWorker, WorkerHost } from '../machine/worker.ts';
import type { FromThread, ThreadBegin } from './thread-messages.ts';

/** The surroundings of a dedicated worker; the compiler is told of pages alone. */
export interface ThreadScope<Order> {
  postMessage(message: FromThread): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Order>) => void): void;
  close(): void;
}

/** Has a worker carry out its page's orders, and tell it of failures. */
export function listen<Order>(carryOut: (order: Order, scope: ThreadScope<Order>) => Promise<void>): void {
  const scope = globalThis as unknown as ThreadScope<Order>;
  scope.addEventListener('message', ({ data }) => {
    carryOut(data, scope).catch((error: unknown) => {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      scope.postMessage({ kind: 'failed', message, stack });
      scope.close();
    });
  });
}

/** The surroundings of a machine's thread. */
export function hostOf<Order>(
  scope: ThreadScope<Order>,
  { interpreter, timeOrigin }: ThreadBegin,
): WorkerHost {
  return {
    clockOffset: performance.timeOrigin - timeOrigin,
    interpreter,
    notify: (message) => scope.postMessage({ kind: 'machine', message }),
  };
}

/**
 * A thread with a hart does not come back to its event loop before the machine's end; its messages go out at once.
 */
export async function live<Order>(
  scope: ThreadScope<Order>,
  run: RunWorker,
  { start }: ThreadBegin,
  host: WorkerHost,
): Promise<void> {
  await run(start, host);
  scope.postMessage({ kind: 'done' });
  scope.close();
}
