import type { WorkerHost, WorkerStart } from './thread.ts';

export type { WorkerHost, WorkerMessage, WorkerStart } from './thread.ts';

/** The whole life of a machine's thread: is over when the machine has ended. */
export type RunWorker = (start: WorkerStart, host: WorkerHost) => void | Promise<void>;

/**
 * Loads the code of the threads of a kind of machine, and nothing of the other kind: a module costs half a millisecond.
 */
export async function loadWorker(kind: WorkerStart['kind']): Promise<RunWorker> {
  const run = await loadLife(kind);
  return async (start, host) => {
    try {
      await run(start, host);
    } finally {
      host.closeShares?.();
      for (const text of host.closeDrives?.() ?? []) host.notify({ kind: 'notice', text });
    }
  };
}

async function loadLife(kind: WorkerStart['kind']): Promise<RunWorker> {
  if (kind === 'domain') {
    const { runPcpu } = await import('./domain/thread.ts');
    return (start, host) => {
      if (start.kind !== 'domain') throw new Error('this thread of a machine has loaded what pCPUs run');
      runPcpu(start, host);
    };
  }
  if (kind === 'trace') {
    const { runTrace } = await import('./trace/thread.ts');
    return (start, host) => {
      if (start.kind !== 'trace') throw new Error('this thread of a machine has loaded what its trace needs');
      runTrace(start, host);
    };
  }
  if (kind === 'io') {
    const { runIo } = await import('./io/thread.ts');
    return (start, host) => {
      if (start.kind !== 'io')
        throw new Error('this thread of a machine has loaded what its I/O thread runs');
      return runIo(start, host);
    };
  }
  const { runBareHart } = await import('./bare/thread.ts');
  return (start, host) => {
    if (start.kind !== 'bare') throw new Error('this thread of a machine has loaded what bare harts run');
    runBareHart(start, host);
  };
}
