import type { Monitor } from './monitor.ts';
import type { SpecEvent, SpecViolation } from './spec-event.ts';

/** In the place of a state: the specification objects. */
export const OBJECTION = -2;

/** The specification's automaton as a table: what a list of events leads to is worked out once for each state. */
export class SpecTable {
  readonly #monitor: Monitor;
  readonly #lists: readonly (readonly SpecEvent[])[];
  /** By list and state: 0 not worked out, otherwise one more than the next state. */
  readonly #rows: Int32Array[] = [];

  /** @param lists the lists of events by their numbers; it may grow. */
  constructor(monitor: Monitor, lists: readonly (readonly SpecEvent[])[]) {
    this.#monitor = monitor;
    this.#lists = lists;
  }

  get initial(): number {
    return this.#monitor.initial;
  }

  /** The state after a list of events, or {@link OBJECTION}. */
  next(list: number, from: number): number {
    this.#rows[list] ??= new Int32Array(0);
    const row = this.#rows[list];
    const known = from < row.length ? row[from] - 1 : -1;
    return known === -1 ? this.#compute(list, from) : known;
  }

  /** The objection to a list of events for which {@link next} says that there is one. */
  objection(list: number, from: number): SpecViolation | undefined {
    let at = from;
    for (const event of this.#lists[list]) {
      const next = this.#monitor.next(at, event);
      if (typeof next !== 'number') return next;
      at = next;
    }
    return undefined;
  }

  #compute(list: number, from: number): number {
    let to = from;
    for (const event of this.#lists[list]) {
      const next = this.#monitor.next(to, event);
      to = typeof next === 'number' ? next : OBJECTION;
      if (to === OBJECTION) break;
    }
    if (from >= this.#rows[list].length) {
      const longer = new Int32Array(Math.max(64, from * 2));
      longer.set(this.#rows[list]);
      this.#rows[list] = longer;
    }
    this.#rows[list][from] = to + 1;
    return to;
  }
}
