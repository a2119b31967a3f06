/**
 * `kvm-spinlock`: `arch/riscv/kvm/vcpu.c` since Linux 7.2. Under the lock the C code has the plain bit operations and
 * plain accesses. The lock is RISC-V's ticket lock, of which the fully ordered taking of the ticket is transcribed; a
 * queued lock (`CONFIG_RISCV_QUEUED_SPINLOCKS`) only acquires there.
 */
import { kvmSpinlock } from '../../../interrupts/field/kvm-spinlock.ts';
import { IRQ_PMU_OVF, IRQ_VS_SOFT } from '../../../interrupts/numbers.ts';
import {
  IRQS_PENDING,
  IRQS_PENDING_LOCK,
  IRQS_PENDING_MASK,
  type VcpuWords,
} from '../../../interrupts/words.ts';
import type { CFunction } from './c-operations.ts';
import type { Transcription } from './transcription-type.ts';

function reconcile(c: CFunction, words: VcpuWords, irq: number, isSet: boolean): void {
  if (c.__test_and_set_bit(irq, words, IRQS_PENDING_MASK)) return;
  if (isSet) c.__set_bit(irq, words, IRQS_PENDING);
  else c.__clear_bit(irq, words, IRQS_PENDING);
}

function flushWord(c: CFunction, words: VcpuWords, word: 0 | 1, hvip: number): number {
  const mask = c.load(words, IRQS_PENDING_MASK + word);
  if (mask === 0) return hvip;
  c.store(words, IRQS_PENDING_MASK + word, 0);
  const val = c.load(words, IRQS_PENDING + word) & mask;
  return ((hvip & ~mask) | val) >>> 0;
}

function pendingIn(c: CFunction, words: VcpuWords, word: 0 | 1, enabled: number): boolean {
  c.raw_spin_lock(words, IRQS_PENDING_LOCK);
  const found = (c.load(words, IRQS_PENDING + word) & enabled) !== 0;
  c.raw_spin_unlock(words, IRQS_PENDING_LOCK);
  return found;
}

export const KVM_SPINLOCK: Transcription = {
  name: 'kvm-spinlock',
  provenance: kvmSpinlock.provenance,
  set: (c, words, irq) => {
    c.raw_spin_lock(words, IRQS_PENDING_LOCK);
    c.__set_bit(irq, words, IRQS_PENDING);
    c.__set_bit(irq, words, IRQS_PENDING_MASK);
    c.raw_spin_unlock(words, IRQS_PENDING_LOCK);
    return true;
  },
  unset: (c, words, irq) => {
    c.raw_spin_lock(words, IRQS_PENDING_LOCK);
    c.__clear_bit(irq, words, IRQS_PENDING);
    c.__set_bit(irq, words, IRQS_PENDING_MASK);
    c.raw_spin_unlock(words, IRQS_PENDING_LOCK);
    return false;
  },
  sync: (c, words, local, hvipLo) => {
    const changed = local.hvipLo ^ hvipLo;
    const isSet = (irq: number) => (hvipLo & (1 << irq)) !== 0;
    c.raw_spin_lock(words, IRQS_PENDING_LOCK);
    if ((changed & (1 << IRQ_VS_SOFT)) !== 0) reconcile(c, words, IRQ_VS_SOFT, isSet(IRQ_VS_SOFT));
    if ((changed & (1 << IRQ_PMU_OVF)) !== 0 && !isSet(IRQ_PMU_OVF)) reconcile(c, words, IRQ_PMU_OVF, false);
    c.raw_spin_unlock(words, IRQS_PENDING_LOCK);
  },
  flush: (c, words, local) => {
    c.raw_spin_lock(words, IRQS_PENDING_LOCK);
    local.hvipLo = flushWord(c, words, 0, local.hvipLo);
    if (local.wordCount === 2) local.hvipHi = flushWord(c, words, 1, local.hvipHi);
    c.raw_spin_unlock(words, IRQS_PENDING_LOCK);
  },
  has: (c, words, local, enabledLo, enabledHi) =>
    pendingIn(c, words, 0, enabledLo) || (local.wordCount === 2 && pendingIn(c, words, 1, enabledHi)),
};
