/**
 * Threads that advance one atomic access at a time. Threads are plain functions; a stand-in for `Atomics` suspends one
 * by throwing at its next access, and resumes it by running it again with the results recorded so far. So the shipped
 * source is what runs, and every interleaving of a small scenario can be tried.
 */
import { IRQS_PENDING_LOCK } from '../../src/interrupts/words.ts';

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
export class Stepper {
  readonly #body: () => void;
  readonly #history: { access: string; result: unknown }[] = [];
  /** The words whose spinlock the next access tries to take. */
  #wanted: Int32Array | undefined;
  done = false;

  constructor(body: () => void) {
    this.#body = body;
    this.#run(0);
  }

  /** Runs the next access. A thread that spins on a lock stays where it is: a failed attempt leaves no trace. */
  step(): void {
    if (!this.spins) {
      this.#run(1);
    }
  }

  /** Whether another thread has the spinlock that this one waits for, so that it cannot get any further now. */
  get spins(): boolean {
    return this.#wanted !== undefined && Atomics.load(this.#wanted, IRQS_PENDING_LOCK) !== 0;
  }

  /** Runs to the end without being suspended again. */
  finish(): void {
    while (!this.done) {
      if (this.spins) {
        throw new Error('spins on a lock that nobody gives back');
      }
      this.step();
    }
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
          const takesLock = operation === 'compareExchange' && args[1] === IRQS_PENDING_LOCK;
          this.#wanted = takesLock ? (args[0] as Int32Array) : undefined;
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

export interface Scenario {
  readonly threads: readonly (() => void)[];
  /** Runs when all threads are done. Returns what is wrong, or nothing. */
  check(): string | undefined;
}

/** Runs one schedule; a choice counts modulo the threads that can still move, and the last ones are run to the end. */
export function runSchedule(
  scenario: Scenario,
  schedule: readonly number[],
): { widths: number[]; wrong?: string } {
  const threads = scenario.threads.map((body) => new Stepper(body));
  const widths: number[] = [];
  for (let at = 0; ; at++) {
    const ready = threads.filter((thread) => !thread.done && !thread.spins);
    if (ready.length === 0) {
      if (threads.some((thread) => !thread.done)) {
        return { widths, wrong: 'deadlock' };
      }
      break;
    }
    widths.push(ready.length);
    ready[(schedule[at] ?? 0) % ready.length].step();
  }
  const wrong = scenario.check();
  return wrong === undefined ? { widths } : { widths, wrong };
}

/** Tries every interleaving, in lexical order of the choices. Returns how many there are and how many go wrong. */
export function explore(make: () => Scenario): { schedules: number; wrong: string[] } {
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
