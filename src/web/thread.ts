/** The first module of a machine's thread in a page: a dedicated worker. */
import { loadWorker, type WorkerHost } from '../machine/worker.ts';
import type { FromThread, ThreadBegin, ToThread } from './thread-messages.ts';

/** What a dedicated worker has around it; the compiler is told of pages alone. */
interface ThreadScope {
  postMessage(message: FromThread): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToThread>) => void): void;
  close(): void;
}

/** Limits in WebAssembly pages that the memory of every machine is within. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

const scope = globalThis as unknown as ThreadScope;
scope.addEventListener('message', ({ data }) => {
  carryOut(data).catch((error: unknown) => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    scope.postMessage({ kind: 'failed', message, stack });
    scope.close();
  });
});

async function carryOut(order: ToThread): Promise<void> {
  if (order.kind === 'begin') return live(order);
  if (order.kind === 'load') {
    // What fails here does so again when it has to begin.
    await loadWorker(order.life).catch(() => undefined);
    return;
  }
  if (order.kind === 'serve') {
    const { serveExchange } = await import('../storage/http/exchange.ts');
    await serveExchange(order.exchange, order.file);
    scope.postMessage({ kind: 'done' });
    return;
  }
  const { generateInterpreter } = await import('../hart/interpreter/generate.ts');
  const module = await WebAssembly.compile(generateInterpreter(LIMITS, order.xlen));
  scope.postMessage({ kind: 'interpreter', module });
}

/** A thread with a hart does not come back to its event loop before the machine's end; what it sends goes out at once. */
async function live({ start, interpreter, timeOrigin, parts }: ThreadBegin): Promise<void> {
  const host: WorkerHost = {
    clockOffset: performance.timeOrigin - timeOrigin,
    interpreter,
    notify: (message) => scope.postMessage({ kind: 'machine', message }),
  };
  if (parts.drives !== undefined) {
    const { extendHost } = await import('./drives/drive-thread.ts');
    Object.assign(host, await extendHost(parts.drives, start));
  }
  if (parts.network !== undefined && start.kind === 'io') {
    const { extendHost } = await import('./network/network-thread.ts');
    Object.assign(host, extendHost(parts.network));
  }
  const run = await loadWorker(start.kind);
  await run(start, host);
  scope.postMessage({ kind: 'done' });
  scope.close();
}
