/** Mistakes in take-mirror, one at a time. */
import type { OwnerState } from '../../../src/interrupts/protocol.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import { EXIT_REQUEST, IRQS_PENDING, type VcpuWords } from '../../../src/interrupts/words.ts';
import type { Mutant, ProtocolFunctions } from './mutant.ts';

const base = takeMirror;
const SOFT = 1 << 2;
/** The interrupts that every vCPU has. */
const ALWAYS_THERE = 0x444;

function bitOf(irq: number): number {
  return 1 << (irq & 31);
}

function wordOf(irq: number): number {
  return IRQS_PENDING + (irq >> 5);
}

/** A flush of the first word by `take`, of the second as it shall be. */
function flushLow(
  take: (words: VcpuWords, hvip: number, edges: number) => number,
): Partial<ProtocolFunctions> {
  return {
    flush: (words, local) => {
      const hvip = local.hvipLo;
      if (local.wordCount === 2) base.flush(words, local);
      local.hvipLo = take(words, hvip, local.guestWritableLo) >>> 0;
    },
  };
}

function keptEdges(local: OwnerState): number {
  return local.hvipLo & local.guestWritableLo;
}

export const TAKE_MIRROR_MUTANTS: readonly Mutant[] = [
  {
    name: 'set-asks-for-no-kick',
    about: 'set never asks for a kick; as where an MSI reaches the local vCPU only (bao)',
    base,
    protocol: {
      set: (words, irq) => {
        base.set(words, irq);
        return false;
      },
    },
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'set-kicks-from-empty-only',
    about:
      'set asks for a kick only when nothing at all was pending before (a wfi that did not wake, riscv-qemu)',
    base,
    protocol: { set: (words, irq) => Atomics.or(words, wordOf(irq), bitOf(irq)) === 0 },
    killedBy: ['line-and-ipi', 'P4'],
  },
  {
    name: 'set-kicks-when-set-before',
    about: 'set asks for a kick when the bit was there already, and for none when it rose',
    base,
    protocol: { set: (words, irq) => !base.set(words, irq) },
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'set-in-two-accesses',
    about: 'set loads the word and stores it with the bit',
    base,
    protocol: {
      set: (words, irq) => {
        const before = Atomics.load(words, wordOf(irq));
        Atomics.store(words, wordOf(irq), before | bitOf(irq));
        return (before & bitOf(irq)) === 0;
      },
    },
    killedBy: ['busy-guest', 'P4'],
  },
  {
    name: 'set-in-the-first-word',
    about: 'set forgets that numbers from 32 have a word of their own',
    base,
    protocol: { set: (words, irq) => (Atomics.or(words, IRQS_PENDING, bitOf(irq)) & bitOf(irq)) === 0 },
    killedBy: ['second-word', 'P3'],
  },
  {
    name: 'set-replaces',
    about: 'set stores its bit and forgets the others',
    base,
    protocol: { set: (words, irq) => Atomics.exchange(words, wordOf(irq), bitOf(irq)) !== bitOf(irq) },
    killedBy: ['line-and-ipi', 'P3'],
  },
  {
    name: 'unset-does-nothing',
    about: 'a pending bit is only ever set, and never withdrawn when its source drops (a level in riscv-vm)',
    base,
    protocol: { unset: () => false },
    killedBy: ['line', 'P3'],
  },
  {
    name: 'unset-in-two-accesses',
    about: 'unset loads the word and stores it without the bit',
    base,
    protocol: {
      unset: (words, irq) => {
        const before = Atomics.load(words, wordOf(irq));
        Atomics.store(words, wordOf(irq), before & ~bitOf(irq));
        return (before & bitOf(irq)) !== 0;
      },
    },
    killedBy: ['line-and-ipi', 'P2'],
  },
  {
    name: 'unset-clears-the-word',
    about: 'unset clears its neighbours too',
    base,
    protocol: { unset: (words, irq) => Atomics.exchange(words, wordOf(irq), 0) !== 0 },
    killedBy: ['line-and-ipi', 'P1'],
  },
  {
    name: 'unset-asks-for-no-kick',
    about:
      'unset never asks for a kick, so a running guest sees the level fall at its next exit only (KVM, Xen)',
    base,
    protocol: {
      unset: (words, irq) => {
        base.unset(words, irq);
        return false;
      },
    },
    killedBy: ['unset-as-written', 'P3'],
  },
  {
    name: 'sync-forgets',
    about: 'sync does nothing: the guest’s changes of its bits are lost between two runs (rcore)',
    base,
    protocol: { sync: () => undefined },
    killedBy: ['one-ipi', 'P2'],
  },
  {
    name: 'sync-only-clears',
    about: 'sync takes over bits that the guest cleared, not those that it set',
    base,
    protocol: {
      sync: (_words, local, hvipLo) => {
        local.hvipLo = (local.hvipLo & (hvipLo | ~local.guestWritableLo)) >>> 0;
      },
    },
    killedBy: ['self-ipi-exits', 'P1'],
  },
  {
    name: 'sync-only-sets',
    about: 'sync takes over bits that the guest set, not those that it cleared',
    base,
    protocol: {
      sync: (_words, local, hvipLo) => {
        local.hvipLo = (local.hvipLo | (hvipLo & local.guestWritableLo)) >>> 0;
      },
    },
    killedBy: ['one-ipi', 'P2'],
  },
  {
    name: 'sync-writes-the-word',
    about:
      'sync clears the producers’ bit when the guest has cleared its own (the idea of the published protocol)',
    base,
    protocol: {
      sync: (words, local, hvipLo, hvipHi) => {
        const cleared = local.hvipLo & ~hvipLo & local.guestWritableLo;
        if (cleared !== 0) Atomics.and(words, IRQS_PENDING, ~cleared);
        base.sync(words, local, hvipLo, hvipHi);
      },
    },
    killedBy: ['ipi-after-round', 'P1'],
  },
  {
    name: 'sync-takes-the-kick-for-an-ipi',
    about: 'the host’s own IPI, which made the guest leave, is handed to the guest (rcore)',
    base,
    protocol: {
      sync: (words, local, hvipLo, hvipHi) => {
        const kicked = Atomics.load(words, EXIT_REQUEST) !== 0 ? SOFT : 0;
        base.sync(words, local, hvipLo | kicked, hvipHi);
      },
    },
    killedBy: ['one-ipi', 'P2'],
  },
  {
    name: 'flush-uses-the-loaded-value',
    about:
      'flush takes all edges and delivers those that it had loaded before: right with one edge, not with two',
    base,
    protocol: flushLow((words, hvip, edges) => {
      const word = Atomics.load(words, IRQS_PENDING);
      if ((word & edges) !== 0) Atomics.and(words, IRQS_PENDING, ~edges);
      return (hvip & edges) | word;
    }),
    killedBy: ['two-edges', 'P1'],
  },
  {
    name: 'flush-takes-in-two-accesses',
    about: 'flush loads the word and stores it without its edges',
    base,
    protocol: flushLow((words, hvip, edges) => {
      const word = Atomics.load(words, IRQS_PENDING);
      if ((word & edges) !== 0) Atomics.store(words, IRQS_PENDING, word & ~edges);
      return (hvip & edges) | word;
    }),
    killedBy: ['line-and-ipi', 'P3'],
  },
  {
    name: 'flush-takes-levels-too',
    about: 'flush empties the word: a level that stays high is gone after one round',
    base,
    protocol: flushLow((words, hvip, edges) => (hvip & edges) | Atomics.exchange(words, IRQS_PENDING, 0)),
    killedBy: ['line', 'P3'],
  },
  {
    name: 'flush-replaces',
    about: 'flush forgets the edges that the guest has not taken yet',
    base,
    protocol: flushLow((words, _hvip, edges) => {
      const word = Atomics.load(words, IRQS_PENDING);
      return (word & edges) === 0 ? word : Atomics.and(words, IRQS_PENDING, ~edges);
    }),
    killedBy: ['forced-exits', 'P1'],
  },
  {
    name: 'flush-only-raises',
    about: 'flush adds to hvip and takes nothing away: a level never falls',
    base,
    protocol: flushLow((words, hvip, edges) => {
      const word = Atomics.load(words, IRQS_PENDING);
      return hvip | ((word & edges) === 0 ? word : Atomics.and(words, IRQS_PENDING, ~edges));
    }),
    killedBy: ['line', 'P3'],
  },
  {
    name: 'flush-mirrors-edges',
    about: 'flush copies edges as if they were levels, and leaves them in the word',
    base,
    protocol: flushLow((words, hvip, edges) => (hvip & edges) | Atomics.load(words, IRQS_PENDING)),
    killedBy: ['one-ipi', 'P2'],
  },
  {
    name: 'flush-takes-one-edge',
    about: 'flush takes the lowest edge and clears all',
    base,
    protocol: flushLow((words, hvip, edges) => {
      const word = Atomics.and(words, IRQS_PENDING, ~edges);
      const taken = word & edges;
      return (hvip & edges) | (word & ~edges) | (taken & -taken);
    }),
    killedBy: ['two-edges', 'P1'],
  },
  {
    name: 'flush-needs-an-edge',
    about: 'flush returns early when there is no edge, and mirrors no level',
    base,
    protocol: flushLow((words, hvip, edges) => {
      const word = Atomics.load(words, IRQS_PENDING);
      return (word & edges) === 0 ? hvip : (hvip & edges) | Atomics.and(words, IRQS_PENDING, ~edges);
    }),
    killedBy: ['line', 'P3'],
  },
  {
    name: 'flush-forgets-the-second-word',
    about: 'flush never looks at the numbers from 32 on',
    base,
    protocol: {
      flush: (words, local) => {
        const hvipHi = local.hvipHi;
        base.flush(words, local);
        local.hvipHi = hvipHi;
      },
    },
    killedBy: ['second-word', 'P3'],
  },
  {
    name: 'flush-needs-the-first-word',
    about: 'flush looks at the second word only when the first has something',
    base,
    protocol: {
      flush: (words, local) => {
        const hvipHi = local.hvipHi;
        const first = Atomics.load(words, IRQS_PENDING);
        base.flush(words, local);
        if (first === 0) local.hvipHi = hvipHi;
      },
    },
    killedBy: ['second-word', 'P3'],
  },
  {
    name: 'has-looks-at-the-word-only',
    about: 'has forgets the edges that the guest has already: it sleeps on an IPI to itself',
    base,
    protocol: { has: (words, _local, enabledLo) => (Atomics.load(words, IRQS_PENDING) & enabledLo) !== 0 },
    killedBy: ['self-ipi', 'P4'],
  },
  {
    name: 'has-looks-at-the-cache-only',
    about: 'has forgets the bits that no flush has taken yet',
    base,
    protocol: { has: (_words, local, enabledLo) => (keptEdges(local) & enabledLo) !== 0 },
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'has-is-always-true',
    about: 'has finds something pending for ever, so the vCPU never sleeps',
    base,
    protocol: { has: (_words, _local, enabledLo) => (enabledLo & ALWAYS_THERE) !== 0 },
    killedBy: ['one-ipi', 'P5'],
  },
  {
    name: 'has-forgets-the-second-word',
    about: 'has looks at 32 of the 64 numbers (the 64-bit constant on RV32)',
    base,
    protocol: { has: (words, local, enabledLo) => base.has(words, { ...local, wordCount: 1 }, enabledLo, 0) },
    killedBy: ['second-word-sleep', 'P4'],
  },
];
