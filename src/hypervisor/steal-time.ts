import { type GuestMemory, physicalAddress } from '../memory/guest-memory.ts';
import { NANOSECONDS_PER_TICK } from '../time/ticks.ts';
import type { FirmwareState } from './firmware-state.ts';

/** Words of the structure that a guest reads (SBI specification, table "STA Shared Memory Structure"). */
export const STEAL_WORDS = 16;
const WORD = { sequence: 0, steal: 2, preempted: 4 } as const;

/** A vCPU that could run waits for a pCPU from now on, in ticks. */
export function beginSteal(firmware: FirmwareState, memory: GuestMemory, now: number): void {
  firmware.readySince = now;
  publishSteal(firmware, memory, true);
}

/** The vCPU has got a pCPU, in ticks, and has something to do with it. */
export function endSteal(firmware: FirmwareState, memory: GuestMemory, now: number): void {
  firmware.stolen += Math.max(0, now - firmware.readySince) * NANOSECONDS_PER_TICK;
  publishSteal(firmware, memory, false);
}

/** Tells the guest, if it has asked. Called by the pCPU that has the vCPU loaded, outside of its guest. */
export function publishSteal(firmware: FirmwareState, memory: GuestMemory, preempted: boolean): void {
  const { stealArea, stolen } = firmware;
  if (stealArea === undefined) return;
  const words = memory.words(physicalAddress(stealArea.low, stealArea.high), STEAL_WORDS);
  if (words === undefined) return;
  // Odd while the figure is written: the guest may read it on another vCPU. It may have written anything to the word.
  const sequence = words.load(WORD.sequence) | 1;
  words.store(WORD.sequence, sequence);
  words.store(WORD.steal, stolen % 2 ** 32);
  words.store(WORD.steal + 1, Math.floor(stolen / 2 ** 32));
  words.store(WORD.sequence, sequence + 1);
  words.store(WORD.preempted, preempted ? 1 : 0);
}
