/** Races of producers with the vCPU loop, with every protocol: entry, sleep, and each other. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../test/interrupts/stepper.ts';
import { explore, runSchedule } from '../../test/interrupts/stepper.ts';
import { direct } from './field/direct.ts';
import { kvmSpinlock } from './field/kvm-spinlock.ts';
import { xchg } from './field/xchg.ts';
import { IRQ_VS_EXT, IRQ_VS_SOFT, interruptNumbers } from './numbers.ts';
import type { Protocol } from './protocol.ts';
import { createOwnerState } from './protocol.ts';
import { PROTOCOLS } from './protocols.ts';
import { dispatchVcpu, enterGuest, exitRequested, startVcpu } from './run-state.ts';
import { VcpuInterrupts } from './vcpu-interrupts.ts';
import { createVcpuWords, IRQS_PENDING, RUN_STATE, RunState } from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const EXT = 1 << IRQ_VS_EXT;

/** The protocol with a lock has too many interleavings to try all: a random sample of them. */
function check(protocol: Protocol, make: () => Scenario): { schedules: number; wrong: string[] } {
  if (protocol !== kvmSpinlock) {
    return explore(make);
  }
  const wrong: string[] = [];
  let schedules = 0;
  fc.assert(
    fc.property(fc.array(fc.nat(11), { maxLength: 40 }), (schedule) => {
      schedules++;
      wrong.push(...[runSchedule(make(), schedule).wrong ?? []].flat());
    }),
    { numRuns: 1000 },
  );
  return { schedules, wrong };
}

/** Those that withdraw a level from every thread; what the others do instead is in `field-protocols.test.ts`. */
const TRACKING = PROTOCOLS.filter((protocol) => protocol !== xchg && protocol !== direct);

describe.each(TRACKING)('$name', (protocol) => {
  test('scenario 27: set and unset of a level from two producers leave what was written last', () => {
    const { schedules, wrong } = check(protocol, () => {
      const words = createVcpuWords();
      let end = createOwnerState(interruptNumbers());
      const seen: number[] = [];
      return {
        threads: [
          () => protocol.set(words, IRQ_VS_EXT),
          () => protocol.unset(words, IRQ_VS_EXT),
          () => {
            end = createOwnerState(interruptNumbers());
            protocol.flush(words, end);
          },
        ],
        check: () => {
          seen.push(end.hvipLo);
          protocol.flush(words, end);
          seen.push(end.hvipLo);
          const last = Atomics.load(words, IRQS_PENDING);
          return end.hvipLo === last && seen.every((hvip) => hvip === 0 || hvip === EXT)
            ? undefined
            : `${seen}`;
        },
      };
    });
    expect(schedules).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
  });
});

describe.each(PROTOCOLS)('$name', (protocol) => {
  test('scenarios 26, 28, 29 and 31: a set that meets an entry is in HVIP, or the exit request is there', () => {
    const scenario = (flushFirst: boolean): Scenario => {
      const words = createVcpuWords();
      const sender = new VcpuInterrupts({ words, protocol });
      Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
      let hvip = 0;
      return {
        threads: [
          () => {
            const local = createOwnerState(interruptNumbers());
            const flush = () => protocol.flush(words, local);
            const steps = flushFirst ? [flush, () => enterGuest(words)] : [() => enterGuest(words), flush];
            for (const step of steps) {
              step();
            }
            hvip = local.hvipLo;
          },
          () => sender.setInterrupt(IRQ_VS_SOFT),
        ],
        check: () => ((hvip & SOFT) !== 0 || exitRequested(words) ? undefined : 'runs on without it'),
      };
    };
    expect(explore(() => scenario(false)).wrong).toEqual([]);
    expect(explore(() => scenario(true)).wrong).toContain('runs on without it');
  });

  test('scenario 32: a set that meets a vCPU going to sleep wakes it exactly once, or keeps it awake', () => {
    const { schedules, wrong } = check(protocol, () => {
      const words = createVcpuWords();
      const wakes = new Int32Array(1);
      const wake = () => {
        Atomics.add(wakes, 0, 1);
      };
      startVcpu(words);
      dispatchVcpu(words);
      let result = '';
      return {
        threads: [
          () => {
            const vcpu = new VcpuInterrupts({ words, protocol });
            vcpu.load(0);
            result = vcpu.block(SOFT | EXT, 0);
          },
          () => new VcpuInterrupts({ words, protocol, wake }).setInterrupt(IRQ_VS_SOFT),
        ],
        check: () => {
          const end = `${result}, ${Atomics.load(words, RUN_STATE)}, ${wakes[0]} wakes`;
          const good = ['pending, 2, 0 wakes', 'woken, 1, 1 wakes', 'blocked, 1, 1 wakes'];
          return good.includes(end) ? undefined : end;
        },
      };
    });
    expect(schedules).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });
});
