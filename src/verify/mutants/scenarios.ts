/** Situations that only mutants need: parts of the vCPU loop that the protocols do not touch. */
import type { OwnerState } from '../../interrupts/protocol.ts';
import {
  dispatchVcpu,
  enterGuest,
  exitGuest,
  makeRequest,
  startVcpu,
  takeRequests,
} from '../../interrupts/run-state.ts';
import { EXIT_REQUEST, IRQS_PENDING, REQUESTS } from '../../interrupts/words.ts';
import { type Scenario, scenario, type ThreadMaker } from '../scenario.ts';
import type { Env } from '../thread.ts';
import { device, sender } from '../world/producers.ts';
import { clock } from '../world/timer.ts';
import { vcpu } from '../world/vcpu.ts';
import { ownerIn, type World } from '../world/world.ts';

/** A thread that leaves one request for the vCPU, and kicks after it when `kicks`. */
function requester(name: string, bit: number, kicks = false): ThreadMaker {
  return (world) => {
    world.addRestCheck((view) =>
      (world.valueIn(view, world.words, REQUESTS) & bit) === 0
        ? undefined
        : { property: 'P4', message: `the request of ${name} is never carried out` },
    );
    return {
      name,
      initial: {},
      step: () => {
        makeRequest(world.words, bit);
        if (kicks) world.producer().kick();
        return null;
      },
    };
  };
}

/** A vCPU that does nothing but enter its guest, leave it, and carry out requests; all of `expected` have to arrive. */
function server(expected: number): ThreadMaker {
  return (world) => {
    const done = world.word('carried_out');
    world.addRestCheck((view) =>
      world.valueIn(view, done) === expected
        ? undefined
        : { property: 'P1', message: 'a request was taken and not carried out' },
    );
    return {
      name: 'vCPU',
      initial: { inside: false },
      step: (state, env) => {
        if ((state as { inside: boolean }).inside) {
          // Meets the store in `requestExit`.
          env.awaitWord(world.words, EXIT_REQUEST, 'different', 0);
          exitGuest(world.words);
          return { inside: false };
        }
        if (enterGuest(world.words)) return { inside: true };
        const requests = takeRequests(world.words);
        // Only this thread touches the word.
        if (requests !== 0) Atomics.or(done, 0, requests);
        return state;
      },
    };
  };
}

interface PcpuState {
  readonly at: 'idle' | 'run' | 'block';
  readonly local?: OwnerState;
}

/** One of two pCPUs that serve the same run queue. Its guest takes every edge at once and executes WFI. */
function pcpu(number: 0 | 1): ThreadMaker {
  return (world) => {
    const queue = world.word('run_queue');
    if (number === 0) {
      world.memory.runAlone(world.memory.initial, () => {
        startVcpu(world.words);
        Atomics.store(queue, 0, 1);
      });
      world.addRestCheck((view) =>
        world.valueIn(view, world.words, IRQS_PENDING) === 0
          ? undefined
          : { property: 'P4', message: 'an interrupt is pending, and no pCPU has the vCPU' },
      );
    }
    return {
      name: `P${number}`,
      initial: { at: 'idle' },
      step: (state, env) => {
        const { at, local } = state as PcpuState;
        if (at === 'idle') return dispatch(world, env, number);
        const { interrupts, local: inside } = ownerIn(world, number, local);
        if (at === 'run') {
          if (!interrupts.enterGuest()) return state;
          interrupts.flushInterrupts();
          interrupts.exitGuest();
          interrupts.syncInterrupts(0, 0);
          return { at: 'block', local: inside };
        }
        const { allowedLo, allowedHi } = world.numbers;
        return interrupts.block(allowedLo, allowedHi) === 'pending'
          ? { at: 'run', local: inside }
          : { at: 'idle' };
      },
    };
  };
}

function dispatch(world: World, env: Env, number: 0 | 1): PcpuState {
  const queue = world.word('run_queue');
  // Meets the add of whoever wakes the vCPU, and the compare-exchange of the other pCPU.
  const length = env.awaitWord(queue, 0, 'different', 0);
  if (Atomics.compareExchange(queue, 0, length, length - 1) !== length) return { at: 'idle' };
  if (!dispatchVcpu(world.words)) return { at: 'idle' };
  const { interrupts, local } = ownerIn(world, number, undefined);
  interrupts.load(number);
  return { at: 'run', local };
}

export const MUTANT_SCENARIOS: readonly Scenario[] = [
  scenario({
    name: 'unset-then-set',
    title: 'A line falls without a kick, and rises again before the guest has left',
    about: 'What the unset leaves behind must not make the set believe that somebody has kicked.',
    group: 'extended',
    threads: [vcpu({ idle: 'busy' }), device({ script: '-+', fall: 'never' })],
  }),
  scenario({
    name: 'request',
    title: 'A request to a guest that never leaves by itself',
    about: 'Requests are announced as interrupts are: the word, then the exit request.',
    group: 'extended',
    threads: [vcpu({ idle: 'busy' }), requester('R', 1)],
  }),
  scenario({
    name: 'request-and-kick',
    title: 'A request, with a kick, to a vCPU that goes to sleep',
    about: 'Block looks at requests after it has published that it sleeps.',
    group: 'extended',
    threads: [vcpu(), requester('R', 1, true)],
  }),
  scenario({
    name: 'two-requests',
    title: 'Two requests from two threads',
    about: 'Taking one request must not drop the other.',
    group: 'extended',
    threads: [server(3), requester('R1', 1), requester('R2', 2)],
  }),
  scenario({
    name: 'timer-busy',
    title: 'A timer and a guest that never leaves by itself',
    about: 'The callback’s kick is all that makes the guest see its timer.',
    group: 'extended',
    threads: [vcpu({ idle: 'busy', timers: 1 }), clock()],
  }),
  scenario({
    name: 'second-word-sleep',
    title: 'A level above 31 rises while the vCPU goes to sleep',
    about: 'What keeps it awake is in the second word alone.',
    group: 'extended',
    interrupts: { levels: [41] },
    threads: [vcpu(), device({ irq: 41, script: '+' })],
  }),
  scenario({
    name: 'two-pcpus',
    title: 'Two pCPUs serve one run queue, and two senders wake the vCPU',
    about: 'However many kick, one pCPU gets the vCPU.',
    group: 'extended',
    threads: [pcpu(0), pcpu(1), sender({ name: 'S1' }), sender({ name: 'S2' })],
  }),
];
