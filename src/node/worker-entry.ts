/** The first module of a machine's thread. */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerHost } from '../machine/worker.ts';
import type { Collector } from './collector.ts';
import type { ThreadData, ThreadMessage, ThreadStart } from './machine-thread.ts';
import { takeImportsAsWritten } from './source-imports.ts';

/** The export of a thread's module. */
interface ExtendsHost {
  extendHost(given: unknown): Partial<WorkerHost> | Promise<Partial<WorkerHost>>;
}

const { kind, compileCache } = workerData as ThreadData;
// Each thread has to ask for the cache of compiled sources itself, before it imports modules that are to be found
// there.
if (compileCache !== undefined) enableCompileCache(compileCache);
takeImportsAsWritten();
if (parentPort === null) throw new Error('this module is the start of a worker thread');
const port = parentPort;
const nextStart = () => new Promise<ThreadStart>((resolve) => port.once('message', resolve));
// Listens before it loads: messages in between wait for it.
let started = nextStart();
const [runWorker, { sharedClockOffset }] = await Promise.all([
  import('../machine/worker.ts').then(({ loadWorker }) => loadWorker(kind)),
  import('./clock.ts'),
]);

/** Lives the thread's part of a machine. @returns whether the thread is as it was, and can have another one */
async function live({ start, interpreter, modules }: ThreadStart): Promise<boolean> {
  const host: WorkerHost = {
    clockOffset: sharedClockOffset(),
    interpreter,
    notify: (message) => port.postMessage(message),
  };
  for (const { url, data } of modules) {
    const { extendHost } = (await import(url)) as ExtendsHost;
    Object.assign(host, await extendHost(data));
  }
  // While a thread waits for events, something has to keep it.
  const alive = setInterval(() => undefined, 2 ** 31 - 1);
  await runWorker(start, host);
  clearInterval(alive);
  const isOfHarts = start.kind === 'domain' || start.kind === 'bare';
  return isOfHarts && start.engine !== 'lockstep' && host.standIn === undefined;
}

let collector: Collector | undefined;
while (await live(await started)) {
  // Loaded when there is something to collect.
  collector ??= await import('./collector.ts').then(({ openCollector }) => openCollector());
  if (collector === undefined) break;
  started = nextStart();
  port.postMessage({ kind: 'left' } satisfies ThreadMessage);
  await collector.collectBefore(started);
}
// A network's waits are of no use any more.
if (kind === 'io') process.exit();
