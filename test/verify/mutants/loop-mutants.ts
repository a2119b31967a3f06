/** Mistakes in the vCPU loop around a protocol that is right: entry, sleep, kick, requests, save and restore. */

import { kvmSpinlock } from '../../../src/interrupts/field/kvm-spinlock.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import {
  EXIT_REQUEST,
  IRQS_PENDING,
  REQUESTS,
  RUN_STATE,
  RunState,
  SAVED_HVIP,
  type VcpuWords,
} from '../../../src/interrupts/words.ts';
import { device, sender, sharingDevice } from '../../../src/verify/world/producers.ts';
import { clock } from '../../../src/verify/world/timer.ts';
import { vcpu } from '../../../src/verify/world/vcpu.ts';
import { broken, type Mutant } from './mutant.ts';

const base = takeMirror;

function leave(words: VcpuWords, from: RunState, to: RunState): boolean {
  return Atomics.compareExchange(words, RUN_STATE, from, to) === from;
}

export const RUN_STATE_MUTANTS: readonly Mutant[] = [
  {
    name: 'kick-only-wakes',
    about: 'kick sets no exit request: a running guest never leaves',
    base,
    runState: () => ({
      kick: (words, wake) => {
        if (leave(words, RunState.BLOCKED, RunState.RUNNABLE)) wake();
      },
    }),
    killedBy: ['busy-guest', 'P4'],
  },
  {
    name: 'kick-only-requests-an-exit',
    about: 'kick does not look whether the vCPU sleeps',
    base,
    runState: (real) => ({ kick: (words) => real.requestExit(words) }),
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'kick-queues-nothing',
    about: 'kick makes a sleeping vCPU runnable and puts it on no run queue',
    base,
    runState: (real) => ({ kick: (words) => real.kick(words, () => undefined) }),
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'kick-trusts-the-last-kick',
    about:
      'kick does nothing when the exit request stands already, which says nothing about a vCPU that sleeps',
    base,
    runState: (real) => ({
      kick: (words, wake) => {
        if (Atomics.load(words, EXIT_REQUEST) === 0) real.kick(words, wake);
      },
    }),
    killedBy: ['forced-exits', 'P4'],
  },
  {
    name: 'kick-looks-before-the-word',
    about: 'the state that kick decides by was read before the interrupt was written',
    base,
    vcpu: (Real) =>
      class extends Real {
        override setInterrupt(irq: number): boolean {
          const asleep = Atomics.load(this.words, RUN_STATE) === RunState.BLOCKED;
          if (asleep) return super.setInterrupt(irq);
          this.protocol.set(this.words, irq);
          Atomics.store(this.words, EXIT_REQUEST, 1);
          return true;
        }
      },
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'kick-wakes-in-two-accesses',
    about: 'two kicks that find the vCPU asleep both put it on a run queue',
    base,
    runState: (real) => ({
      kick: (words, wake) => {
        real.requestExit(words);
        if (Atomics.load(words, RUN_STATE) !== RunState.BLOCKED) return;
        Atomics.store(words, RUN_STATE, RunState.RUNNABLE);
        wake();
      },
    }),
    killedBy: ['two-pcpus', 'P7'],
  },
  {
    name: 'entry-keeps-the-exit-request',
    about: 'entering does not clear the exit request: the guest is left at once, for ever',
    base,
    runState: (real) => ({
      enterGuest: (words) => {
        Atomics.store(words, RUN_STATE, RunState.IN_GUEST);
        if (Atomics.load(words, REQUESTS) === 0) return true;
        real.exitGuest(words);
        return false;
      },
    }),
    killedBy: ['busy-guest', 'P5'],
  },
  {
    name: 'entry-clears-the-exit-request-after-requests',
    about: 'entering looks at requests and then clears the exit request that announced the next one',
    base,
    runState: (real) => ({
      enterGuest: (words) => {
        Atomics.store(words, RUN_STATE, RunState.IN_GUEST);
        const waiting = Atomics.load(words, REQUESTS) !== 0;
        Atomics.store(words, EXIT_REQUEST, 0);
        if (waiting) real.exitGuest(words);
        return !waiting;
      },
    }),
    killedBy: ['request', 'P4'],
  },
  {
    name: 'entry-clears-the-exit-request-after-flush',
    about: 'the exit request is cleared when hvip is written, with the kick that came after the flush',
    base,
    protocol: {
      flush: (words, local) => {
        base.flush(words, local);
        Atomics.store(words, EXIT_REQUEST, 0);
      },
    },
    killedBy: ['busy-guest', 'P4'],
  },
  {
    name: 'entry-ignores-requests',
    about: 'entering clears the exit request and does not look why it was there',
    base,
    runState: () => ({
      enterGuest: (words) => {
        Atomics.store(words, RUN_STATE, RunState.IN_GUEST);
        Atomics.store(words, EXIT_REQUEST, 0);
        return true;
      },
    }),
    killedBy: ['request', 'P4'],
  },
  {
    name: 'request-announced-first',
    about: 'a request sets the exit request, then writes its kind',
    base,
    runState: (real) => ({
      makeRequest: (words, bits) => {
        real.requestExit(words);
        Atomics.or(words, REQUESTS, bits);
      },
    }),
    killedBy: ['request', 'P4'],
  },
  {
    name: 'requests-cleared-after-reading',
    about:
      'requests are read and then cleared: one between is lost (bao: pending cleared after the queue is drained)',
    base,
    runState: () => ({
      takeRequests: (words) => {
        const bits = Atomics.load(words, REQUESTS);
        Atomics.store(words, REQUESTS, 0);
        return bits;
      },
    }),
    killedBy: ['two-requests', 'P1'],
  },
  {
    name: 'sleep-checks-first',
    about: 'block looks for interrupts, then publishes that it sleeps',
    base,
    runState: (real) => ({
      prepareToBlock: () => undefined,
      // Block calls it last, when it has found no interrupt.
      hasRequests: (words) => {
        const waiting = real.hasRequests(words);
        if (!waiting) Atomics.store(words, RUN_STATE, RunState.BLOCKED);
        return waiting;
      },
      cancelBlock: () => true,
    }),
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'sleep-ignores-requests',
    about: 'block looks for interrupts only, and sleeps on a request whose kick came too early',
    base,
    runState: () => ({ hasRequests: () => false }),
    killedBy: ['request-and-kick', 'P4'],
  },
  {
    name: 'sleep-taken-back-unasked',
    about: 'a vCPU that finds work goes on although a waker has given it to another pCPU',
    base,
    runState: () => ({
      cancelBlock: (words) => {
        Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
        return true;
      },
    }),
    killedBy: ['two-pcpus', 'P7'],
  },
];

