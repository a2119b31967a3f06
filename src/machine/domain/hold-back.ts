import type { Scheduler } from '../../hypervisor/scheduler.ts';
import type { Control } from '../control.ts';
import type { HeldBack, PcpuStart } from '../thread.ts';

/** Milliseconds between two looks at the run queue. */
const LOOK_MS = 20;
/** Looks at most. */
const MOST_LOOKS: Readonly<Record<HeldBack, number>> = { boot: 150, restored: 20 };
/**
 * Looks in a row that find vCPUs waiting, after which one thread is not enough. A kernel that boots has work for two of
 * its vCPUs at once for a tenth of a second, as it unpacks its initramfs.
 */
const ENOUGH_LOOKS = 10;

/**
 * Keeps all pCPUs of a domain but the first from its guest as a kernel boots, or a saved machine goes on, unless vCPUs
 * keep waiting. Each thread decodes and compiles code of the guest for itself, and the engine compiles hartvisor on
 * each, beside the threads that work. A boot is one vCPU's work most of the time, and so is the first thing that a
 * restored guest is asked for: one thread, which has met the code already, does either sooner.
 *
 * @param start of the pCPU's thread
 */
export function holdBack(
  { index, heldBack }: Pick<PcpuStart, 'index' | 'heldBack'>,
  scheduler: Pick<Scheduler, 'waiting'>,
  control: Pick<Control, 'rest'>,
): void {
  if (index === 0 || heldBack === undefined) return;
  let found = 0;
  for (let looks = 0; looks < MOST_LOOKS[heldBack] && found < ENOUGH_LOOKS; looks++) {
    // Is over at once when the machine pauses or ends, which the pCPU sees to.
    control.rest(LOOK_MS);
    found = scheduler.waiting > 0 ? found + 1 : 0;
  }
}
