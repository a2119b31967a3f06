/**
 * Two bitmaps, as KVM's RISC-V port had them from its introduction until July 2026 and as the Xen patch "introduce
 * tracking of pending vCPU interrupts" took them over: `irqs_pending` has the pending bits, `irqs_pending_mask` which
 * of its bits were written since the last flush. Producers write pending, then mask; the vCPU consumes the mask with an
 * exchange and applies the pending bits that it covers. Function names and order of accesses are the original's.
 *
 * It is right about levels. For them (timer, external) the argument of its authors holds: a thread that writes a
 * pending bit sets its mask bit afterwards, so some later flush consumes that mask bit and reads that value or a newer
 * one; the last writer wins, and a stale value lasts for one round only. The design also lets a level fall without a
 * lock, which a single word emptied by an exchange could not.
 *
 * It is wrong about VSSIP. The premise is many producers and one consumer. For VSSIP the vCPU is both: when the guest
 * has written the bit, `sync` sets the mask bit and then writes the pending bit, while a producer writes the same two
 * bits in the other order. If a producer is between its two writes while `sync` does its own two, `sync` finds the mask
 * clear, concludes that no producer has spoken since the last flush, and clears a pending bit that was just set; the
 * mask bit that the producer adds only makes the flush deliver the cleared value. The IPI is gone and no later round
 * brings it back. Ordering does not matter: it happens with sequentially consistent accesses, and no barrier cures it,
 * because no single access changes the pair. `races.test.ts` replays it step by step. Linux put a spinlock around each
 * of these functions in July 2026 ("RISC-V: KVM: Serialize virtual interrupt pending state updates").
 *
 * `unset` asks for no kick, as in the original, so a running guest sees a level fall at its next exit only.
 * `sync` folds the guest's clearing, but not its setting, of LCOFIP, also as in the original.
 */

import { IRQ_PMU_OVF, IRQ_VS_SOFT } from '../numbers.ts';
import type { OwnerState, Protocol } from '../protocol.ts';
import type { VcpuWords } from '../words.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK } from '../words.ts';
import { clearBit, readOnce, setBit, testAndSetBit, xchg } from './bitops.ts';

function set(words: VcpuWords, irq: number): boolean {
  // Meets the read in `flushWord`, and the writes of the same bit in `sync`.
  setBit(irq, words, IRQS_PENDING);
  // smp_mb__before_atomic() in the original. Meets the xchg in `flushWord` and the test_and_set_bit in `sync`.
  setBit(irq, words, IRQS_PENDING_MASK);
  return true;
}

function unset(words: VcpuWords, irq: number): boolean {
  // Meets the read in `flushWord`, and the writes of the same bit in `sync`.
  clearBit(irq, words, IRQS_PENDING);
  // smp_mb__before_atomic() in the original. Meets the xchg in `flushWord` and the test_and_set_bit in `sync`.
  setBit(irq, words, IRQS_PENDING_MASK);
  return false;
}

function sync(words: VcpuWords, local: OwnerState, hvipLo: number): void {
  const changed = local.hvipLo ^ hvipLo;
  if ((changed & (1 << IRQ_VS_SOFT)) !== 0) {
    // Meets the mask write of `set` and `unset`. A producer that is between its writes is not seen here.
    if (!testAndSetBit(IRQ_VS_SOFT, words, IRQS_PENDING_MASK)) {
      // Both meet, and may undo, the pending write of `set` and `unset`.
      if ((hvipLo & (1 << IRQ_VS_SOFT)) !== 0) {
        setBit(IRQ_VS_SOFT, words, IRQS_PENDING);
      } else {
        clearBit(IRQ_VS_SOFT, words, IRQS_PENDING);
      }
    }
  }
  if ((changed & (1 << IRQ_PMU_OVF)) !== 0 && (hvipLo & (1 << IRQ_PMU_OVF)) === 0) {
    // The same pair of accesses as above, against the same producers.
    if (!testAndSetBit(IRQ_PMU_OVF, words, IRQS_PENDING_MASK)) {
      clearBit(IRQ_PMU_OVF, words, IRQS_PENDING);
    }
  }
}

function flushWord(words: VcpuWords, word: 0 | 1, hvip: number): number {
  // Meets the mask writes of producers: one that comes later is consumed by the next flush.
  if (readOnce(words, IRQS_PENDING_MASK + word) === 0) {
    return hvip;
  }
  // xchg_acquire() in the original. Meets the same mask writes: a mask bit that is seen here has its pending bit
  // written.
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

function has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean {
  // Meets the pending writes of producers.
  if ((readOnce(words, IRQS_PENDING) & enabledLo) !== 0) {
    return true;
  }
  // As above.
  return local.wordCount === 2 && (readOnce(words, IRQS_PENDING + 1) & enabledHi) !== 0;
}

export const published: Protocol = {
  name: 'published',
  provenance:
    'Linux KVM for RISC-V until 7.1 (before d024a0a7879e, July 2026) and the Xen patch based on it, v1 of 24 December 2025',
  set,
  unset,
  sync,
  flush,
  has,
};
