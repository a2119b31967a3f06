import type { PropertyId } from './property.ts';
import type { SpecEvent } from './spec-event.ts';

export type { PropertyId } from './property.ts';

/** The memory of a thread between two steps: plain data that survives JSON. */
export type LocalState = object;

/** The checker, as a thread's step can ask it, beside `Atomics` on the scenario's words. */
export interface Env {
  /** Branches: every number from 0 to `count - 1` is tried. */
  choose(count: number): number;
  /** Waits until the word has, or has not, this value. Returns the word. */
  awaitWord(
    words: Int32Array<ArrayBufferLike>,
    index: number,
    relation: 'equal' | 'different',
    value: number,
  ): number;
  /**
   * Tells the specification that a call begins, or what else it shall know before the thread's next access; the event
   * happens together with that access, which is the latest moment possible.
   */
  before(event: SpecEvent): void;
  /** Tells the specification that a call has ended; the event happens together with the thread's last access. */
  after(event: SpecEvent): void;
  /** Ends the exploration with a violation. */
  fail(property: PropertyId, message: string): never;
  /** A line for the report: what the thread does beside its accesses. */
  note(text: string): void;
}

/**
 * One thread of a scenario: an unbounded loop of steps. A step is a synchronous, deterministic function that changes
 * shared words through `Atomics` only and keeps nothing between two steps but the state that it returns.
 */
export interface Thread {
  /** Unique; its first letter stands for the thread in schedules unless another thread has it too. */
  readonly name: string;
  readonly initial: LocalState;
  /** @returns the state for the next step, or null when the thread has ended. */
  step(state: LocalState, env: Env): LocalState | null;
}
