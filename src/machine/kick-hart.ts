import { requestExit } from '../interrupts/run-state.ts';
import { type VcpuWords, WAKE_SEQUENCE } from '../interrupts/words.ts';

/** Makes a bare hart look at its interrupt lines, wherever it is. What it shall see is written before. */
export function kickHart(words: VcpuWords): void {
  requestExit(words);
  // Meets the load and the wait in `BareHart`'s sleep.
  Atomics.add(words, WAKE_SEQUENCE, 1);
  Atomics.notify(words, WAKE_SEQUENCE);
}
