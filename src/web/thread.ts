/** The first module of a thread of a machine in a page, but for that of its trace: a dedicated worker. */
import { loadWorker } from '../machine/worker.ts';
import { hostOf, listen, live } from './thread-life.ts';
import type { ToThread } from './thread-messages.ts';

/** Limits in WebAssembly pages that the memory of every machine is within. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

listen<ToThread>(async (order, scope) => {
  switch (order.kind) {
    case 'load':
      // A failure here happens again when the thread has to begin.
      await loadWorker(order.life).catch(() => undefined);
      break;
    case 'begin': {
      const { start, parts } = order;
      const host = hostOf(scope, order);
      if (parts.drives !== undefined) {
        const { extendHost } = await import('./drives/drive-thread.ts');
        Object.assign(host, await extendHost(parts.drives, start));
      }
      if (parts.network !== undefined && start.kind === 'io') {
        const { extendHost } = await import('./network/network-thread.ts');
        Object.assign(host, extendHost(parts.network));
      }
      await live(scope, await loadWorker(start.kind), order, host);
      break;
    }
    case 'serve': {
      const { serveParts } = await import('../storage/http/thread-source.ts');
      await serveParts(order.exchange, order.file);
      scope.postMessage({ kind: 'done' });
      break;
    }
    case 'keep': {
      const { serveRecords } = await import('./drives/records/serve-records.ts');
      await serveRecords(order.exchange, order.name, order.readOnly);
      scope.postMessage({ kind: 'done' });
      break;
    }
    case 'generate': {
      const { generateInterpreter } = await import('../hart/interpreter/generate.ts');
      const module = await WebAssembly.compile(generateInterpreter(LIMITS, order.xlen));
      scope.postMessage({ kind: 'interpreter', module });
      break;
    }
  }
});
