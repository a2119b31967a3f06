/**
 * Take the edge, mirror the level: the protocol that hartvisor ships.
 *
 * There is one shared word for each 32 interrupts. A bit of it is one of two kinds, and which one never changes:
 *
 * - an *edge* is a pending bit that the guest itself may write (VSSIP; LCOFIP where the vCPU has it). Once delivered it
 *   belongs to the guest, which clears it when it likes, without an exit.
 * - a *level* is everything else (VSTIP, VSEIP): the guest can only read it, so its value is always ours.
 *
 * Why it is right. An edge moves from the shared word into the cached hvip by one atomic take in `flush`, and nothing
 * ever moves it back: a `set` is ordered either before that take, and is then delivered by this flush, or after it, and
 * is then still in the word for the next one. There is no third place for it to be, so it cannot be lost, and since the
 * take removes the bit that it delivers, it cannot be delivered twice. A level is never taken: each flush copies the
 * word's current value into hvip, so the guest sees the last word of some producer, rises and falls alike. `sync`
 * records the guest's changes of its own bits in the cached hvip, which no other thread touches; it has nothing shared
 * to race on. Two interrupts never depend on each other, so words need no consistency among themselves. The pending
 * bits are therefore always `word | edges kept in the cached hvip`, and `has` looks at those.
 *
 * An `unset` of an edge withdraws an edge that no flush has taken yet. One that was taken is the guest's: its owner
 * clears that with `VcpuInterrupts.clearOwnInterrupt`, as the guest could have done itself.
 */
import type { OwnerState, Protocol } from './protocol.ts';
import type { VcpuWords } from './words.ts';
import { IRQS_PENDING } from './words.ts';

/**
 * A kick is wanted when the bit rose. If it was there already, the producer that raised it kicks, and no flush has
 * taken the edge since.
 */
function set(words: VcpuWords, irq: number): boolean {
  const bit = 1 << (irq & 31);
  // Meets the load and the take in `flush`, and the load in `has`, of the vCPU's thread.
  return (Atomics.or(words, IRQS_PENDING + (irq >> 5), bit) & bit) === 0;
}

/** A kick is wanted when the bit fell: a running guest must see its level go down. */
function unset(words: VcpuWords, irq: number): boolean {
  const bit = 1 << (irq & 31);
  // Meets the load and the take in `flush`, and the load in `has`, of the vCPU's thread.
  return (Atomics.and(words, IRQS_PENDING + (irq >> 5), ~bit) & bit) !== 0;
}

/** No shared access: the guest is out, and only its own thread reads or writes the cached hvip. */
function sync(_words: VcpuWords, local: OwnerState, hvipLo: number, hvipHi: number): void {
  local.hvipLo = ((local.hvipLo & ~local.guestWritableLo) | (hvipLo & local.guestWritableLo)) >>> 0;
  local.hvipHi = ((local.hvipHi & ~local.guestWritableHi) | (hvipHi & local.guestWritableHi)) >>> 0;
}

function flushWord(words: VcpuWords, index: number, hvip: number, edges: number): number {
  // Meets the producers' or/and: a change that comes after this load comes with a kick after `enterGuest`.
  let word = Atomics.load(words, index);
  if ((word & edges) !== 0) {
    // The take. Meets the producers' or/and. The value that counts is the one this access returns, not the one loaded
    // above: another edge may have risen in between, and it is being taken too.
    word = Atomics.and(words, index, ~edges);
  }
  return ((hvip & edges) | word) >>> 0;
}

function flush(words: VcpuWords, local: OwnerState): void {
  local.hvipLo = flushWord(words, IRQS_PENDING, local.hvipLo, local.guestWritableLo);
  if (local.wordCount === 2) {
    local.hvipHi = flushWord(words, IRQS_PENDING + 1, local.hvipHi, local.guestWritableHi);
  }
}

function has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean {
  // Meets the producers' or/and; a vCPU about to sleep has published BLOCKED before it, see `kick`.
  const lo = Atomics.load(words, IRQS_PENDING) | (local.hvipLo & local.guestWritableLo);
  if ((lo & enabledLo) !== 0 || local.wordCount === 1) {
    return (lo & enabledLo) !== 0;
  }
  // As above.
  const hi = Atomics.load(words, IRQS_PENDING + 1) | (local.hvipHi & local.guestWritableHi);
  return (hi & enabledHi) !== 0;
}

export const takeMirror: Protocol = {
  name: 'take-mirror',
  provenance: 'hartvisor: take the edge, mirror the level',
  set,
  unset,
  sync,
  flush,
  has,
};
