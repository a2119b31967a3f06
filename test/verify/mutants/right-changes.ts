/** Changes that look like mistakes and are none: the checker must not object to them. */
import { readOnce } from '../../../src/interrupts/field/bitops.ts';
import { kvmSpinlock } from '../../../src/interrupts/field/kvm-spinlock.ts';
import { minimalPatch } from '../../../src/interrupts/field/minimal-patch.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import {
  EXIT_COUNT,
  IRQS_PENDING,
  IRQS_PENDING_MASK,
  RUN_STATE,
  RunState,
  WAKE_SEQUENCE,
} from '../../../src/interrupts/words.ts';
import type { Mutant } from './mutant.ts';

export const RIGHT_CHANGES: readonly Omit<Mutant, 'killedBy'>[] = [
  {
    name: 'set-looks-first',
    about:
      'set of take-mirror leaves the word alone when the bit is there: it merges with the one that set it',
    base: takeMirror,
    protocol: {
      set: (words, irq) => {
        const there = Atomics.load(words, IRQS_PENDING + (irq >> 5)) & (1 << (irq & 31));
        return there === 0 && takeMirror.set(words, irq);
      },
    },
  },
  {
    name: 'sync-keeps-levels-too',
    about: 'sync of take-mirror keeps all of HVIP: flush and has look at its edges only',
    base: takeMirror,
    protocol: {
      sync: (_words, local, hvipLo, hvipHi) => {
        local.hvipLo = hvipLo;
        local.hvipHi = hvipHi;
      },
    },
  },
  {
    name: 'has-reads-pending-first',
    about:
      'has of minimal-patch reads the pending bits before the mask: the producer between kicks later than both',
    base: minimalPatch,
    protocol: {
      has: (words, local, enabledLo, enabledHi) => {
        const word = (index: 0 | 1, hvip: number) => {
          const pending = readOnce(words, IRQS_PENDING + index);
          const mask = readOnce(words, IRQS_PENDING_MASK + index);
          return (pending & mask) | (hvip & ~mask);
        };
        if ((word(0, local.hvipLo) & enabledLo) !== 0) return true;
        return local.wordCount === 2 && (word(1, local.hvipHi) & enabledHi) !== 0;
      },
    },
  },
  {
    name: 'has-without-the-lock',
    about: 'has of kvm-spinlock takes no lock: it reads one word',
    base: kvmSpinlock,
    protocol: {
      has: (words, local, enabledLo, enabledHi) =>
        (readOnce(words, IRQS_PENDING) & enabledLo) !== 0 ||
        (local.wordCount === 2 && (readOnce(words, IRQS_PENDING + 1) & enabledHi) !== 0),
    },
  },
  {
    name: 'exit-always-notifies',
    about: 'leaving the guest does not look whether anybody waits',
    base: takeMirror,
    runState: () => ({
      exitGuest: (words) => {
        Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
        Atomics.add(words, EXIT_COUNT, 1);
        Atomics.notify(words, EXIT_COUNT);
      },
    }),
  },
  {
    name: 'kick-wakes-one-thread',
    about: 'kick notifies one thread: there is one that serves the vCPU',
    base: takeMirror,
    runState: (real) => ({
      kick: (words, wake) => {
        real.requestExit(words);
        const { BLOCKED, RUNNABLE } = RunState;
        if (Atomics.compareExchange(words, RUN_STATE, BLOCKED, RUNNABLE) !== BLOCKED) return;
        Atomics.add(words, WAKE_SEQUENCE, 1);
        Atomics.notify(words, WAKE_SEQUENCE, 1);
        wake();
      },
    }),
  },
  {
    name: 'dispatch-in-two-accesses',
    about: 'a pCPU looks whether the vCPU is runnable, and then takes it: each wake-up queues it once',
    base: takeMirror,
    runState: () => ({
      dispatchVcpu: (words) => {
        if (Atomics.load(words, RUN_STATE) !== RunState.RUNNABLE) return false;
        Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
        return true;
      },
    }),
  },
];
