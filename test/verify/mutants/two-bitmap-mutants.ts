/** Mistakes in the two-bitmap protocols that are right: minimal-patch, and xen-minimal-patch with its sparing kick. */
import {
  clearBit,
  readOnce,
  setBit,
  testAndSetBit,
  writeOnce,
  xchg,
} from '../../../src/interrupts/field/bitops.ts';
import { minimalPatch } from '../../../src/interrupts/field/minimal-patch.ts';
import { published } from '../../../src/interrupts/field/published.ts';
import { xenMinimalPatch } from '../../../src/interrupts/field/xen-minimal-patch.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK, type VcpuWords } from '../../../src/interrupts/words.ts';
import type { Mutant, ProtocolFunctions } from './mutant.ts';

const base = minimalPatch;

/** A flush of the first word by `apply`, which gives the new hvip. The second is flushed as it shall be. */
function flushLow(apply: (words: VcpuWords, hvip: number) => number): Partial<ProtocolFunctions> {
  return {
    flush: (words, local) => {
      const hvip = local.hvipLo;
      if (local.wordCount === 2) base.flush(words, local);
      local.hvipLo = apply(words, hvip) >>> 0;
    },
  };
}

export const MINIMAL_PATCH_MUTANTS: readonly Mutant[] = [
  {
    name: 'set-announces-first',
    about: 'set writes the mask bit, then the pending bit',
    base,
    protocol: {
      set: (words, irq) => {
        setBit(irq, words, IRQS_PENDING_MASK);
        setBit(irq, words, IRQS_PENDING);
        return true;
      },
    },
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'unset-announces-first',
    about: 'unset writes the mask bit, then the pending bit',
    base,
    protocol: {
      unset: (words, irq) => {
        setBit(irq, words, IRQS_PENDING_MASK);
        clearBit(irq, words, IRQS_PENDING);
        return false;
      },
    },
    killedBy: ['line', 'P3'],
  },
  {
    name: 'set-forgets-the-mask-bit',
    about: 'set writes the mask bit only when the pending bit rose',
    base,
    protocol: {
      set: (words, irq) => {
        if (!testAndSetBit(irq, words, IRQS_PENDING)) setBit(irq, words, IRQS_PENDING_MASK);
        return true;
      },
    },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'unset-forgets-the-mask-bit',
    about: 'unset does not announce the bits that it cleared',
    base,
    protocol: {
      unset: (words, irq) => {
        clearBit(irq, words, IRQS_PENDING);
        return false;
      },
    },
    killedBy: ['line', 'P3'],
  },
  {
    name: 'unset-takes-the-mask-bit-back',
    about: 'unset clears both bits, as if nothing had ever been said',
    base,
    protocol: {
      unset: (words, irq) => {
        clearBit(irq, words, IRQS_PENDING);
        clearBit(irq, words, IRQS_PENDING_MASK);
        return false;
      },
    },
    killedBy: ['line', 'P3'],
  },
  {
    name: 'sync-as-published',
    about: 'sync writes the bitmaps again, as KVM until 7.1 and Xen',
    base,
    protocol: { sync: published.sync },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'has-as-published',
    about: 'has believes every pending bit, also those of edges that the guest has cleared since',
    base,
    protocol: { has: published.has },
    killedBy: ['one-ipi', 'P5'],
  },
  {
    name: 'has-honours-the-mask-only',
    about: 'has looks at the bits that the mask covers and forgets the cached hvip',
    base,
    protocol: {
      has: (words, _local, enabledLo) => {
        const mask = readOnce(words, IRQS_PENDING_MASK);
        return (readOnce(words, IRQS_PENDING) & mask & enabledLo) !== 0;
      },
    },
    killedBy: ['self-ipi', 'P4'],
  },
  {
    name: 'flush-reads-first',
    about: 'flush reads the pending bits, then exchanges the mask',
    base,
    protocol: flushLow((words, hvip) => {
      const pending = readOnce(words, IRQS_PENDING);
      const mask = xchg(words, IRQS_PENDING_MASK, 0);
      return (hvip & ~mask) | (pending & mask);
    }),
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'flush-empties-the-mask-in-two-accesses',
    about: 'flush loads the mask and stores 0',
    base,
    protocol: flushLow((words, hvip) => {
      const mask = readOnce(words, IRQS_PENDING_MASK);
      writeOnce(words, IRQS_PENDING_MASK, 0);
      return (hvip & ~mask) | (readOnce(words, IRQS_PENDING) & mask);
    }),
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'flush-clears-what-it-took',
    about: 'flush clears the pending bits that it delivered, in an access of its own',
    base,
    protocol: flushLow((words, hvip) => {
      const mask = xchg(words, IRQS_PENDING_MASK, 0);
      const pending = readOnce(words, IRQS_PENDING) & mask;
      if (pending !== 0) Atomics.and(words, IRQS_PENDING, ~pending);
      return (hvip & ~mask) | pending;
    }),
    killedBy: ['line', 'P3'],
  },
  {
    name: 'flush-ignores-the-mask',
    about: 'flush copies all pending bits when the mask has any, also edges that were delivered long ago',
    base,
    protocol: flushLow((words, hvip) =>
      xchg(words, IRQS_PENDING_MASK, 0) === 0 ? hvip : readOnce(words, IRQS_PENDING),
    ),
    killedBy: ['line-and-ipi', 'P2'],
  },
  {
    name: 'flush-only-raises-masked',
    about: 'flush adds the announced bits to hvip and clears none',
    base,
    protocol: flushLow((words, hvip) => {
      const mask = xchg(words, IRQS_PENDING_MASK, 0);
      return hvip | (readOnce(words, IRQS_PENDING) & mask);
    }),
    killedBy: ['line', 'P3'],
  },
];

export const XEN_MINIMAL_PATCH_MUTANTS: readonly Mutant[] = [
  {
    name: 'kick-when-pending-rose',
    about: 'a kick only when the pending bit rose: that of an IPI stays 1 for good',
    base: xenMinimalPatch,
    protocol: {
      set: (words, irq) => {
        const rose = !testAndSetBit(irq, words, IRQS_PENDING);
        setBit(irq, words, IRQS_PENDING_MASK);
        return rose;
      },
    },
    killedBy: ['ipi-after-round', 'P4'],
  },
  {
    name: 'kick-when-mask-rose',
    about:
      'a kick only when the mask bit rose: an unset before it, which kicks nobody, has raised it already',
    base: xenMinimalPatch,
    protocol: {
      set: (words, irq) => {
        setBit(irq, words, IRQS_PENDING);
        return !testAndSetBit(irq, words, IRQS_PENDING_MASK);
      },
    },
    killedBy: ['unset-then-set', 'P3'],
  },
  {
    name: 'kick-when-both-rose',
    about: 'a kick only when both bits rose, in the place of either',
    base: xenMinimalPatch,
    protocol: {
      set: (words, irq) => {
        const pendingRose = !testAndSetBit(irq, words, IRQS_PENDING);
        const maskRose = !testAndSetBit(irq, words, IRQS_PENDING_MASK);
        return pendingRose && maskRose;
      },
    },
    killedBy: ['ipi-after-round', 'P4'],
  },
];
