import { wakeSleepers } from '../hypervisor/sleep.ts';
import { requestExit } from '../interrupts/run-state.ts';
import { type VcpuWords, WAKE_SEQUENCE, WAKE_SLEEPERS } from '../interrupts/words.ts';

/** Makes a bare hart look at its interrupt lines, wherever it is. What it shall see is written before. */
export function kickHart(words: VcpuWords): void {
  requestExit(words);
  wakeSleepers(words, WAKE_SEQUENCE, WAKE_SLEEPERS);
}
