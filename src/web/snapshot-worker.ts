/** Starts the thread that reads, writes and copies machines for a page. Written so that bundlers see it. */
export function startSnapshotThread(): Worker {
  return new Worker(new URL('./snapshot-thread.ts', import.meta.url), {
    type: 'module',
    name: 'hartvisor snapshot',
  });
}

/** Why there is no such thread, where the browser does not say. */
export const NOT_LOADED =
  'The module of the thread that reads and writes snapshots could not be loaded. It lies beside the module of ' +
  'hartvisor that was imported, and has to come from the same origin.';
