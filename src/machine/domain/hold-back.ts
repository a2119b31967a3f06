import type { Scheduler } from '../../hypervisor/scheduler.ts';
import type { Control } from '../control.ts';
import type { PcpuStart } from '../thread.ts';

/** Milliseconds for which a pCPU is held back at most. */
const MOST_MS = 400;
/** Milliseconds between two looks at the run queue. */
const LOOK_MS = 20;
/** Looks in a row that find vCPUs waiting, after which one thread is not enough. */
const ENOUGH_LOOKS = 2;

/**
 * Keeps all pCPUs but the first of a machine that was saved from its guest for a moment, unless vCPUs keep waiting.
 * Each thread decodes and compiles code of the guest for itself, and the engine compiles hartvisor on each: the first
 * thing that a restored guest is asked for is done in two thirds of the time by a thread that has met the code already.
 *
 * @param start of the pCPU's thread
 */
export function holdBack(
  { index, hot }: Pick<PcpuStart, 'index' | 'hot'>,
  scheduler: Pick<Scheduler, 'waiting'>,
  control: Pick<Control, 'rest'>,
): void {
  // Machines that were saved have a list of hot code, and others have none.
  if (index === 0 || hot === undefined) return;
  let looks = 0;
  for (let waited = 0; waited < MOST_MS && looks < ENOUGH_LOOKS; waited += LOOK_MS) {
    // Is over at once when the machine pauses or ends, which the pCPU sees to.
    control.rest(LOOK_MS);
    looks = scheduler.waiting > 0 ? looks + 1 : 0;
  }
}
