/** Mistakes in one part of the vCPU loop itself. */
import { takeRequests } from '../../../src/interrupts/run-state.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import type { LoopPart } from '../../../src/interrupts/vcpu-loop.ts';
import { EXIT_COUNT, EXIT_WAITERS, RUN_STATE, RunState } from '../../../src/interrupts/words.ts';
import type { Mutant } from './mutant.ts';

const base = takeMirror;

export const PART_MUTANTS: readonly Mutant[] = [
  {
    name: 'exit-without-sync',
    about: 'the loop leaves the guest, and does not take HVIP back',
    base,
    vcpuLoop: (Real) =>
      class extends Real {
        protected override exit(): LoopPart {
          this.at.interrupts.exitGuest();
          return 'handle';
        }
      },
    killedBy: ['one-ipi', 'P2'],
  },
  {
    name: 'enter-drops-requests',
    about: 'the loop takes the requests that the entry finds, and does not carry them out',
    base,
    vcpuLoop: (Real) =>
      class extends Real {
        protected override enter(): LoopPart {
          if (this.at.interrupts.enterGuest()) return 'flush';
          takeRequests(this.at.interrupts.words);
          return 'enter';
        }
      },
    killedBy: ['remote-fence', 'P8'],
  },
  {
    name: 'wait-drops-requests',
    about: 'a vCPU that is woken while it waits takes requests, and does not carry them out',
    base,
    vcpuLoop: (Real) =>
      class extends Real {
        protected override wait(): LoopPart {
          takeRequests(this.at.interrupts.words);
          return super.wait();
        }
      },
    killedBy: ['remote-fence', 'P8'],
  },
  {
    name: 'exit-counts-first',
    about:
      'leaving the guest counts the exit, then says that it is outside; a sleeping vCPU makes no second exit',
    base,
    runState: () => ({
      exitGuest: (words) => {
        Atomics.add(words, EXIT_COUNT, 1);
        Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
        if (Atomics.load(words, EXIT_WAITERS) !== 0) Atomics.notify(words, EXIT_COUNT);
      },
    }),
    killedBy: ['remote-fence', 'P4'],
  },
];
