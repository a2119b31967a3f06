import { enterGuest, exitGuest, makeRequest, takeRequests } from '../../../src/interrupts/run-state.ts';
import { EXIT_REQUEST, REQUESTS } from '../../../src/interrupts/words.ts';
import { type Scenario, scenario, type ThreadMaker } from '../../../src/verify/scenario.ts';
import { messenger } from '../../../src/verify/world/messages.ts';
import { device, sender } from '../../../src/verify/world/producers.ts';
import { clock } from '../../../src/verify/world/timer.ts';
import { vcpu } from '../../../src/verify/world/vcpu.ts';

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

export const MUTANT_SCENARIOS: readonly Scenario[] = [
  scenario({
    name: 'unset-then-set',
    title: 'A line falls without a kick, and rises again before the guest has left',
    about: 'What the unset leaves behind must not make the set believe that somebody has kicked.',
    group: 'extended',
    threads: [vcpu({ idle: 'busy' }), device({ script: '-+', fall: 'never' })],
  }),
  scenario({
    name: 'self-ipi-exits',
    title: 'The guest sends itself an IPI between exits of all kinds',
    about: 'An exit that comes between makes sync see the bit clear first, and set the next time.',
    group: 'extended',
    threads: [vcpu({ selfSends: 1, exits: true }), sender()],
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
    name: 'file-read',
    title: 'A guest that reads 64 pending bits while they come',
    about: 'The two halves are two words: what is read must have been there at one time.',
    group: 'extended',
    identities: [3, 40],
    threads: [vcpu({ file: { enabled: [], accesses: [['read', 3]] } }), messenger({ sends: [3, 40] })],
  }),
];
