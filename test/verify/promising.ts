/**
 * RVWMO as a machine, for litmus tests: an independent second opinion on `axiomatic.ts`, and the test of the views by
 * which the explorer runs protocols.
 *
 * In Promising-RISC-V a hart may promise stores ahead of its loads. What complete executions can be reached is the same
 * when every store is promised at the start: for each order of the stores, each hart on its own either can execute
 * and store exactly its share of them, at their times, or not.
 */
import { allRuns, type Completeness, type FinalState } from '../../src/verify/memory/axiomatic.ts';
import type { HartRun, MemoryEvent } from '../../src/verify/memory/hart-runs.ts';
import { HartView, type Message } from '../../src/verify/memory/hart-view.ts';
import { sameLocation } from '../../src/verify/memory/ppo.ts';
import type { Program } from '../../src/verify/memory/program.ts';
import { permutationsWithin } from '../../src/verify/memory/relations.ts';

/** As `enumerateExecutions`, by the machine. */
export function enumerateByViews(
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
    if (!isInteresting(registers)) return;
    for (const memory of memoriesOf(program, chosen)) found({ registers, memory });
  };
  choose(0);
  return { cut, wild };
}

interface Store {
  readonly hart: number;
  readonly index: number;
  /** Numbers of the stores of the same hart to the same location that come before. */
  readonly after: number;
}

/** The final memories of the orders of the runs' stores that all harts can execute. */
function* memoriesOf(program: Program, runs: readonly HartRun[]): Generator<number[]> {
  if (!allReadsHaveSources(program, runs)) return;
  const stores = storesOf(runs);
  const numbers = stores.map((_, number) => number);
  const seen = new Set<string>();
  for (const order of permutationsWithin(numbers, (number) => stores[number].after)) {
    const memory = [...program.memory];
    const times = runs.map((): number[] => []);
    const messages = order.map((number, position): Message => {
      const { hart, index } = stores[number];
      const { location, written } = runs[hart].events[index];
      times[hart][index] = position + 1;
      memory[location] = written;
      return { location, value: written, hart };
    });
    const key = memory.join();
    if (seen.has(key)) continue;
    if (runs.every((run, hart) => new Replay(program, messages, hart, run, times[hart]).isPossible())) {
      seen.add(key);
      yield memory;
    }
  }
}

function storesOf(runs: readonly HartRun[]): Store[] {
  const stores: Store[] = [];
  for (const [hart, { events }] of runs.entries()) {
    for (const [index, event] of events.entries()) {
      if (!event.writes) continue;
      const earlier = sameLocation(events, index);
      let after = 0;
      for (const [number, other] of stores.entries()) {
        if (other.hart === hart && (earlier >> other.index) & 1) after |= 1 << number;
      }
      stores.push({ hart, index, after });
    }
  }
  return stores;
}

/** Rules out most choices of runs cheaply. */
function allReadsHaveSources(program: Program, runs: readonly HartRun[]): boolean {
  const written = new Set<string>(program.memory.map((value, location) => `${location}:${value}`));
  const events = runs.flatMap((run) => run.events);
  for (const event of events) if (event.writes) written.add(`${event.location}:${event.written}`);
  return events.every((event) => !event.reads || written.has(`${event.location}:${event.read}`));
}

/** One hart's run against the order of all stores. */
class Replay {
  readonly #initial: readonly number[];
  readonly #messages: readonly Message[];
  readonly #hart: number;
  readonly #run: HartRun;
  readonly #times: readonly number[];

  constructor(
    program: Program,
    messages: readonly Message[],
    hart: number,
    run: HartRun,
    times: readonly number[],
  ) {
    this.#initial = program.memory;
    this.#messages = messages;
    this.#hart = hart;
    this.#run = run;
    this.#times = times;
  }

  isPossible(): boolean {
    return this.#from(0, new HartView(this.#initial.length), []);
  }

  /** Whether the run can go on from its operation `index`; `views` has the views of the values so far. */
  #from(index: number, view: HartView, views: readonly number[]): boolean {
    for (const fence of this.#run.fences) if (fence.count === index) view.fence(fence.order);
    const event = this.#run.events[index];
    if (event === undefined) return true;
    const latest = (mask: number): number => {
      let time = 0;
      for (const [i, value] of views.entries()) if ((mask >> i) & 1) time = Math.max(time, value);
      return time;
    };
    view.branch(latest(event.control));
    const address = latest(event.address);
    if (event.writes) return this.#store(index, event, view, views, address, latest(event.data));
    const before = view.beforeLoad(address, event);
    for (let time = 0; time <= this.#messages.length; time++) {
      if (!this.#holds(time, event) || !view.canRead(this.#messages, event.location, time, before)) continue;
      const next = view.copy();
      const value = event.reserves
        ? next.loadReserved(event.location, time, address, event)
        : next.load(event.location, time, address, event);
      if (this.#from(index + 1, next, [...views, value])) return true;
    }
    return false;
  }

  #store(
    index: number,
    event: MemoryEvent,
    view: HartView,
    views: readonly number[],
    address: number,
    data: number,
  ): boolean {
    const { location } = event;
    const time = this.#times[index];
    if (event.reads) {
      const before = view.beforeAmo(address, data, event);
      if (!view.canStore(location, time, before) || !this.#holds(this.#lastBefore(time, location), event)) {
        return false;
      }
      view.amo(location, time, address, data, event);
    } else {
      const before = view.beforeStore(address, data, event);
      const can = event.atomic
        ? view.canSucceed(this.#messages, this.#hart, location, time, before)
        : view.canStore(location, time, before);
      if (!can) return false;
      view.store(location, time, address, data, event, event.atomic);
    }
    return this.#from(index + 1, view, [...views, time]);
  }

  /** Whether the message at a time is what the event reads. */
  #holds(time: number, event: MemoryEvent): boolean {
    if (time === 0) return this.#initial[event.location] === event.read;
    const message = this.#messages[time - 1];
    return message.location === event.location && message.value === event.read;
  }

  #lastBefore(time: number, location: number): number {
    for (let earlier = time - 1; earlier > 0; earlier--) {
      if (this.#messages[earlier - 1].location === location) return earlier;
    }
    return 0;
  }
}
