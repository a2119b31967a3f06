/** Races, one atomic access at a time, on the shipped source. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MailState } from '../../test/interrupts/mail-scenario.ts';
import { mailScenario } from '../../test/interrupts/mail-scenario.ts';
import { explore, runSchedule, Stepper } from '../../test/interrupts/stepper.ts';
import { direct } from './field/direct.ts';
import { kvmSpinlock } from './field/kvm-spinlock.ts';
import { minimalPatch } from './field/minimal-patch.ts';
import { published } from './field/published.ts';
import { xchg } from './field/xchg.ts';
import { xen } from './field/xen.ts';
import { xenMinimalPatch } from './field/xen-minimal-patch.ts';
import { IRQ_VS_EXT, IRQ_VS_SOFT, interruptNumbers } from './numbers.ts';
import type { Protocol } from './protocol.ts';
import { createOwnerState } from './protocol.ts';
import { enterGuest, exitRequested, makeRequest, takeRequests } from './run-state.ts';
import { takeMirror } from './take-mirror.ts';
import { VcpuInterrupts } from './vcpu-interrupts.ts';
import {
  createVcpuWords,
  IRQS_PENDING,
  IRQS_PENDING_LOCK,
  IRQS_PENDING_MASK,
  RUN_STATE,
  RunState,
} from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;

test('the explorer tries each interleaving once, and finds a lost update', () => {
  const { schedules, wrong } = explore(() => {
    const words = createVcpuWords();
    const increment = () => {
      Atomics.store(words, 0, Atomics.load(words, 0) + 1);
    };
    return { threads: [increment, increment], check: () => (words[0] === 2 ? undefined : `${words[0]}`) };
  });
  expect(schedules).toBe(6);
  expect(wrong).toEqual(['1', '1', '1', '1']);
});

describe('scenario 24: no interrupt is lost when a guest clears the bit that senders set', () => {
  test.each([
    [1, 12],
    [2, 2],
  ])('take-mirror, %i senders, %i rounds: every interleaving', (senders, rounds) => {
    const { schedules, wrong } = explore(() => mailScenario(takeMirror, senders, rounds));
    expect(schedules).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });

  test.each([minimalPatch, xenMinimalPatch, xchg, kvmSpinlock])(
    '$name, one sender, several rounds: every interleaving',
    (protocol) => {
      const { schedules, wrong } = explore(() => mailScenario(protocol, 1, protocol === kvmSpinlock ? 2 : 6));
      expect(schedules).toBeGreaterThan(15);
      expect(wrong).toEqual([]);
    },
  );

  test.each([published, xen, direct])(
    '$name, one sender, one round: some interleavings lose it',
    (protocol) => {
      const { schedules, wrong } = explore(() => mailScenario(protocol, 1, 1));
      expect(wrong).toContain('lost');
      expect(wrong.length).toBeLessThan(schedules);
    },
  );

  test.each([takeMirror, minimalPatch, xenMinimalPatch, xchg, kvmSpinlock])(
    '$name, three senders, random schedules',
    (protocol) => {
      fc.assert(
        fc.property(fc.array(fc.nat(11), { maxLength: 40 }), (schedule) => {
          expect(runSchedule(mailScenario(protocol, 3, 4), schedule).wrong).toBeUndefined();
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe('the interleaving that loses an IPI, step by step', () => {
  const bits = ({ words }: MailState) => [
    (Atomics.load(words, IRQS_PENDING) & SOFT) !== 0 ? 1 : 0,
    (Atomics.load(words, IRQS_PENDING_MASK) & SOFT) !== 0 ? 1 : 0,
  ];

  test('published: sync clears the pending bit between the two writes of a sender', () => {
    const scenario = mailScenario(published, 1, 1);
    const { state } = scenario;
    const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
    const rows = [
      ['start: one IPI was delivered, the guest cleared it', () => undefined, [1, 0]],
      ['sender writes its mail', () => sender.step(), [1, 0]],
      ['sender: set_bit(pending), which was 1', () => sender.step(), [1, 0]],
      ['vCPU exits; sync: test_and_set_bit(mask) returns 0', () => vcpu.step(), [1, 1]],
      ['sender: set_bit(mask), which was 1', () => sender.step(), [1, 1]],
      ['sync: clear_bit(pending) erases what the sender wrote', () => vcpu.step(), [0, 1]],
      ['flush: READ_ONCE(mask)', () => vcpu.step(), [0, 1]],
      ['flush: xchg(mask, 0)', () => vcpu.step(), [0, 0]],
      ['flush: READ_ONCE(pending) is 0', () => vcpu.step(), [0, 0]],
    ] as const;
    for (const [name, act, expected] of rows) {
      act();
      expect([name, ...bits(state)]).toEqual([name, ...expected]);
    }
    expect(sender.done && vcpu.done).toBe(true);
    expect(state.hvip & SOFT).toBe(0);
    expect(published.has(state.words, state.local, SOFT, 0)).toBe(false);
    expect(scenario.check()).toBe('lost');
  });

  test('xen: the same, and the sender that finds both bits set does not even kick', () => {
    const scenario = mailScenario(xen, 1, 1);
    const { state, kicks } = scenario;
    const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
    const rows = [
      ['sender writes its mail', () => sender.step(), [1, 0]],
      ['sender: test_and_set_bit(pending) returns 1', () => sender.step(), [1, 0]],
      ['vCPU exits; sync: test_and_set_bit(mask) returns 0', () => vcpu.step(), [1, 1]],
      ['sender: test_and_set_bit(mask) returns 1', () => sender.step(), [1, 1]],
      ['sync: clear_bit(pending) erases what the sender wrote', () => vcpu.step(), [0, 1]],
      ['flush: ACCESS_ONCE(mask)', () => vcpu.step(), [0, 1]],
      ['flush: xchg(mask, 0)', () => vcpu.step(), [0, 0]],
      ['flush: ACCESS_ONCE(pending) is 0', () => vcpu.step(), [0, 0]],
    ] as const;
    for (const [name, act, expected] of rows) {
      act();
      expect([name, ...bits(state)]).toEqual([name, ...expected]);
    }
    expect(sender.done && vcpu.done).toBe(true);
    expect(kicks).toEqual([false]);
    expect(state.hvip & SOFT).toBe(0);
    expect(scenario.check()).toBe('lost');
  });

  test('direct: the save of HVIP overwrites what the sender wrote', () => {
    const scenario = mailScenario(direct, 1, 1);
    const { state } = scenario;
    const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
    const hvip = () => Atomics.load(state.words, IRQS_PENDING);
    const rows = [
      ['start: the guest cleared its interrupt, memory still has it', () => undefined, SOFT],
      ['sender writes its mail', () => sender.step(), SOFT],
      ['sender: v->hvip |= VSSIP', () => sender.step(), SOFT],
      ['vCPU exits: v->hvip = csr_read(HVIP)', () => vcpu.step(), 0],
      ['vCPU enters: csr_write(HVIP, v->hvip)', () => vcpu.step(), 0],
    ] as const;
    for (const [name, act, expected] of rows) {
      act();
      expect([name, hvip()]).toEqual([name, expected]);
    }
    expect(sender.done && vcpu.done).toBe(true);
    expect(scenario.check()).toBe('lost');
  });

  test.each([minimalPatch, xenMinimalPatch])(
    '$name: the order of events that loses it in the original delivers it',
    (protocol) => {
      const scenario = mailScenario(protocol, 1, 1);
      const { state } = scenario;
      const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
      sender.step();
      sender.step();
      expect(bits(state)).toEqual([1, 0]);
      // The whole round: sync has no access to suspend at, and the flush finds no mask bit.
      vcpu.finish();
      expect(state.hvip & SOFT).toBe(0);
      expect(protocol.has(state.words, state.local, SOFT, 0)).toBe(false);
      sender.finish();
      expect(bits(state)).toEqual([1, 1]);
      expect(protocol.has(state.words, state.local, SOFT, 0)).toBe(true);
      expect(scenario.kicks).toEqual([true]);
      expect(scenario.check()).toBeUndefined();
    },
  );

  test('kvm-spinlock: sync waits while the sender is between its writes', () => {
    const scenario = mailScenario(kvmSpinlock, 1, 1);
    const { state } = scenario;
    const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
    // Mail, lock, and the two accesses of __set_bit(pending).
    for (let access = 0; access < 4; access++) {
      sender.step();
    }
    expect(bits(state)).toEqual([1, 0]);
    expect(vcpu.spins).toBe(true);
    vcpu.step();
    expect(bits(state)).toEqual([1, 0]);
    sender.finish();
    expect(vcpu.spins).toBe(false);
    vcpu.finish();
    expect(scenario.check()).toBeUndefined();
    expect(state.words.every((word, index) => index !== IRQS_PENDING_LOCK || word === 0)).toBe(true);
  });

  test('take-mirror: the same order of events delivers it', () => {
    const scenario = mailScenario(takeMirror, 1, 1);
    const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
    sender.step();
    sender.step();
    expect(sender.done).toBe(true);
    expect(Atomics.load(scenario.state.words, IRQS_PENDING)).toBe(SOFT);
    while (!vcpu.done) {
      vcpu.step();
    }
    expect(scenario.state.local.hvipLo & SOFT).toBe(SOFT);
    expect(scenario.check()).toBeUndefined();
  });

  test('scenario 25: a sender that stops half-way for 1000 rounds and then goes on', () => {
    const lost = (protocol: Protocol, accesses: number) => {
      const scenario = mailScenario(protocol, 1, 1000);
      const [vcpu, sender] = scenario.threads.map((body) => new Stepper(body));
      for (let done = 0; done < accesses; done++) {
        sender.step();
      }
      // Once each run, so that a thousand rounds do not replay each other.
      scenario.threads[0]();
      expect(vcpu.done).toBe(false);
      while (!sender.done) {
        sender.step();
      }
      return scenario.check();
    };
    expect(lost(takeMirror, 0)).toBeUndefined();
    expect(lost(takeMirror, 1)).toBeUndefined();
    expect(lost(takeMirror, 2)).toBeUndefined();
    expect(lost(published, 2)).toBe('lost');
  });
});

test('of two senders that find a vCPU asleep exactly one wakes it', () => {
  const { wrong } = explore(() => {
    const words = createVcpuWords();
    const wakes = new Int32Array(1);
    const wake = () => {
      Atomics.add(wakes, 0, 1);
    };
    Atomics.store(words, RUN_STATE, RunState.BLOCKED);
    const sender = (irq: number) => () => {
      new VcpuInterrupts({ words, wake }).setInterrupt(irq);
    };
    return {
      threads: [sender(IRQ_VS_SOFT), sender(IRQ_VS_EXT)],
      check: () => (wakes[0] === 1 ? undefined : `${wakes[0]} wakes`),
    };
  });
  expect(wrong).toEqual([]);
});

test('a request that meets an entry is found by it, or forces the exit', () => {
  const { wrong } = explore(() => {
    const words = createVcpuWords();
    Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
    let entered = false;
    return {
      threads: [
        () => {
          entered = enterGuest(words);
        },
        () => makeRequest(words, 1),
      ],
      check: () =>
        takeRequests(words) === 1 && (exitRequested(words) || !entered)
          ? undefined
          : 'the guest runs on without it',
    };
  });
  expect(wrong).toEqual([]);
});

test('scenario 30: what producers set on random bits in random schedules arrives, in both words', () => {
  const irqs = [2, 6, 10, 13, 31, 32, 40, 63];
  const numbers = interruptNumbers({ lcofi: true, edges: [32], levels: [31, 40, 63] });
  const program = fc.array(fc.constantFrom(...irqs), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(program, { maxLength: 3 }),
      fc.array(fc.nat(5), { maxLength: 40 }),
      (programs, schedule) => {
        const words = createVcpuWords();
        let end = createOwnerState(numbers);
        const run = runSchedule(
          {
            threads: [
              () => {
                end = createOwnerState(numbers);
                for (let round = 0; round < 3; round++) {
                  takeMirror.sync(words, end, end.hvipLo, end.hvipHi);
                  takeMirror.flush(words, end);
                }
              },
              ...programs.map((sets) => () => {
                for (const irq of sets) {
                  takeMirror.set(words, irq);
                }
              }),
            ],
            check: () => {
              takeMirror.sync(words, end, end.hvipLo, end.hvipHi);
              takeMirror.flush(words, end);
              const missing = programs
                .flat()
                .filter((irq) => (((irq < 32 ? end.hvipLo : end.hvipHi) >>> (irq & 31)) & 1) === 0);
              return missing.length > 0 ? `${missing}` : undefined;
            },
          },
          schedule,
        );
        expect(run.wrong).toBeUndefined();
      },
    ),
    { numRuns: 300 },
  );
});
