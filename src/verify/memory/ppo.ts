/**
 * Preserved program order of RVWMO (RISC-V unprivileged manual, "Preserved Program Order", rules 1-13).
 *
 * Masks have bit `i` for a hart's `i`-th memory operation, as in {@link MemoryEvent}.
 */
import type { MemoryEvent } from './hart-runs.ts';

/**
 * For each operation of a hart, the earlier ones that stay ordered before it whatever the loads read: all rules but 2,
 * 3 and 12.
 */
export function fixedOrder(events: readonly MemoryEvent[]): Int32Array {
  const before = new Int32Array(events.length);
  let acquires = 0;
  let annotated = 0;
  for (let i = 0; i < events.length; i++) {
    const event = events[i];
    const earlier = (1 << i) - 1;
    const isAnnotated = event.rcsc && (event.acquire || event.release);
    let mask = event.fenced | acquires | event.address; // rules 4, 5, 9
    if (event.release) mask |= earlier; // rule 6
    if (isAnnotated) mask |= annotated; // rule 7
    if (event.paired >= 0) mask |= 1 << event.paired; // rule 8
    if (event.writes) {
      mask |= sameLocation(events, i); // rule 1
      mask |= event.data | event.control | event.earlierAddresses; // rules 10, 11, 13
    }
    before[i] = mask;
    if (event.acquire) acquires |= 1 << i;
    if (isAnnotated) annotated |= 1 << i;
  }
  return before;
}

/** The earlier operations on the same location. */
export function sameLocation(events: readonly MemoryEvent[], index: number): number {
  let mask = 0;
  for (let i = 0; i < index; i++) {
    if (events[i].location === events[index].location) mask |= 1 << i;
  }
  return mask;
}

/** The loads before load `index` on the same location with no store to it in between: what rule 2 is about. */
export function sameLocationLoads(events: readonly MemoryEvent[], index: number): number {
  let mask = 0;
  for (let i = index - 1; i >= 0; i--) {
    if (events[i].location !== events[index].location) continue;
    if (events[i].reads) mask |= 1 << i;
    if (events[i].writes) break;
  }
  return mask;
}

/**
 * Rules 3 and 12 add this for a load that reads from an earlier store of its own hart: the store itself when it is
 * atomic, and what its address and data depend on.
 */
export function orderThroughForwarding(store: MemoryEvent, index: number): number {
  return (store.atomic ? 1 << index : 0) | store.address | store.data;
}
