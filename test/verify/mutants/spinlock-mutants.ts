/** Mistakes in the protocol with a spinlock. */
import {
  clearBitLocked,
  readOnce,
  setBitLocked,
  spinLock,
  spinUnlock,
} from '../../../src/interrupts/field/bitops.ts';
import { kvmSpinlock } from '../../../src/interrupts/field/kvm-spinlock.ts';
import { published } from '../../../src/interrupts/field/published.ts';
import { IRQ_VS_SOFT } from '../../../src/interrupts/numbers.ts';
import {
  IRQS_PENDING,
  IRQS_PENDING_LOCK,
  IRQS_PENDING_MASK,
  type VcpuWords,
} from '../../../src/interrupts/words.ts';
import type { Mutant } from './mutant.ts';

const base = kvmSpinlock;

function locked(words: VcpuWords, body: () => void): void {
  spinLock(words, IRQS_PENDING_LOCK);
  body();
  spinUnlock(words, IRQS_PENDING_LOCK);
}

export const SPINLOCK_MUTANTS: readonly Mutant[] = [
  {
    name: 'set-without-the-lock',
    about: 'set writes its two bits atomically, but takes no lock',
    base,
    protocol: { set: published.set },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'sync-without-the-lock',
    about: 'only producers take the lock',
    base,
    protocol: { sync: published.sync },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'sync-only-clears-locked',
    about: 'sync takes over bits that the guest cleared, not those that it set',
    base,
    protocol: {
      sync: (words, local, hvipLo, hvipHi) => base.sync(words, local, hvipLo & local.hvipLo, hvipHi),
    },
    killedBy: ['self-ipi-exits', 'P1'],
  },
  {
    name: 'flush-without-the-lock',
    about: 'flush exchanges the mask between the two halves of a producer’s write',
    base,
    protocol: { flush: published.flush },
    killedBy: ['two-edges', 'P2'],
  },
  {
    name: 'unset-forgets-to-unlock',
    about: 'a path that returns with the lock held (bao’s hart suspend)',
    base,
    protocol: {
      unset: (words, irq) => {
        spinLock(words, IRQS_PENDING_LOCK);
        clearBitLocked(irq, words, IRQS_PENDING);
        setBitLocked(irq, words, IRQS_PENDING_MASK);
        return false;
      },
    },
    killedBy: ['line', 'P5'],
  },
  {
    name: 'set-unlocks-early',
    about: 'set gives the lock back between its two bits',
    base,
    protocol: {
      set: (words, irq) => {
        locked(words, () => setBitLocked(irq, words, IRQS_PENDING));
        locked(words, () => setBitLocked(irq, words, IRQS_PENDING_MASK));
        return true;
      },
    },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'set-gives-up',
    about: 'set tries the lock once and leaves it when it is taken',
    base,
    protocol: {
      set: (words, irq) => {
        if (Atomics.compareExchange(words, IRQS_PENDING_LOCK, 0, 1) !== 0) return true;
        setBitLocked(irq, words, IRQS_PENDING);
        setBitLocked(irq, words, IRQS_PENDING_MASK);
        spinUnlock(words, IRQS_PENDING_LOCK);
        return true;
      },
    },
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'set-takes-a-lock-that-is-none',
    about: 'the lock is tested and set by two accesses',
    base,
    protocol: {
      set: (words, irq) => {
        while (Atomics.load(words, IRQS_PENDING_LOCK) !== 0);
        Atomics.store(words, IRQS_PENDING_LOCK, 1);
        setBitLocked(irq, words, IRQS_PENDING);
        setBitLocked(irq, words, IRQS_PENDING_MASK);
        spinUnlock(words, IRQS_PENDING_LOCK);
        return true;
      },
    },
    killedBy: ['two-ipis', 'P1'],
  },
  {
    name: 'sync-does-not-ask-the-mask',
    about: 'sync clears the pending bit although a producer has spoken since the last flush',
    base,
    protocol: {
      sync: (words, local, hvipLo) => {
        if (((local.hvipLo ^ hvipLo) & (1 << IRQ_VS_SOFT)) === 0) return;
        locked(words, () => {
          setBitLocked(IRQ_VS_SOFT, words, IRQS_PENDING_MASK);
          if ((hvipLo & (1 << IRQ_VS_SOFT)) !== 0) setBitLocked(IRQ_VS_SOFT, words, IRQS_PENDING);
          else clearBitLocked(IRQ_VS_SOFT, words, IRQS_PENDING);
        });
      },
    },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'flush-keeps-the-mask',
    about: 'flush forgets to clear the mask, so the bits that it delivered are delivered again',
    base,
    protocol: {
      flush: (words, local) => {
        locked(words, () => {
          const mask = readOnce(words, IRQS_PENDING_MASK);
          const pending = readOnce(words, IRQS_PENDING) & mask;
          local.hvipLo = ((local.hvipLo & ~mask) | pending) >>> 0;
        });
      },
    },
    killedBy: ['one-ipi', 'P2'],
  },
];
