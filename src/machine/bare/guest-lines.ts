import type { InterruptFiles } from '../../devices/descriptor.ts';
import type { BarePlan } from '../plan.ts';

/** hgeip: the guest interrupt files of a hart that have something to deliver. */
export function guestLines(
  { aiaGuests = 0 }: BarePlan,
  files: InterruptFiles | undefined,
  hart: number,
): number {
  let lines = 0;
  for (let guest = 1; guest <= aiaGuests; guest++) {
    if (files?.file(hart, guest + 1)?.asserts() === true) lines |= 1 << guest;
  }
  return lines;
}
