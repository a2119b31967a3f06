import { type AtomicsTarget, currentFunction, type WaitAnswer, withAtomics } from './atomics.ts';
import { HarnessFault } from './fault.ts';
import { Kind, type Operation, WaitResult } from './operations.ts';
import type { PropertyId } from './property.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { SpecEvent } from './spec-event.ts';
import type { Env, LocalState, Thread } from './thread.ts';

/** Where a run of a step with recorded results arrives. */
export interface StepOutcome {
  /** The operation that the thread is about to do, or undefined when the step is over. */
  readonly operation: Operation | undefined;
  /** After a step that is over: the next state, as JSON; null when the thread has ended. */
  readonly next: string | null;
  /** For `Kind.FAIL`. */
  readonly failure: { readonly property: PropertyId; readonly message: string } | undefined;
  /** Events that happen together with the last recorded operation. */
  readonly after: readonly SpecEvent[];
  /** Events that happen together with the pending operation. */
  readonly before: readonly SpecEvent[];
  /** Notes since the last recorded operation. */
  readonly notes: readonly string[];
}

/** Thrown to leave explored code at an access whose result is not known yet. */
const SUSPENDED: unique symbol = Symbol('suspended');
/** Thrown to leave explored code for good. */
const FAILED: unique symbol = Symbol('failed');

/** Called in the explored code's context at the first access without a recorded result; sees its call stack. */
export type Witness = (operation: Operation) => void;

/**
 * Runs one step of a thread up to its first access without a recorded result. A function is suspended by throwing and
 * resumed by running it again with one result more.
 */
export class StepRunner implements AtomicsTarget, Env {
  readonly #memory: SharedMemory;
  #results: readonly number[] = [];
  #at = 0;
  #pending: Operation | undefined;
  #failure: { property: PropertyId; message: string } | undefined;
  #fault: HarnessFault | undefined;
  #after: SpecEvent[] = [];
  #before: SpecEvent[] = [];
  #notes: string[] = [];
  #witness: Witness | undefined;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /**
   * @param carried events that an earlier step left to happen with this step's first access.
   */
  run(
    thread: Thread,
    state: string,
    results: readonly number[],
    carried: readonly SpecEvent[],
    witness?: Witness,
  ): StepOutcome {
    this.#results = results;
    this.#at = 0;
    this.#pending = undefined;
    this.#failure = undefined;
    this.#fault = undefined;
    this.#after = [];
    this.#before = [...carried];
    this.#notes = [];
    this.#witness = witness;
    const next = this.#execute(thread, JSON.parse(state) as LocalState);
    this.#checkFaults(thread);
    const operation =
      this.#failure === undefined ? this.#pending : { kind: Kind.FAIL, address: -1, a: 0, b: 0 };
    return {
      operation,
      next,
      failure: this.#failure,
      after: this.#after,
      before: this.#before,
      notes: this.#notes,
    };
  }

  access(kind: Kind, array: unknown, index: number, a: number, b: number): number {
    try {
      const address = this.#memory.addressOf(array, index);
      this.#memory.checkAccess(kind, address);
      // Nobody can sleep on a word that nobody reads.
      if (kind === Kind.NOTIFY && this.#memory.words[address].unread) return 0;
      const within = currentFunction();
      return this.#pause(within === undefined ? { kind, address, a, b } : { kind, address, a, b, within });
    } catch (error) {
      if (error instanceof HarnessFault) this.#fault ??= error;
      throw error;
    }
  }

  wait(array: unknown, index: number, value: number, hasLimit: boolean): WaitAnswer {
    const limit = hasLimit ? 1 : 0;
    if (this.access(Kind.WAIT, array, index, value, limit) === WaitResult.DIFFERENT) return 'not-equal';
    const woken = this.access(Kind.ASLEEP, array, index, value, limit) === WaitResult.WOKEN;
    return woken ? 'ok' : 'timed-out';
  }

  notify(array: unknown, index: number, count: number): number {
    return this.access(Kind.NOTIFY, array, index, count, 0);
  }

  choose(count: number): number {
    return count === 1 ? 0 : this.#pause({ kind: Kind.CHOOSE, address: -1, a: count, b: 0 });
  }

  awaitWord(
    words: Int32Array<ArrayBufferLike>,
    index: number,
    relation: 'equal' | 'different',
    value: number,
  ): number {
    const kind = relation === 'equal' ? Kind.AWAIT_EQUAL : Kind.AWAIT_DIFFERENT;
    return this.access(kind, words, index, value, 0);
  }

  before(event: SpecEvent): void {
    this.#before.push(event);
  }

  after(event: SpecEvent): void {
    // With nothing accessed since an event that waits for the next access, this one waits behind it.
    (this.#before.length > 0 ? this.#before : this.#after).push(event);
  }

  fail(property: PropertyId, message: string): never {
    this.#failure ??= { property, message };
    throw FAILED;
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  #execute(thread: Thread, state: LocalState): string | null {
    try {
      const next = withAtomics(this, () => thread.step(state, this));
      if (this.#pending !== undefined || this.#failure !== undefined) this.#swallowed(thread);
      return next === null ? null : JSON.stringify(next);
    } catch (error) {
      if (error === SUSPENDED || error === FAILED) return null;
      if (this.#pending !== undefined) this.#swallowed(thread);
      if (error instanceof HarnessFault) throw error;
      const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#failure = { property: 'P7', message: `${thread.name} throws ${message}` };
      return null;
    }
  }

  #pause(operation: Operation): number {
    if (this.#pending !== undefined) {
      this.#fault ??= new HarnessFault('swallowed-suspension', swallowText());
      throw SUSPENDED;
    }
    if (this.#at < this.#results.length) {
      this.#after = [];
      this.#before = [];
      this.#notes = [];
      return this.#results[this.#at++];
    }
    this.#pending = operation;
    this.#witness?.(operation);
    throw SUSPENDED;
  }

  #swallowed(thread: Thread): void {
    this.#fault ??= new HarnessFault('swallowed-suspension', `${thread.name}: ${swallowText()}`);
  }

  #checkFaults(thread: Thread): void {
    const plain = this.#memory.takePlainAccess();
    if (plain !== undefined) throw new HarnessFault('plain-access', `${thread.name}: ${plain}`);
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#pending === undefined && this.#at < this.#results.length) {
      throw new HarnessFault(
        'non-determinism',
        `${thread.name} made ${this.#at} accesses in a run that had ${this.#results.length} before`,
      );
    }
  }
}

function swallowText(): string {
  return 'The explored code catches every exception, and with them the one that suspends it: catch only what you know, and rethrow the rest';
}

/** Whether two outcomes of the same run are the same. */
export function sameOutcome(one: StepOutcome, other: StepOutcome): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** For messages: an outcome in words. */
export function describeOutcome(outcome: StepOutcome, memory: SharedMemory): string {
  const { operation, next } = outcome;
  if (operation === undefined) return next === null ? 'the thread ends' : `the next state ${next}`;
  const word = operation.address < 0 ? '' : ` of ${memory.words[operation.address].name}`;
  return `operation ${operation.kind}${word} with ${operation.a}, ${operation.b}`;
}
