/**
 * Races, one atomic access at a time. Threads are plain functions; a stand-in for `Atomics` suspends one by throwing at
 * its next access, and resumes it by running it again with the results recorded so far. So the shipped source is
 * what runs, and every interleaving of a small scenario can be tried.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IRQ_VS_EXT, IRQ_VS_SOFT, interruptNumbers } from './numbers.ts';
import type { Protocol } from './protocol.ts';
import { createOwnerState } from './protocol.ts';
import { PROTOCOLS } from './protocols.ts';
import { published } from './published.ts';
import {
  dispatchVcpu,
  enterGuest,
  exitRequested,
  makeRequest,
  startVcpu,
  takeRequests,
} from './run-state.ts';
import { takeMirror } from './take-mirror.ts';
import { VcpuInterrupts } from './vcpu-interrupts.ts';
import type { VcpuWords } from './words.ts';
import { createVcpuWords, IRQS_PENDING, IRQS_PENDING_MASK, RUN_STATE, RunState } from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const EXT = 1 << IRQ_VS_EXT;

const OPERATIONS = 'load store or and exchange compareExchange add sub notify'.split(
  ' ',
) as readonly Operation[];
type Operation = 'load' | 'store' | 'or' | 'and' | 'exchange' | 'compareExchange' | 'add' | 'sub' | 'notify';

const SUSPENDED = Symbol('suspended at an atomic access');

/** Runs `body` while every `Atomics` operation goes through `intercept`. */
function withAtomics<T>(
  intercept: (operation: Operation, args: unknown[], perform: () => unknown) => unknown,
  body: () => T,
): T {
  const real = globalThis.Atomics;
  const fake = Object.fromEntries(
    OPERATIONS.map((operation) => [
      operation,
      (...args: unknown[]) => intercept(operation, args, () => Reflect.apply(real[operation], real, args)),
    ]),
  );
  Reflect.set(globalThis, 'Atomics', fake);
  try {
    return body();
  } finally {
    Reflect.set(globalThis, 'Atomics', real);
  }
}

/** A thread that advances by one atomic access at a time. Its body keeps no state outside itself between two runs. */
class Stepper {
  readonly #body: () => void;
  readonly #history: { access: string; result: unknown }[] = [];
  done = false;

  constructor(body: () => void) {
    this.#body = body;
    this.#run(0);
  }

  step(): void {
    this.#run(1);
  }

  #run(budget: number): void {
    let replayed = 0;
    let left = budget;
    try {
      withAtomics((operation, args, perform) => {
        const access = `${operation} ${args.slice(1).join(' ')}`;
        const recorded = this.#history[replayed];
        if (recorded !== undefined) {
          if (access !== recorded.access) {
            throw new Error(`not deterministic: ${access} where an earlier run had ${recorded.access}`);
          }
          replayed++;
          return recorded.result;
        }
        if (left === 0) {
          throw SUSPENDED;
        }
        left--;
        const result = perform();
        this.#history.push({ access, result });
        replayed++;
        return result;
      }, this.#body);
      this.done = true;
    } catch (error) {
      if (error !== SUSPENDED) {
        throw error;
      }
    }
  }
}

interface Scenario {
  readonly threads: readonly (() => void)[];
  /** Runs when all threads are done. Returns what is wrong, or nothing. */
  check(): string | undefined;
}

/** Runs one schedule; a choice counts modulo the threads that can still move, and the last ones are run to the end. */
function runSchedule(scenario: Scenario, schedule: readonly number[]): { widths: number[]; wrong?: string } {
  const threads = scenario.threads.map((body) => new Stepper(body));
  const widths: number[] = [];
  for (let at = 0; ; at++) {
    const ready = threads.filter((thread) => !thread.done);
    if (ready.length === 0) {
      break;
    }
    widths.push(ready.length);
    ready[(schedule[at] ?? 0) % ready.length].step();
  }
  const wrong = scenario.check();
  return wrong === undefined ? { widths } : { widths, wrong };
}

/** Tries every interleaving, in lexical order of the choices. Returns how many there are and how many go wrong. */
function explore(make: () => Scenario): { schedules: number; wrong: string[] } {
  const schedule: number[] = [];
  const wrong: string[] = [];
  for (let schedules = 1; ; schedules++) {
    const run = runSchedule(make(), schedule);
    if (run.wrong !== undefined) {
      wrong.push(run.wrong);
    }
    schedule.push(...Array.from({ length: run.widths.length - schedule.length }, () => 0));
    while (schedule.length > 0 && schedule[schedule.length - 1] + 1 >= run.widths[schedule.length - 1]) {
      schedule.pop();
    }
    if (schedule.length === 0) {
      return { schedules, wrong };
    }
    schedule[schedule.length - 1]++;
  }
}

/**
 * A vCPU whose guest answers each software interrupt by clearing it and reading its mail, and senders that write mail
 * and then send the interrupt. It starts as after one normal round: an interrupt was delivered, cleared and answered.
 */
function mailScenario(protocol: Protocol, senders: number, rounds: number): Scenario & { state: MailState } {
  const words = createVcpuWords();
  const mail = new Int32Array(new SharedArrayBuffer(4 * senders));
  const start = createOwnerState(interruptNumbers());
  protocol.set(words, IRQ_VS_SOFT);
  protocol.flush(words, start);
  const state: MailState = { words, mail, local: start, hvip: 0 };

  const round = ({ local, hvip }: Pick<MailState, 'local' | 'hvip'>) => {
    protocol.sync(words, local, hvip, 0);
    protocol.flush(words, local);
    if ((local.hvipLo & SOFT) === 0) {
      return { local, hvip: local.hvipLo };
    }
    for (let sender = 0; sender < senders; sender++) {
      Atomics.store(mail, sender, 0);
    }
    return { local, hvip: local.hvipLo & ~SOFT };
  };
  const run = (from: Pick<MailState, 'local' | 'hvip'>, count: number) => {
    let at = { local: { ...from.local }, hvip: from.hvip };
    for (let left = count; left > 0; left--) {
      at = round(at);
    }
    return at;
  };
  const vcpu = () => {
    const end = run({ local: start, hvip: 0 }, rounds);
    state.local = end.local;
    state.hvip = end.hvip;
  };
  const sender = (index: number) => () => {
    Atomics.store(mail, index, 1);
    protocol.set(words, IRQ_VS_SOFT);
  };
  return {
    state,
    threads: [vcpu, ...Array.from({ length: senders }, (_, index) => sender(index))],
    check: () => {
      run(state, 3);
      return mail.some((unread) => unread !== 0) ? 'lost' : undefined;
    },
  };
}

interface MailState {
  readonly words: VcpuWords;
  readonly mail: Int32Array;
  local: ReturnType<typeof createOwnerState>;
  hvip: number;
}

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

  test('published, one sender, one round: some interleavings lose it', () => {
    const { schedules, wrong } = explore(() => mailScenario(published, 1, 1));
    expect(wrong).toContain('lost');
    expect(wrong.length).toBeLessThan(schedules);
  });

  test('take-mirror, three senders, random schedules', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(11), { maxLength: 40 }), (schedule) => {
        expect(runSchedule(mailScenario(takeMirror, 3, 4), schedule).wrong).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
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

describe.each(PROTOCOLS)('$name', (protocol) => {
  test('scenario 27: set and unset of a level from two producers leave what was written last', () => {
    const { schedules, wrong } = explore(() => {
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
    const { schedules, wrong } = explore(() => {
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
