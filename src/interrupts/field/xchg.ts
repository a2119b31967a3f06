/**
 * The reviewer's question: why a second bitmap, when `*hvip |= xchg(&v->arch.irqs_pending[0], 0UL)` would not need a
 * lock either? (Jan Beulich on xen-devel, 13 January 2026, in the review of version 1 of the Xen patch.) It was never
 * answered in the thread. This file is the answer.
 *
 * It is right about edges: an edge moves from the word into hvip by one atomic exchange and nothing moves it back,
 * which is half of `take-mirror.ts`. No IPI is lost or doubled, provided that `sync` keeps the guest's changes of its
 * own bits in the cached hvip. The mail is silent about `sync`, so we read it in its favour: with the reconciliation of
 * the patch under review, or with none, `|=` would deliver again the bits that the guest has cleared.
 *
 * It is wrong about levels: an interrupt can be announced and never withdrawn. Once an exchange has moved a level into
 * hvip, clearing its bit in the word does nothing; hvip keeps it, and the guest cannot clear VSTIP or VSEIP itself. The
 * guest takes the interrupt again and again. The second bitmap of the original exists to carry that 1 → 0 between
 * threads.
 *
 * A guest whose levels are all derived (VSTIP from its deadline, VSEIP from its interrupt controller, as our domains
 * have them) never meets the fault.
 */

import type { OwnerState, Protocol } from '../protocol.ts';
import type { VcpuWords } from '../words.ts';
import { IRQS_PENDING } from '../words.ts';
import { clearBit, xchg as exchange, readOnce, setBit } from './bitops.ts';
import { minimalPatch } from './minimal-patch.ts';

function set(words: VcpuWords, irq: number): boolean {
  // Meets the exchange in `flush` and the read in `has`.
  setBit(irq, words, IRQS_PENDING);
  return true;
}

/** Withdraws a bit that no flush has moved yet, and nothing else. */
function unset(words: VcpuWords, irq: number): boolean {
  // Meets the exchange in `flush` and the read in `has`.
  clearBit(irq, words, IRQS_PENDING);
  return false;
}

function flush(words: VcpuWords, local: OwnerState): void {
  // Meets the writes of producers: each of them is in this exchange or in the next one.
  local.hvipLo = (local.hvipLo | exchange(words, IRQS_PENDING, 0)) >>> 0;
  if (local.wordCount === 2) {
    // As above.
    local.hvipHi = (local.hvipHi | exchange(words, IRQS_PENDING + 1, 0)) >>> 0;
  }
}

function has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean {
  // Meets the writes of producers.
  if (((local.hvipLo | readOnce(words, IRQS_PENDING)) & enabledLo) !== 0) {
    return true;
  }
  // As above.
  return local.wordCount === 2 && ((local.hvipHi | readOnce(words, IRQS_PENDING + 1)) & enabledHi) !== 0;
}

export const xchg: Protocol = {
  name: 'xchg',
  provenance:
    'Jan Beulich on xen-devel, 13 January 2026, review of "introduce tracking of pending vCPU interrupts" v1; sync by hartvisor',
  set,
  unset,
  sync: minimalPatch.sync,
  flush,
  has,
};
