import type { Mistake } from './changed-source.ts';

/** Before the count of threads that wait, not of those that go on meanwhile. */
const BEFORE_WAIT = '// Meets the load in `wakeSleepers`.\n    ';

/** Mistakes in the sleep that pCPUs and bare harts share. */
export const SLEEP_MISTAKES: readonly (Mistake & { readonly name: string })[] = [
  ['wake-notifies-nobody', 'Atomics.notify(words, sequence, threads)', 'void threads'],
  ['wake-counts-nothing', 'Atomics.add(words, sequence, 1)', 'void 0'],
  ['sleep-unannounced', `${BEFORE_WAIT}Atomics.add(this.#words, this.#sleepers, 1)`, 'void 0'],
  ['sleep-on-news', 'this.#sequence, sequence, milliseconds', 'this.#sequence, this.sequence, milliseconds'],
].map(([name, piece, by]) => ({ name, file: 'hypervisor/sleep.ts', piece, by }));
