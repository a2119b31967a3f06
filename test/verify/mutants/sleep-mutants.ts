/** Mistakes in falling asleep and waking up: `Atomics.wait`, `Atomics.notify`, and the words around them. */

import type { OwnerState } from '../../../src/interrupts/protocol.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import {
  EXIT_COUNT,
  EXIT_REQUEST,
  EXIT_WAITERS,
  REQUESTS,
  RUN_STATE,
  RunState,
  type VcpuWords,
  WAKE_SEQUENCE,
} from '../../../src/interrupts/words.ts';
import { fencer } from '../../../src/verify/world/fence.ts';
import { fencingVcpu } from '../../../src/verify/world/mutual-fences.ts';
import { vcpu } from '../../../src/verify/world/vcpu.ts';
import { broken, type Mutant, type RunStateFunctions } from './mutant.ts';

const base = takeMirror;

function isInGuest(words: VcpuWords): boolean {
  return Atomics.load(words, RUN_STATE) === RunState.IN_GUEST;
}

/** Takes the vCPU out of `BLOCKED`, as `kick` does. */
function unblock(words: VcpuWords): boolean {
  Atomics.store(words, EXIT_REQUEST, 1);
  return Atomics.compareExchange(words, RUN_STATE, RunState.BLOCKED, RunState.RUNNABLE) === RunState.BLOCKED;
}

/** The second half of `waitUntilOutside`, when it has found the vCPU in its guest. */
function sleepOnExits(words: VcpuWords, exits: number, timeoutMs: number): boolean {
  Atomics.add(words, EXIT_WAITERS, 1);
  Atomics.wait(words, EXIT_COUNT, exits, timeoutMs);
  Atomics.sub(words, EXIT_WAITERS, 1);
  return Atomics.load(words, EXIT_COUNT) !== exits;
}

/** Leaves the guest in this way, also when it was not entered for a request. */
function leavingBy(exitGuest: RunStateFunctions['exitGuest']): Required<Mutant>['runState'] {
  return (real) => ({
    exitGuest,
    enterGuest: (words) => {
      Atomics.store(words, RUN_STATE, RunState.IN_GUEST);
      Atomics.store(words, EXIT_REQUEST, 0);
      if (!real.hasRequests(words)) return true;
      exitGuest(words);
      return false;
    },
  });
}

