/**
 * RVWMO as a predicate on candidate executions, for programs of a few instructions: every run of every hart, every
 * choice of the store that a load reads from and every order of the stores to a location is tried, and kept when
 * preserved program order, the load value axiom and the atomicity axiom allow it (RISC-V unprivileged manual, "RVWMO";
 * the form with two acyclic relations of its appendix "Formal Memory Model Specifications").
 *
 * Initial values are written by nobody: they come before every store of their location.
 */
import { InputError } from '../../errors/input-error.ts';
import { type HartRun, type MemoryEvent, runsOfHart } from './hart-runs.ts';
import { fixedOrder, orderThroughForwarding, sameLocation, sameLocationLoads } from './ppo.ts';
import type { Program } from './program.ts';
import { isAcyclic, permutationsWithin } from './relations.ts';

/** A final state: registers of each hart, and the locations. */
export interface FinalState {
  readonly registers: readonly Int32Array[];
  readonly memory: readonly number[];
}

/** Why an enumeration is not complete. */
export interface Completeness {
  /** Loops were cut. */
  readonly cut: boolean;
  /** Runs that used an address outside of the program's locations were dropped. */
  readonly wild: boolean;
}

/** More memory operations than this in all do not fit the masks. */
const MOST_OPERATIONS = 31;

/**
 * Calls `found` with each final state that RVWMO allows, possibly more than once. Executions for which
 * `isInteresting` says no are not looked at; it is asked with the registers known and the memory not.
 *
 * @throws InputError for executions with more than 31 memory operations.
 */
export function enumerateExecutions(
  program: Program,
  found: (state: FinalState) => void,
  isInteresting: (registers: readonly Int32Array[]) => boolean = () => true,
): Completeness {
  const { runs, cut, wild } = allRuns(program);
  const chosen: HartRun[] = [];
  const choose = (hart: number): void => {
    if (hart < runs.length) {
      for (const run of runs[hart]) {
        chosen[hart] = run;
        choose(hart + 1);
      }
      return;
    }
    const registers = chosen.map((run) => run.registers);
    if (isInteresting(registers)) new Candidate(program, chosen).enumerate(found);
  };
  choose(0);
  return { cut, wild };
}

/** The runs of each hart over the values that any store of any run can leave in a location. */
export function allRuns(program: Program): { runs: HartRun[][] } & Completeness {
  const values = program.memory.map((value) => new Set([value]));
  const stores = program.harts.flat().filter((one) => one.kind !== 'load' && 'width' in one).length;
  for (let round = 0; ; round++) {
    const all = program.harts.map((_, hart) => runsOfHart(program, hart, values));
    const before = values.reduce((sum, set) => sum + set.size, 0);
    for (const event of all.flatMap((one) => one.runs.flatMap((run) => run.events))) {
      if (event.writes) values[event.location].add(event.written);
    }
    const after = values.reduce((sum, set) => sum + set.size, 0);
    // A value cannot pass through more stores than there are, except in loops, which are cut anyway.
    if (after === before || round > stores + 1) {
      const cut = all.some((one) => one.cut) || after !== before;
      return { runs: all.map((one) => [...one.runs]), cut, wild: all.some((one) => one.wild) };
    }
  }
}

/** One choice of a run for each hart. Operations of all harts are numbered through. */
class Candidate {
  readonly #program: Program;
  readonly #runs: readonly HartRun[];
  readonly #events: MemoryEvent[] = [];
  /** The hart of each operation. */
  readonly #harts: number[] = [];
  /** The number of the first operation of each operation's hart. */
  readonly #bases: number[] = [];
  readonly #loads: number[] = [];
  readonly #poloc: number[] = [];
  readonly #ppo: number[] = [];
  /** For each load, where it can read from; -1 is the initial value. */
  readonly #sources: number[][] = [];
  /** Position of each store in the order of its location, from 0 on. */
  readonly #position: number[] = [];
  readonly #readsFrom: number[] = [];
  #found: (state: FinalState) => void = () => {};
  #orders: readonly (readonly number[])[] = [];
  #done = false;

  constructor(program: Program, runs: readonly HartRun[]) {
    this.#program = program;
    this.#runs = runs;
    for (const [hart, run] of runs.entries()) {
      const base = this.#events.length;
      const fixed = fixedOrder(run.events);
      for (const [index, event] of run.events.entries()) {
        this.#events.push(event);
        this.#harts.push(hart);
        this.#bases.push(base);
        this.#poloc.push(sameLocation(run.events, index) << base);
        this.#ppo.push(fixed[index] << base);
      }
    }
    if (this.#events.length > MOST_OPERATIONS) {
      throw new InputError(
        `an execution has ${this.#events.length} memory operations, and the model takes at most ${MOST_OPERATIONS}`,
      );
    }
  }

