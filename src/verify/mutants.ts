/**
 * Correct protocols with one mistake each: what the checker must find. They are mistakes that were made, or nearly
 * made, in real hypervisors, and every one that an edit of a line can make.
 */
import { clearBit, readOnce, setBit, xchg } from '../interrupts/bitops.ts';
import { kvmSpinlock } from '../interrupts/kvm-spinlock.ts';
import { minimalPatch } from '../interrupts/minimal-patch.ts';
import type { OwnerState, Protocol } from '../interrupts/protocol.ts';
import { published } from '../interrupts/published.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import type { VcpuWords } from '../interrupts/words.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK } from '../interrupts/words.ts';

export interface Mutant {
  /** The correct protocol that it was made from. */
  readonly base: Protocol;
  readonly protocol: Protocol;
  /** What is wrong with it. */
  readonly mistake: string;
}

type Change = Partial<Pick<Protocol, 'set' | 'unset' | 'sync' | 'flush' | 'has'>>;

function mutant(base: Protocol, name: string, mistake: string, change: Change): Mutant {
  return {
    base,
    mistake,
    protocol: { ...base, ...change, name: `${base.name}/${name}`, provenance: mistake },
  };
}

/** A flush made of a function for each word. */
function flushing(
  flushWord: (words: VcpuWords, index: number, hvip: number, edges: number) => number,
): Protocol['flush'] {
  return (words, local) => {
    local.hvipLo = flushWord(words, IRQS_PENDING, local.hvipLo, local.guestWritableLo) >>> 0;
    if (local.wordCount === 2) {
      local.hvipHi = flushWord(words, IRQS_PENDING + 1, local.hvipHi, local.guestWritableHi) >>> 0;
    }
  };
}

/** A sync made of a function for each word. */
function syncing(fold: (cached: number, hvip: number, edges: number) => number): Protocol['sync'] {
  return (_words, local, lo, hi) => {
    local.hvipLo = fold(local.hvipLo, lo, local.guestWritableLo) >>> 0;
    local.hvipHi = fold(local.hvipHi, hi, local.guestWritableHi) >>> 0;
  };
}

/** The place of an interrupt in the pending words. */
function place(irq: number): { readonly index: number; readonly bit: number } {
  return { index: IRQS_PENDING + (irq >> 5), bit: 1 << (irq & 31) };
}

function pendingLo(words: VcpuWords, local: OwnerState): number {
  return Atomics.load(words, IRQS_PENDING) | (local.hvipLo & local.guestWritableLo);
}

const TAKE_MIRROR: readonly Mutant[] = [
  mutant(takeMirror, 'set-never-kicks', 'set asks for no kick', {
    set: (words, irq) => takeMirror.set(words, irq) && false,
  }),
  mutant(takeMirror, 'set-kicks-when-set', 'set asks for a kick when the bit was there already', {
    set: (words, irq) => !takeMirror.set(words, irq),
  }),
  mutant(takeMirror, 'set-kicks-when-empty', 'set asks for a kick only when the whole word was empty', {
    set: (words, irq) => Atomics.or(words, place(irq).index, place(irq).bit) === 0,
  }),
  mutant(takeMirror, 'set-not-atomic', 'set loads and stores', {
    set: (words, irq) => {
      const { index, bit } = place(irq);
      const old = Atomics.load(words, index);
      Atomics.store(words, index, old | bit);
      return (old & bit) === 0;
    },
  }),
  mutant(takeMirror, 'set-in-first-word', 'set puts every interrupt into the first word', {
    set: (words, irq) => takeMirror.set(words, irq & 31),
  }),
  mutant(takeMirror, 'unset-not-atomic', 'unset loads and stores', {
    unset: (words, irq) => {
      const { index, bit } = place(irq);
      const old = Atomics.load(words, index);
      Atomics.store(words, index, old & ~bit);
      return (old & bit) !== 0;
    },
  }),
  mutant(takeMirror, 'unset-never-kicks', 'unset asks for no kick', {
    unset: (words, irq) => takeMirror.unset(words, irq) && false,
  }),
  mutant(takeMirror, 'unset-does-nothing', 'a level is never withdrawn', { unset: () => true }),
  mutant(takeMirror, 'no-sync', 'the guest’s own writes are not taken over', { sync: () => undefined }),
  mutant(takeMirror, 'sync-only-sets', 'sync takes over what the guest set, not what it cleared', {
    sync: syncing((cached, hvip, edges) => cached | (hvip & edges)),
  }),
  mutant(takeMirror, 'sync-only-clears', 'sync takes over what the guest cleared, not what it set', {
    sync: syncing((cached, hvip, edges) => cached & (hvip | ~edges)),
  }),
  mutant(takeMirror, 'sync-writes-word', 'sync puts the guest’s edges back into the shared word', {
    sync: (words, local, lo, hi) => {
      takeMirror.sync(words, local, lo, hi);
      if ((lo & local.guestWritableLo) === 0) Atomics.and(words, IRQS_PENDING, ~local.guestWritableLo);
    },
  }),
  mutant(
    takeMirror,
    'flush-uses-loaded-value',
    'flush takes the edges, and uses the value of the load before',
    {
      flush: flushing((words, index, hvip, edges) => {
        const word = Atomics.load(words, index);
        if ((word & edges) !== 0) Atomics.and(words, index, ~edges);
        return (hvip & edges) | word;
      }),
    },
  ),
  mutant(takeMirror, 'flush-takes-levels', 'flush takes the whole word', {
    flush: flushing((words, index, hvip, edges) => (hvip & edges) | Atomics.exchange(words, index, 0)),
  }),
  mutant(takeMirror, 'flush-stores', 'flush loads the edges and stores the word without them', {
    flush: flushing((words, index, hvip, edges) => {
      const word = Atomics.load(words, index);
      Atomics.store(words, index, word & ~edges);
      return (hvip & edges) | word;
    }),
  }),
  mutant(takeMirror, 'flush-takes-nothing', 'edges are mirrored like levels', {
    flush: flushing((words, index, hvip, edges) => (hvip & edges) | Atomics.load(words, index)),
  }),
  mutant(takeMirror, 'flush-forgets-edges', 'flush drops the edges that the guest has not cleared', {
    flush: flushing((words, index, _hvip, edges) => Atomics.and(words, index, ~edges)),
  }),
  mutant(takeMirror, 'flush-adds-levels', 'levels rise and never fall', {
    flush: flushing((words, index, hvip, edges) => hvip | Atomics.and(words, index, ~edges)),
  }),
  mutant(takeMirror, 'flush-edges-only', 'without an edge in the word flush returns early', {
    flush: flushing((words, index, hvip, edges) => {
      const word = Atomics.load(words, index);
      return (word & edges) === 0 ? hvip : (hvip & edges) | Atomics.and(words, index, ~edges);
    }),
  }),
  mutant(takeMirror, 'flush-first-word', 'flush looks at the second word only when the first is not empty', {
    flush: (words, local) => {
      const second = Atomics.load(words, IRQS_PENDING) !== 0 ? local.wordCount : 1;
      const view = { ...local, wordCount: second };
      takeMirror.flush(words, view);
      local.hvipLo = view.hvipLo;
      local.hvipHi = view.hvipHi;
    },
  }),
  mutant(takeMirror, 'has-word-only', 'has does not look at the edges that the guest has', {
    has: (words, local, lo, hi) => takeMirror.has(words, { ...local, hvipLo: 0, hvipHi: 0 }, lo, hi),
  }),
  mutant(takeMirror, 'has-cached-only', 'has looks at the cached hvip and not at the word', {
    has: (_words, local, lo, hi) => (local.hvipLo & lo) !== 0 || (local.hvipHi & hi) !== 0,
  }),
  mutant(takeMirror, 'has-first-word', 'has looks at the first word only', {
    has: (words, local, lo) => (pendingLo(words, local) & lo) !== 0,
  }),
];

