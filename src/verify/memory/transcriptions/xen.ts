/**
 * `xen`: `vcpu_{set,unset}_interrupt()`, `vcpu_{sync,flush}_interrupts()` of `xen/arch/riscv/domain.c`. `ACCESS_ONCE()`
 * is `READ_ONCE` here, as it is in what it compiles to.
 */

import { xen } from '../../../interrupts/field/xen.ts';
import { IRQ_VS_SOFT } from '../../../interrupts/numbers.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK, type VcpuWords } from '../../../interrupts/words.ts';
import type { CFunction } from './c-operations.ts';
import { PUBLISHED } from './published.ts';
import type { Transcription } from './transcription-type.ts';

function flushWord(c: CFunction, words: VcpuWords, word: 0 | 1, hvip: number): number {
  if (c.READ_ONCE(words, IRQS_PENDING_MASK + word) === 0) return hvip;
  const mask = c.xchg(words, IRQS_PENDING_MASK + word, 0);
  const val = c.READ_ONCE(words, IRQS_PENDING + word) & mask;
  return ((hvip & ~mask) | val) >>> 0;
}

export const XEN: Transcription = {
  name: 'xen',
  provenance: xen.provenance,
  set: (c, words, irq) => {
    const pendingRose = !c.test_and_set_bit(irq, words, IRQS_PENDING);
    c.smp_wmb();
    const maskRose = !c.test_and_set_bit(irq, words, IRQS_PENDING_MASK);
    return pendingRose || maskRose;
  },
  unset: (c, words, irq) => {
    c.clear_bit(irq, words, IRQS_PENDING);
    c.smp_wmb();
    c.set_bit(irq, words, IRQS_PENDING_MASK);
    return false;
  },
  sync: (c, words, local, hvipLo) => {
    const bit = 1 << IRQ_VS_SOFT;
    if (((local.hvipLo ^ hvipLo) & bit) === 0) return;
    if (c.test_and_set_bit(IRQ_VS_SOFT, words, IRQS_PENDING_MASK)) return;
    if ((hvipLo & bit) !== 0) c.set_bit(IRQ_VS_SOFT, words, IRQS_PENDING);
    else c.clear_bit(IRQ_VS_SOFT, words, IRQS_PENDING);
  },
  flush: (c, words, local) => {
    local.hvipLo = flushWord(c, words, 0, local.hvipLo);
    if (local.wordCount === 2) local.hvipHi = flushWord(c, words, 1, local.hvipHi);
  },
  has: PUBLISHED.has,
};