export const LOOP_OBJECT_MUTANTS: readonly Mutant[] = [
  {
    name: 'kick-before-set',
    about: 'the producer kicks, then writes the interrupt',
    base,
    vcpu: (Real) =>
      class extends Real {
        override setInterrupt(irq: number): boolean {
          this.kick();
          return this.protocol.set(this.words, irq);
        }
      },
    killedBy: ['one-ipi', 'P4'],
  },
  {
    name: 'unset-drops-the-kick',
    about: 'the caller of unset ignores that the protocol asks for a kick',
    base,
    vcpu: (Real) =>
      class extends Real {
        override unsetInterrupt(irq: number): boolean {
          return this.protocol.unset(this.words, irq);
        }
      },
    killedBy: ['unset-as-written', 'P3'],
  },
  {
    name: 'late-timer-says-nothing',
    about: 'timers are looked at when the guest leaves anyway, without a bound (TinyEMU)',
    base,
    vcpu: (Real) =>
      class extends Real {
        override kick(): void {}
      },
    killedBy: ['timer-busy', 'P3'],
  },
  {
    name: 'derived-levels-forgotten',
    about: 'flush and has look at the shared word only, not at the deadline',
    base,
    vcpu: (Real) =>
      class extends Real {
        constructor(options: ConstructorParameters<typeof Real>[0]) {
          super({ ...options, derive: () => 0 });
        }
      },
    killedBy: ['timer', 'P3'],
  },
  {
    name: 'hvip-not-saved',
    about: 'the next pCPU starts with an empty hvip: the guest’s pending bits are gone (rcore)',
    base,
    vcpu: (Real) =>
      class extends Real {
        override load(pcpu: number): void {
          // Meets no other access: the vCPU is not loaded anywhere.
          Atomics.store(this.words, SAVED_HVIP, 0);
          super.load(pcpu);
        }
      },
    killedBy: ['migration', 'P1'],
  },
  {
    name: 'snapshot-of-one-word',
    about: 'a snapshot keeps the shared word, not the bits that the guest has pending already',
    base,
    vcpu: (Real) =>
      class extends Real {
        override savePending(): { lo: number; hi: number } {
          const [lo, hi] = [IRQS_PENDING, IRQS_PENDING + 1].map((index) => Atomics.load(this.words, index));
          return { lo: lo >>> 0, hi: hi >>> 0 };
        }
      },
    killedBy: ['restored', 'P1'],
  },
];

export const LOOP_RULE_MUTANTS: readonly Mutant[] = [
  broken('late-sync', 'sync runs before the next entry, after the decision to sleep', 'P4', (isBroken) => [
    vcpu({ sync: isBroken ? 'entry' : 'exit', selfSends: 1 }),
  ]),
  broken('preemptible-flush', 'the vCPU is saved between flush and the write of hvip', 'P1', (isBroken) => [
    vcpu({ migrates: isBroken ? 'inside flush' : 'after sync' }),
    sender(),
  ]),
  broken(
    'save-before-sync',
    'hvip is saved before sync has compared it',
    'P5',
    (isBroken) => [vcpu({ migrates: isBroken ? 'before sync' : 'after sync' }), sender({ count: 2 })],
    kvmSpinlock,
  ),
  broken('unset-without-kick', 'nobody kicks when a line falls', 'P3', (isBroken) => [
    vcpu({ idle: 'busy' }),
    device({ fall: isBroken ? 'never' : 'protocol' }),
  ]),
  broken('stored-timer', 'the timer’s level is set by a callback, and not computed', 'P2', (isBroken) => [
    vcpu({ timers: 2, timer: isBroken ? 'stored' : 'derived', reprograms: true }),
    clock(),
  ]),
  broken('stored-shared-line', 'devices evaluate their line, and then set or unset it', 'P3', (isBroken) => {
    const level = isBroken ? 'stored' : 'derived';
    return [
      vcpu(),
      sharingDevice({ name: 'D1', index: 0, level }),
      sharingDevice({ name: 'D2', index: 1, level }),
    ];
  }),
];

export const LOOP_MUTANTS: readonly Mutant[] = [
  ...RUN_STATE_MUTANTS,
  ...LOOP_OBJECT_MUTANTS,
  ...LOOP_RULE_MUTANTS,
];
