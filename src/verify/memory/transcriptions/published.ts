/** `published`: `kvm_riscv_vcpu_{set,unset,sync,flush}_interrupt(s)` of `arch/riscv/kvm/vcpu.c` until Linux 7.1. */

import { published } from '../../../interrupts/field/published.ts';
import { IRQ_PMU_OVF, IRQ_VS_SOFT } from '../../../interrupts/numbers.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK, type VcpuWords } from '../../../interrupts/words.ts';
import type { CFunction } from './c-operations.ts';
import type { Transcription } from './transcription-type.ts';

function flushWord(c: CFunction, words: VcpuWords, word: 0 | 1, hvip: number): number {
  if (c.READ_ONCE(words, IRQS_PENDING_MASK + word) === 0) return hvip;
  const mask = c.xchg_acquire(words, IRQS_PENDING_MASK + word, 0);
  const val = c.READ_ONCE(words, IRQS_PENDING + word) & mask;
  return ((hvip & ~mask) | val) >>> 0;
}

export const PUBLISHED: Transcription = {
  name: 'published',
  provenance: published.provenance,
  set: (c, words, irq) => {
    c.set_bit(irq, words, IRQS_PENDING);
    c.smp_mb__before_atomic();
    c.set_bit(irq, words, IRQS_PENDING_MASK);
    return true;
  },
  unset: (c, words, irq) => {
    c.clear_bit(irq, words, IRQS_PENDING);
    c.smp_mb__before_atomic();
    c.set_bit(irq, words, IRQS_PENDING_MASK);
    return false;
  },
  sync: (c, words, local, hvipLo) => {
    const changed = local.hvipLo ^ hvipLo;
    const hasBit = (irq: number) => (hvipLo & (1 << irq)) !== 0;
    if ((changed & (1 << IRQ_VS_SOFT)) !== 0 && !c.test_and_set_bit(IRQ_VS_SOFT, words, IRQS_PENDING_MASK)) {
      if (hasBit(IRQ_VS_SOFT)) c.set_bit(IRQ_VS_SOFT, words, IRQS_PENDING);
      else c.clear_bit(IRQ_VS_SOFT, words, IRQS_PENDING);
    }
    if ((changed & (1 << IRQ_PMU_OVF)) !== 0 && !hasBit(IRQ_PMU_OVF)) {
      if (!c.test_and_set_bit(IRQ_PMU_OVF, words, IRQS_PENDING_MASK)) {
        c.clear_bit(IRQ_PMU_OVF, words, IRQS_PENDING);
      }
    }
  },
  flush: (c, words, local) => {
    local.hvipLo = flushWord(c, words, 0, local.hvipLo);
    if (local.wordCount === 2) local.hvipHi = flushWord(c, words, 1, local.hvipHi);
  },
  has: (c, words, local, enabledLo, enabledHi) => {
    if ((c.READ_ONCE(words, IRQS_PENDING) & enabledLo) !== 0) return true;
    return local.wordCount === 2 && (c.READ_ONCE(words, IRQS_PENDING + 1) & enabledHi) !== 0;
  },
};
