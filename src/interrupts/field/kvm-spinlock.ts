/**
 * Two bitmaps under a spinlock, as in KVM's RISC-V port since Linux 7.2: commit d024a0a7879e, "RISC-V: KVM: Serialize
 * virtual interrupt pending state updates", Xie Bo, July 2026, also in the stable trees.
 *
 * It keeps the words and the decisions of `published.ts` and makes each function one step for all others: set, unset,
 * the reconciliation in sync, flush and has take `irqs_pending_lock`. The kick stays outside. So a producer can no
 * longer be between its two writes while `sync` does its own, and nothing is lost. KVM had this very lock in the first
 * version of its RISC-V series (2019) and gave it up in the second.
 *
 * Its price: every flush, sync and has takes the lock, also when there is nothing to do, and a thread that is
 * descheduled inside holds up all others. In the kernel, with interrupts off, that is nanoseconds; between worker
 * threads it may be a time slice.
 *
 * `sync` folds the guest's clearing, but not its setting, of LCOFIP, as in the original.
 */

import { IRQ_PMU_OVF, IRQ_VS_SOFT } from '../numbers.ts';
import type { OwnerState, Protocol } from '../protocol.ts';
import type { VcpuWords } from '../words.ts';
import { IRQS_PENDING, IRQS_PENDING_LOCK, IRQS_PENDING_MASK } from '../words.ts';
import {
  clearBitLocked,
  readOnce,
  setBitLocked,
  spinLock,
  spinUnlock,
  testAndSetBitLocked,
  writeOnce,
} from './bitops.ts';

function set(words: VcpuWords, irq: number): boolean {
  // Each lock in this file meets the unlock of the thread that had it before; the accesses inside meet nobody.
  spinLock(words, IRQS_PENDING_LOCK);
  setBitLocked(irq, words, IRQS_PENDING);
  setBitLocked(irq, words, IRQS_PENDING_MASK);
  spinUnlock(words, IRQS_PENDING_LOCK);
  return true;
}

function unset(words: VcpuWords, irq: number): boolean {
  spinLock(words, IRQS_PENDING_LOCK);
  clearBitLocked(irq, words, IRQS_PENDING);
  setBitLocked(irq, words, IRQS_PENDING_MASK);
  spinUnlock(words, IRQS_PENDING_LOCK);
  return false;
}

function sync(words: VcpuWords, local: OwnerState, hvipLo: number): void {
  const changed = local.hvipLo ^ hvipLo;
  spinLock(words, IRQS_PENDING_LOCK);
  if ((changed & (1 << IRQ_VS_SOFT)) !== 0 && !testAndSetBitLocked(IRQ_VS_SOFT, words, IRQS_PENDING_MASK)) {
    if ((hvipLo & (1 << IRQ_VS_SOFT)) !== 0) {
      setBitLocked(IRQ_VS_SOFT, words, IRQS_PENDING);
    } else {
      clearBitLocked(IRQ_VS_SOFT, words, IRQS_PENDING);
    }
  }
  if (
    (changed & (1 << IRQ_PMU_OVF)) !== 0 &&
    (hvipLo & (1 << IRQ_PMU_OVF)) === 0 &&
    !testAndSetBitLocked(IRQ_PMU_OVF, words, IRQS_PENDING_MASK)
  ) {
    clearBitLocked(IRQ_PMU_OVF, words, IRQS_PENDING);
  }
  spinUnlock(words, IRQS_PENDING_LOCK);
}

function flushWord(words: VcpuWords, word: 0 | 1, hvip: number): number {
  const mask = readOnce(words, IRQS_PENDING_MASK + word);
  if (mask === 0) {
    return hvip;
  }
  writeOnce(words, IRQS_PENDING_MASK + word, 0);
  const val = readOnce(words, IRQS_PENDING + word) & mask;
  return ((hvip & ~mask) | val) >>> 0;
}

function flush(words: VcpuWords, local: OwnerState): void {
  spinLock(words, IRQS_PENDING_LOCK);
  local.hvipLo = flushWord(words, 0, local.hvipLo);
  if (local.wordCount === 2) {
    local.hvipHi = flushWord(words, 1, local.hvipHi);
  }
  spinUnlock(words, IRQS_PENDING_LOCK);
}

function pendingIn(words: VcpuWords, word: 0 | 1, enabled: number): boolean {
  spinLock(words, IRQS_PENDING_LOCK);
  const found = (readOnce(words, IRQS_PENDING + word) & enabled) !== 0;
  spinUnlock(words, IRQS_PENDING_LOCK);
  return found;
}

/** One lock for each word, as in the original, where the upper one is looked at by the AIA's part of KVM. */
function has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean {
  return pendingIn(words, 0, enabledLo) || (local.wordCount === 2 && pendingIn(words, 1, enabledHi));
}

export const kvmSpinlock: Protocol = {
  name: 'kvm-spinlock',
  provenance:
    'Linux KVM for RISC-V since 7.2: d024a0a7879e, "RISC-V: KVM: Serialize virtual interrupt pending state updates", v5 of 15 July 2026',
  set,
  unset,
  sync,
  flush,
  has,
};