export const EXIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'exit-wakes-nobody',
    about: 'leaving the guest counts the exit and notifies nobody',
    base,
    runState: leavingBy((words) => {
      Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
      Atomics.add(words, EXIT_COUNT, 1);
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'exit-wakes-before-it-counts',
    about: 'leaving the guest notifies, then counts: a waiter in between sleeps on the old count',
    base,
    runState: leavingBy((words) => {
      Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
      if (Atomics.load(words, EXIT_WAITERS) !== 0) Atomics.notify(words, EXIT_COUNT);
      Atomics.add(words, EXIT_COUNT, 1);
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'exit-looks-for-waiters-first',
    about: 'leaving the guest reads how many wait, then counts: a thread that comes in between is not woken',
    base,
    runState: leavingBy((words) => {
      Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
      const waits = Atomics.load(words, EXIT_WAITERS) !== 0;
      Atomics.add(words, EXIT_COUNT, 1);
      if (waits) Atomics.notify(words, EXIT_COUNT);
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'exit-wakes-one',
    about: 'leaving the guest wakes one of those that wait',
    base,
    runState: leavingBy((words) => {
      Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
      Atomics.add(words, EXIT_COUNT, 1);
      if (Atomics.load(words, EXIT_WAITERS) !== 0) Atomics.notify(words, EXIT_COUNT, 1);
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'exit-is-not-counted',
    about: 'leaving the guest notifies and counts nothing: an exit before the waiter sleeps is not seen',
    base,
    runState: leavingBy((words) => {
      Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
      if (Atomics.load(words, EXIT_WAITERS) !== 0) Atomics.notify(words, EXIT_COUNT);
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'entry-looks-at-requests-first',
    about: 'entering reads requests, then says that it is in the guest: a fence between finds it outside',
    base,
    runState: (real) => ({
      enterGuest: (words) => {
        Atomics.store(words, EXIT_REQUEST, 0);
        if (real.hasRequests(words)) return false;
        Atomics.store(words, RUN_STATE, RunState.IN_GUEST);
        return true;
      },
    }),
    killedBy: ['remote-fence-busy', 'P8'],
  },
];

export const FENCE_MUTANTS: readonly Mutant[] = [
  {
    name: 'fence-reads-the-count-late',
    about:
      'the waiter sees the vCPU in its guest, then reads the count: the exit between is one that it waits for again',
    base,
    runState: (real) => ({
      waitUntilOutside: (words, timeoutMs) => {
        if (!isInGuest(words) || !real.hasRequests(words)) return true;
        return sleepOnExits(words, Atomics.load(words, EXIT_COUNT), timeoutMs);
      },
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'fence-waits-unannounced',
    about: 'the waiter does not say that it waits',
    base,
    runState: (real) => ({
      waitUntilOutside: (words, timeoutMs) => {
        const exits = Atomics.load(words, EXIT_COUNT);
        if (!isInGuest(words) || !real.hasRequests(words)) return true;
        Atomics.wait(words, EXIT_COUNT, exits, timeoutMs);
        return Atomics.load(words, EXIT_COUNT) !== exits;
      },
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'fence-does-not-look-at-the-request',
    about:
      'the waiter looks at the state only: a vCPU that took the request and then cleared the exit request stays inside',
    base,
    runState: () => ({
      waitUntilOutside: (words, timeoutMs) => {
        const exits = Atomics.load(words, EXIT_COUNT);
        return !isInGuest(words) || sleepOnExits(words, exits, timeoutMs);
      },
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  {
    name: 'fence-does-not-look-at-the-state',
    about: 'the waiter looks at the request only, which a vCPU that sleeps leaves where it is',
    base,
    runState: (real) => ({
      waitUntilOutside: (words, timeoutMs) => {
        const exits = Atomics.load(words, EXIT_COUNT);
        return !real.hasRequests(words) || sleepOnExits(words, exits, timeoutMs);
      },
    }),
    killedBy: ['remote-fence', 'P4'],
  },
  {
    name: 'fence-waits-for-nothing',
    about: 'the waiter goes on while the guest still runs',
    base,
    runState: () => ({ waitUntilOutside: () => true }),
    killedBy: ['remote-fence', 'P8'],
  },
  {
    name: 'fence-takes-a-timeout-for-an-exit',
    about: 'the waiter goes on when its time is over',
    base,
    runState: (real) => ({
      waitUntilOutside: (words, timeoutMs) => {
        real.waitUntilOutside(words, timeoutMs);
        return true;
      },
    }),
    killedBy: ['remote-fence-patience', 'P8'],
  },
  {
    name: 'fence-requested-without-an-exit',
    about: 'the request is left, and nobody makes the guest leave',
    base,
    runState: () => ({
      makeRequest: (words, bits) => {
        Atomics.or(words, REQUESTS, bits);
      },
    }),
    killedBy: ['remote-fence-busy', 'P4'],
  },
  broken(
    'fence-from-inside',
    'a vCPU waits for another one without leaving its own guest first',
    'P4',
    (isBroken) => [
      fencingVcpu({ number: 0, waitsOutside: !isBroken }),
      fencingVcpu({ number: 1, waitsOutside: !isBroken }),
    ],
  ),
  broken('fence-asked-for-late', 'the waiter waits first and makes its request then', 'P8', (isBroken) => [
    vcpu({ idle: 'busy', pages: true }),
    fencer({ asksLate: isBroken }),
  ]),
];

export const WAKE_MUTANTS: readonly Mutant[] = [
  {
    name: 'kick-wakes-no-thread',
    about: 'kick makes the vCPU runnable and notifies nobody',
    base,
    runState: () => ({
      kick: (words, wake) => {
        if (!unblock(words)) return;
        Atomics.add(words, WAKE_SEQUENCE, 1);
        wake();
      },
    }),
    killedBy: ['sleeper', 'P4'],
  },
  {
    name: 'kick-wakes-before-it-counts',
    about: 'kick notifies, then moves the sequence: a thread that comes in between sleeps on the old one',
    base,
    runState: () => ({
      kick: (words, wake) => {
        if (!unblock(words)) return;
        Atomics.notify(words, WAKE_SEQUENCE);
        Atomics.add(words, WAKE_SEQUENCE, 1);
        wake();
      },
    }),
    killedBy: ['sleeper', 'P4'],
  },
  {
    name: 'kick-does-not-count',
    about: 'kick notifies only: a thread that is not asleep yet does not learn of it',
    base,
    runState: () => ({
      kick: (words, wake) => {
        if (!unblock(words)) return;
        Atomics.notify(words, WAKE_SEQUENCE);
        wake();
      },
    }),
    killedBy: ['sleeper', 'P4'],
  },
  {
    name: 'kick-wakes-before-it-says-so',
    about:
      'kick moves the sequence and notifies, then makes the vCPU runnable: the thread finds it blocked still',
    base,
    runState: (real) => ({
      kick: (words, wake) => {
        real.requestExit(words);
        if (Atomics.load(words, RUN_STATE) !== RunState.BLOCKED) return;
        Atomics.add(words, WAKE_SEQUENCE, 1);
        Atomics.notify(words, WAKE_SEQUENCE);
        Atomics.store(words, RUN_STATE, RunState.RUNNABLE);
        wake();
      },
    }),
    killedBy: ['sleeper', 'P4'],
  },
  {
    name: 'sequence-read-late',
    about: 'the sequence is read after the look for interrupts: a kick between has moved it already',
    base,
    runState: (real) => ({
      waitForWake: (words, _sequence, timeoutMs) =>
        real.waitForWake(words, real.wakeSequence(words), timeoutMs),
    }),
    killedBy: ['sleeper', 'P4'],
  },
  {
    name: 'any-news-wakes',
    about: 'the thread goes on when its wait ends, also by the late notice of an earlier kick',
    base,
    runState: () => ({
      waitForWake: (words, sequence, timeoutMs) =>
        Atomics.wait(words, WAKE_SEQUENCE, sequence, timeoutMs) !== 'timed-out',
    }),
    killedBy: ['sleeper', 'P7'],
  },
  {
    name: 'timeout-taken-for-a-wake',
    about: 'the thread goes on when its time is over, as if it had been woken',
    base,
    runState: (real) => ({
      waitForWake: (words, sequence, timeoutMs) => {
        real.waitForWake(words, sequence, timeoutMs);
        return true;
      },
    }),
    killedBy: ['sleeper-limit', 'P7'],
  },
  {
    name: 'sleeper-checks-first',
    about: 'the thread looks for interrupts, and publishes that it sleeps when it has found none',
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
    killedBy: ['sleeper', 'P4'],
  },
  {
    name: 'block-keeps-what-it-had',
    about:
      'a pCPU that takes its block back trusts its copy of hvip: another one had the vCPU since, and put it to sleep again (an ABA of the run state)',
    base,
    vcpu: (Real) =>
      class extends Real {
        readonly #local: () => OwnerState | undefined;
        #isBlocking = false;

        constructor(options: ConstructorParameters<typeof Real>[0]) {
          let local: OwnerState | undefined;
          const { protocol = base } = options;
          super({
            ...options,
            protocol: {
              ...protocol,
              has: (words, owner, lo, hi) => {
                local = owner;
                return protocol.has(words, owner, lo, hi);
              },
            },
          });
          this.#local = () => local;
        }

        override block(enabledLo: number, enabledHi: number) {
          this.#isBlocking = true;
          const result = super.block(enabledLo, enabledHi);
          this.#isBlocking = false;
          return result;
        }

        override load(pcpu: number): void {
          const local = this.#local();
          const had = local === undefined ? {} : { hvipLo: local.hvipLo, hvipHi: local.hvipHi };
          super.load(pcpu);
          if (this.#isBlocking && local !== undefined) Object.assign(local, had);
        }
      },
    killedBy: ['two-pcpus', 'P1'],
  },
];

export const SLEEP_MUTANTS: readonly Mutant[] = [...EXIT_MUTANTS, ...FENCE_MUTANTS, ...WAKE_MUTANTS];
