import { REGION_EXIT } from '../jit/exits.ts';
import { HART, REGION_COUNTS } from './layout.ts';

type RegionCount = (typeof REGION_COUNTS.names)[number];

/**
 * Statistics of a hart's compiler, and how its code was left. `live` regions are there now, `compiled` have ever been;
 * `bytes` of their modules and guest `instructions` in them count all of these. `time` of compiling and the `longest`
 * time for a region are in milliseconds, as are the times spent `running` compiled code and `interpreting`: estimates
 * from samples. Code that was `refused` did not compile, and is interpreted. Live regions take about so many bytes of
 * `memory`; `evicted` ones were dropped to make room for others.
 */
export type RegionStatistics = Readonly<Record<RegionCount, number>> & {
  /** Instructions that compiled code has retired. */
  readonly retired: number;
  /** How often regions were left, by cause. */
  readonly exits: Readonly<Record<keyof typeof REGION_EXIT, number>>;
};

/** The counters of the compiler in a hart block. */
export class RegionCounters {
  readonly #counts: Float64Array;
  readonly #retired: BigInt64Array;

  constructor(memory: WebAssembly.Memory, base: number) {
    this.#retired = HART.view('regionInstructions', memory.buffer, base);
    this.#counts = HART.view('regionCounts', memory.buffer, base);
    this.#retired.fill(0n);
    this.#counts.fill(0);
    HART.view('regionExits', memory.buffer, base).fill(0n);
  }

  /** Instructions that compiled code has retired. */
  get retired(): number {
    return Number(this.#retired[0]);
  }

  /** Keeps the larger one. */
  raise(name: RegionCount, to: number): void {
    const index = REGION_COUNTS.index[name];
    this.#counts[index] = Math.max(this.#counts[index], to);
  }

  /** A region is put in place. @param memory bytes that all of them take now */
  placed(bytes: number, instructions: number, memory: number): void {
    this.add('live', 1);
    this.add('compiled', 1);
    this.add('bytes', bytes);
    this.add('instructions', instructions);
    this.#counts[REGION_COUNTS.index.memory] = memory;
  }

  /** A region is dropped. @param memory bytes that the others take */
  dropped(memory: number): void {
    this.add('live', -1);
    this.#counts[REGION_COUNTS.index.memory] = memory;
  }

  add(name: RegionCount, by: number): void {
    this.#counts[REGION_COUNTS.index[name]] += by;
  }
}

/**
 * Reads the statistics of a hart, from any thread: the numbers are as they were a moment ago.
 *
 * @param base byte address of the hart's area in linear memory
 */
export function readRegionStatistics(
  memory: { readonly buffer: ArrayBuffer },
  base: number,
): RegionStatistics {
  const counts = HART.view('regionCounts', memory.buffer, base);
  const exits = HART.view('regionExits', memory.buffer, base);
  const [retired] = HART.view('regionInstructions', memory.buffer, base);
  return {
    ...(Object.fromEntries(REGION_COUNTS.names.map((name, index) => [name, counts[index]])) as Record<
      RegionCount,
      number
    >),
    retired: Number(retired),
    exits: Object.fromEntries(
      Object.entries(REGION_EXIT).map(([name, index]) => [name, Number(exits[index])]),
    ) as RegionStatistics['exits'],
  };
}
