import type { Scheduler } from '../../hypervisor/scheduler.ts';
import type { Control } from '../control.ts';
import type { HeldBack, PcpuStart } from '../thread.ts';

/** Milliseconds between two looks at the run queue. */
const LOOK_MS = 20;

/** How long a pCPU is held back: so many looks at most, or until so many in a row have found vCPUs waiting. */
interface Patience {
  readonly most: number;
  readonly enough: number;
}

const PATIENCE: Readonly<Record<HeldBack, Patience>> = {
  // A kernel has work for two of its vCPUs at once for a tenth of a second, as it unpacks its initramfs.
  boot: { most: 150, enough: 10 },
  restored: { most: 20, enough: 2 },
};

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
  const { most, enough } = PATIENCE[heldBack];
  let found = 0;
  for (let looks = 0; looks < most && found < enough; looks++) {
    // Is over at once when the machine pauses or ends, which the pCPU sees to.
    control.rest(LOOK_MS);
    found = scheduler.waiting > 0 ? found + 1 : 0;
  }
}
