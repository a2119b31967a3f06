import { FIELD } from './layout.ts';
import type { HartState } from './state.ts';

/**
 * Whether memory still holds the value that the hart's last LR loaded. A write of the same value goes unnoticed, as for
 * SC.
 *
 * @param memory all linear memory
 */
export function reservationHolds({ words, addresses }: HartState, memory: Int32Array): boolean {
  const at = addresses[FIELD.reservation >> 2] / 4;
  // Both meet the store of the hart that the guest waits for, in its compiled or interpreted code.
  if (Atomics.load(memory, at) !== words[FIELD.reservationValue >> 2]) return false;
  if (words[FIELD.reservationWidth >> 2] === 32) return true;
  return Atomics.load(memory, at + 1) === words[(FIELD.reservationValue >> 2) + 1];
}