  enumerate(found: (state: FinalState) => void): void {
    this.#found = found;
    for (const [index, event] of this.#events.entries()) {
      if (!event.reads) continue;
      this.#loads.push(index);
      this.#sources[index] = this.#sourcesOf(index, event);
      if (this.#sources[index].length === 0) return;
    }
    this.#orderStores(0, []);
  }

  #sourcesOf(load: number, event: MemoryEvent): number[] {
    const sources: number[] = [];
    if (this.#program.memory[event.location] === event.read) sources.push(-1);
    for (const [index, other] of this.#events.entries()) {
      const isLater = this.#harts[index] === this.#harts[load] && index >= load;
      if (other.writes && other.location === event.location && other.written === event.read && !isLater) {
        sources.push(index);
      }
    }
    return sources;
  }

  #orderStores(location: number, orders: readonly (readonly number[])[]): void {
    if (location === this.#program.memory.length) {
      this.#orders = orders;
      // One execution is enough for a final state, and the order of the stores and the runs decide it.
      this.#done = false;
      this.#chooseSource(0);
      return;
    }
    const stores: number[] = [];
    for (const [index, event] of this.#events.entries()) {
      if (event.writes && event.location === location) stores.push(index);
    }
    for (const order of permutationsWithin(stores, (index) => this.#poloc[index])) {
      for (const [position, index] of order.entries()) this.#position[index] = position;
      this.#orderStores(location + 1, [...orders, order]);
    }
  }

  #chooseSource(at: number): void {
    if (at === this.#loads.length) {
      if (this.#isAllowed()) {
        this.#done = true;
        this.#report();
      }
      return;
    }
    const load = this.#loads[at];
    for (const source of this.#sources[load]) {
      if (this.#done) return;
      if (!this.#isCoherent(load, source)) continue;
      this.#readsFrom[load] = source;
      this.#chooseSource(at + 1);
    }
  }

  /** Whether the load may read from there as far as its own hart's stores, and its being an AMO, are concerned. */
  #isCoherent(load: number, source: number): boolean {
    const event = this.#events[load];
    const position = source < 0 ? -1 : this.#position[source];
    if (event.writes) return this.#position[load] === position + 1;
    for (let mask = this.#poloc[load]; mask !== 0; mask &= mask - 1) {
      const earlier = 31 - Math.clz32(mask & -mask);
      if (this.#events[earlier].writes && this.#position[earlier] > position) return false;
    }
    return true;
  }

  #isAllowed(): boolean {
    const coherence = this.#communication(true);
    for (let i = 0; i < coherence.length; i++) coherence[i] |= this.#poloc[i];
    if (!isAcyclic(coherence)) return false;
    const model = this.#communication(false);
    for (let i = 0; i < model.length; i++) model[i] |= this.#ppo[i] | this.#orderByReading(i);
    return isAcyclic(model) && this.#isAtomic();
  }

  /** For each operation, its predecessors in coherence order, reads-from and from-read. */
  #communication(withInternal: boolean): Int32Array {
    const before = new Int32Array(this.#events.length);
    for (const order of this.#orders) {
      let mask = 0;
      for (const store of order) {
        before[store] |= mask;
        mask |= 1 << store;
      }
    }
    for (const load of this.#loads) {
      const source = this.#readsFrom[load];
      if (source >= 0 && (withInternal || this.#harts[source] !== this.#harts[load])) {
        before[load] |= 1 << source;
      }
      const order = this.#orders[this.#events[load].location];
      for (let i = source < 0 ? 0 : this.#position[source] + 1; i < order.length; i++) {
        if (order[i] !== load) before[order[i]] |= 1 << load;
      }
    }
    return before;
  }

  /** Preserved program order by rules 2, 3 and 12. */
  #orderByReading(index: number): number {
    const event = this.#events[index];
    if (!event.reads) return 0;
    const base = this.#bases[index];
    const source = this.#readsFrom[index];
    let mask = 0;
    if (source >= 0 && this.#harts[source] === this.#harts[index]) {
      mask |= orderThroughForwarding(this.#events[source], source - base) << base;
    }
    const { events } = this.#runs[this.#harts[index]];
    for (let loads = sameLocationLoads(events, index - base); loads !== 0; loads &= loads - 1) {
      const earlier = base + 31 - Math.clz32(loads & -loads);
      if (this.#readsFrom[earlier] !== source) mask |= 1 << earlier;
    }
    return mask;
  }

  /**
   * No store of another hart comes between what a load-reserved reads and the store-conditional that it is paired with.
   */
  #isAtomic(): boolean {
    for (const [index, event] of this.#events.entries()) {
      if (event.paired < 0) continue;
      const source = this.#readsFrom[this.#bases[index] + event.paired];
      const order = this.#orders[event.location];
      for (let i = source < 0 ? 0 : this.#position[source] + 1; i < this.#position[index]; i++) {
        if (this.#harts[order[i]] !== this.#harts[index]) return false;
      }
    }
    return true;
  }

  #report(): void {
    const memory = this.#orders.map((order, location) => {
      const last = order.at(-1);
      return last === undefined ? this.#program.memory[location] : this.#events[last].written;
    });
    this.#found({ registers: this.#runs.map((run) => run.registers), memory });
  }
}