const MINIMAL_PATCH: readonly Mutant[] = [
  mutant(minimalPatch, 'mask-first', 'set writes the mask before the pending bit', {
    set: (words, irq) => {
      setBit(irq, words, IRQS_PENDING_MASK);
      setBit(irq, words, IRQS_PENDING);
      return true;
    },
  }),
  mutant(minimalPatch, 'unset-mask-first', 'unset writes the mask before the pending bit', {
    unset: (words, irq) => {
      setBit(irq, words, IRQS_PENDING_MASK);
      clearBit(irq, words, IRQS_PENDING);
      return false;
    },
  }),
  mutant(minimalPatch, 'value-first', 'flush reads the pending bits before it takes the mask', {
    flush: (words, local) => {
      const val = readOnce(words, IRQS_PENDING);
      const mask = xchg(words, IRQS_PENDING_MASK, 0);
      local.hvipLo = ((local.hvipLo & ~mask) | (val & mask)) >>> 0;
    },
  }),
  mutant(minimalPatch, 'flush-without-mask', 'flush copies all pending bits', {
    flush: (words, local) => {
      xchg(words, IRQS_PENDING_MASK, 0);
      local.hvipLo = readOnce(words, IRQS_PENDING) >>> 0;
    },
  }),
  mutant(minimalPatch, 'flush-adds', 'flush adds pending bits and removes none', {
    flush: (words, local) => {
      const mask = xchg(words, IRQS_PENDING_MASK, 0);
      local.hvipLo = (local.hvipLo | (readOnce(words, IRQS_PENDING) & mask)) >>> 0;
    },
  }),
  mutant(minimalPatch, 'has-without-mask', 'has looks at pending bits that were delivered long ago', {
    has: published.has,
  }),
  mutant(minimalPatch, 'has-without-hvip', 'has does not look at the edges that the guest has', {
    has: (words, _local, lo) =>
      (readOnce(words, IRQS_PENDING_MASK) & readOnce(words, IRQS_PENDING) & lo) !== 0,
  }),
  mutant(minimalPatch, 'kick-when-unmasked', 'set asks for a kick only when the mask bit was clear', {
    set: (words, irq) => {
      setBit(irq, words, IRQS_PENDING);
      const { index, bit } = place(irq);
      return (Atomics.or(words, index + IRQS_PENDING_MASK - IRQS_PENDING, bit) & bit) === 0;
    },
    unset: (words, irq) => {
      clearBit(irq, words, IRQS_PENDING);
      setBit(irq, words, IRQS_PENDING_MASK);
      return false;
    },
  }),
  mutant(minimalPatch, 'kick-when-not-pending', 'set asks for a kick only when the pending bit was clear', {
    set: (words, irq) => {
      const { index, bit } = place(irq);
      const old = Atomics.or(words, index, bit);
      setBit(irq, words, IRQS_PENDING_MASK);
      return (old & bit) === 0;
    },
  }),
];

const KVM_SPINLOCK: readonly Mutant[] = [
  mutant(kvmSpinlock, 'sync-unlocked', 'sync does not take the lock', { sync: published.sync }),
  mutant(kvmSpinlock, 'set-unlocked', 'set does not take the lock', { set: published.set }),
  mutant(kvmSpinlock, 'sync-only-clears', 'sync takes over what the guest cleared, not what it set', {
    sync: (words, local, lo, hi) => kvmSpinlock.sync(words, local, lo & local.hvipLo, hi),
  }),
];

export const MUTANTS: readonly Mutant[] = [...TAKE_MIRROR, ...MINIMAL_PATCH, ...KVM_SPINLOCK];
