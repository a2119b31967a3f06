/** Measures the compiler of regions in this process, and prints what it took as JSON: see `regions.ts`. */
import { readFileSync } from 'node:fs';
import { COMPILED_LAYOUT } from '../../src/hart/tiers/compiled-layout.ts';
import { RegionCompiler } from '../../src/jit/index.ts';
import { type Candidate, floatCandidates, kernelCandidates } from './sources.ts';

/** The measurements of one process; times are milliseconds of its thread on a processor. */
export interface Measured {
  /** From the first region on: how many, and what they took until then. */
  readonly cold: readonly {
    readonly regions: number;
    readonly instructions: number;
    readonly milliseconds: number;
  }[];
  /** Bytes of WebAssembly for one instruction of the guest. */
  readonly bytesPerInstruction: number;
  /** Instructions a millisecond once the compiler is optimized itself. */
  readonly warm: Readonly<Record<'shallow' | 'deep' | 'float', number>>;
}

const POINTS = [10, 30, 100, 300, 800];
const FLOAT_REGIONS = 60;
/** Until then V8 has optimized all of it. */
const WARM_UP_ROUNDS = 6;
const ROUNDS = 5;
/** Instructions of a round: clocks of threads are coarse. */
const ROUND = 60_000;
const LIMITS = { minimum: 1, maximum: 65_536 };

const compiler = new RegionCompiler(LIMITS, COMPILED_LAYOUT, false);

function processorTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Compiles a region; `new WebAssembly.Module` is not part of it. */
function compile({ source, entry, depth }: Candidate): {
  readonly instructions: number;
  readonly bytes: number;
} {
  const region = compiler.compile(source, entry, {
    depth,
    ...{ large: false, linear: true },
    ungrouped: false,
    ungroupedBases: 0,
  });
  return { instructions: region?.instructions ?? 0, bytes: region?.bytes.length ?? 0 };
}

function measureCold(candidates: readonly Candidate[]): Pick<Measured, 'cold' | 'bytesPerInstruction'> {
  const cold: { regions: number; instructions: number; milliseconds: number }[] = [];
  let [regions, instructions, bytes] = [0, 0, 0];
  const start = processorTime();
  for (const candidate of candidates) {
    const compiled = compile(candidate);
    regions++;
    instructions += compiled.instructions;
    bytes += compiled.bytes;
    if (POINTS.includes(regions)) {
      cold.push({ regions, instructions, milliseconds: processorTime() - start });
    }
  }
  return { cold, bytesPerInstruction: bytes / instructions };
}

/** Instructions a millisecond in the best round. */
function measureWarm(candidates: readonly Candidate[]): number {
  let best = 0;
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const start = processorTime();
    let instructions = 0;
    while (instructions < ROUND) {
      for (const candidate of candidates) instructions += compile(candidate).instructions;
    }
    if (round >= WARM_UP_ROUNDS) best = Math.max(best, instructions / (processorTime() - start));
  }
  return best;
}

const [, , imagePath] = process.argv;
const kernel = kernelCandidates(readFileSync(imagePath), POINTS[POINTS.length - 1]);
const float = floatCandidates(FLOAT_REGIONS);
const measured: Measured = {
  ...measureCold(kernel),
  warm: {
    shallow: measureWarm(kernel.filter(({ depth }) => depth === 'shallow')),
    deep: measureWarm(kernel.filter(({ depth }) => depth === 'deep')),
    float: measureWarm(float),
  },
};
process.stdout.write(JSON.stringify(measured));
