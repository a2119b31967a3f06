import { underStandIn } from './atomics.ts';
import type { Operation } from './operations.ts';
import type { SpecEvent } from './spec-event.ts';
import type { StepOutcome, StepRunner } from './step-runner.ts';
import type { Thread } from './thread.ts';

/** A place in the explored sources, innermost call first. */
export interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Where an access is, read when somebody asks: to write a stack down takes longer than a step of a search. */
export class Place {
  readonly #witness = new Error();
  #frames: readonly Frame[] | undefined;

  get frames(): readonly Frame[] {
    this.#frames ??= callFrames(this.#witness);
    return this.#frames;
  }
}

/** How many steps without an access a thread may make in a row. */
const LONGEST_SILENCE = 1000;

/** Runs the code of one thread from access to access: what each returns is up to the caller. */
export class ThreadRunner {
  readonly thread: Thread;
  /** The JSON state in which the current step began, undefined when the thread has ended. */
  state: string | undefined;
  /** Results of the accesses of the current step so far. */
  results: readonly number[] = [];
  /** Events that an earlier step left to happen with this step's first access. */
  carried: readonly SpecEvent[] = [];
  /** Notes of the thread since its last access. */
  notes: readonly string[] = [];
  /** Where the pending access is. */
  place: Place | undefined;
  #outcome: StepOutcome;
  readonly #step: StepRunner;

  constructor(step: StepRunner, thread: Thread) {
    this.thread = thread;
    this.#step = step;
    this.state = JSON.stringify(thread.initial);
    this.#outcome = underStandIn(() => step.run(thread, JSON.stringify(thread.initial), [], []));
    this.#goOn();
  }

  /** The operation that the thread is about to do. */
  get pending(): Operation | undefined {
    return this.#outcome.operation;
  }

  get failure(): StepOutcome['failure'] {
    return this.#outcome.failure;
  }

  /** Events that happen together with the pending operation. */
  get before(): readonly SpecEvent[] {
    return this.#outcome.before;
  }

  /** Goes on to the next access. Returns the events that belong to the one before. */
  advance(result: number): SpecEvent[] {
    const earlier = this.#outcome.before;
    this.results = [...this.results, result];
    this.notes = [];
    return [...earlier, ...this.#goOn()];
  }

  #goOn(): SpecEvent[] {
    return underStandIn(() => {
      const events: SpecEvent[] = [];
      for (let silent = 0; this.state !== undefined && silent < LONGEST_SILENCE; silent++) {
        this.place = undefined;
        const witness = () => {
          this.place = new Place();
        };
        const outcome = this.#step.run(this.thread, this.state, this.results, this.carried, witness);
        this.#outcome = outcome;
        this.notes = [...this.notes, ...outcome.notes];
        events.push(...outcome.after);
        if (outcome.operation !== undefined) return events;
        this.carried = outcome.before;
        this.results = [];
        if (outcome.next === null) events.push(...this.carried);
        this.state = outcome.next ?? undefined;
      }
      return events;
    });
  }
}

/** Reads the explored code's part of the call stack. */
function callFrames(witness: Error): Frame[] {
  const lines = (witness.stack ?? '').split('\n').slice(1);
  const frames = lines.flatMap((line) => {
    const match = /at (?:(?:async )?(\S+)(?: \[as \S+\])? \()?(.*?):(\d+):\d+\)?$/.exec(line.trim());
    if (match === null) return [];
    // A page has the sources as modules of the same lines, with another ending.
    const file = match[2]
      .replace(/^.*\//, '')
      .replace(/\?.*$/, '')
      .replace(/\.ts\.js$/, '.ts');
    return [{ name: (match[1] ?? '').replace(/^.*\./, ''), file, line: Number(match[3]), path: match[2] }];
  });
  const inside = frames.findIndex(
    ({ path }) => !/\/verify\/(thread-runner|step-runner|atomics)\.ts/.test(path),
  );
  return frames.slice(Math.max(0, inside)).map(({ name, file, line }) => ({ name, file, line }));
}
