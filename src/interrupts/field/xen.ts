/**
 * Two bitmaps, as in Xen's tree of August 2026 (`xen/arch/riscv/domain.c`): the scheme of `published.ts` after seven
 * rounds of review.
 *
 * Changed by the review: only the numbers 2, 6 and 10 are accepted (`numbers.ts` here). The barrier became a write
 * barrier whose partner, the acquire half of the exchange in the flush, is named. `sync` lost the parts that nobody
 * used and looks at VSSIP only. And a producer kicks only if its pending bit *or* its mask bit rose: either alone is
 * not enough, because after an unset and a set only the pending bit rises, and after the guest cleared VSSIP without an
 * exit only the mask bit does.
 *
 * Not changed: `sync` still writes both words of the producers, in the opposite order, and the commit argues that
 * this is safe because flush follows on the same processor. It is safe against the vCPU itself, not against a producer
 * on another one: `races.test.ts` replays the loss. Here it is one step quieter than in `published`, because the
 * producer finds both bits set already and does not kick either. No guest runs on Xen's RISC-V port of that date, so
 * nobody has met it.
 *
 * Ours: Xen syncs and flushes in one go before it enters a guest; our vCPU loop syncs right after the exit,
 * which is stricter and the same to these functions. Xen writes HVIP only when the mask was not zero; our loop
 * always does, with the same value, because a cached hvip that differs from HVIP has its mask bit set after `sync`.
 * Xen has no `vcpu_has_interrupts` yet, so `has` is KVM's, from which the rest was taken.
 */

import { IRQ_VS_SOFT } from '../numbers.ts';
import type { OwnerState, Protocol } from '../protocol.ts';
import type { VcpuWords } from '../words.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK } from '../words.ts';
import { clearBit, readOnce, setBit, testAndSetBit, xchg } from './bitops.ts';
import { published } from './published.ts';

function set(words: VcpuWords, irq: number): boolean {
  // Meets the read in `flushWord`, and the writes of the same bit in `sync`.
  const pendingRose = !testAndSetBit(irq, words, IRQS_PENDING);
  // smp_wmb() in the original. Meets the xchg in `flushWord` and the test_and_set_bit in `sync`.
  const maskRose = !testAndSetBit(irq, words, IRQS_PENDING_MASK);
  return pendingRose || maskRose;
}

function unset(words: VcpuWords, irq: number): boolean {
  // Meets the read in `flushWord`, and the writes of the same bit in `sync`.
  clearBit(irq, words, IRQS_PENDING);
  // smp_wmb() in the original. Meets the xchg in `flushWord` and the test_and_set_bit in `sync`.
  setBit(irq, words, IRQS_PENDING_MASK);
  return false;
}

function sync(words: VcpuWords, local: OwnerState, hvipLo: number): void {
  if (
    ((local.hvipLo ^ hvipLo) & (1 << IRQ_VS_SOFT)) !== 0 &&
    // Meets the mask write of `set` and `unset`. A producer that is between its writes is not seen here.
    !testAndSetBit(IRQ_VS_SOFT, words, IRQS_PENDING_MASK)
  ) {
    // Both meet, and may undo, the pending write of `set` and `unset`.
    if ((hvipLo & (1 << IRQ_VS_SOFT)) !== 0) {
      setBit(IRQ_VS_SOFT, words, IRQS_PENDING);
    } else {
      clearBit(IRQ_VS_SOFT, words, IRQS_PENDING);
    }
  }
}

function flushWord(words: VcpuWords, word: 0 | 1, hvip: number): number {
  // ACCESS_ONCE() in the original. Meets the mask writes of producers.
  if (readOnce(words, IRQS_PENDING_MASK + word) === 0) {
    return hvip;
  }
  // Meets the mask writes of producers: a mask bit that is seen here has its pending bit written.
  const mask = xchg(words, IRQS_PENDING_MASK + word, 0);
  // Meets the pending writes of producers.
  const val = readOnce(words, IRQS_PENDING + word) & mask;
  return ((hvip & ~mask) | val) >>> 0;
}

function flush(words: VcpuWords, local: OwnerState): void {
  local.hvipLo = flushWord(words, 0, local.hvipLo);
  if (local.wordCount === 2) {
    local.hvipHi = flushWord(words, 1, local.hvipHi);
  }
}

export const xen: Protocol = {
  name: 'xen',
  provenance:
    'Xen, xen/arch/riscv/domain.c at c447b7308b (20 August 2026), merged by 8149f72c0c..c537959a5c after the seventh version of the series (6 March 2026)',
  set,
  unset,
  sync,
  flush,
  has: published.has,
};
