import { generateInterpreter, hartAreaBytes, LockstepHart } from '../../src/hart/index.ts';
import type { Xlen } from '../../src/isa/index.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { dialectOf } from './dialects.ts';
import { LAYOUT } from './layout.ts';
import { generateProgram, type Program } from './program.ts';

const CODE_PAGES = 64;
/** From the origin on in linear memory. */
const EXIT_REQUEST = 64;
const AREA = 0x1000;
const WASM_PAGE = 0x1_0000;
/** Instructions of one pass after which a program is taken to be lost. */
const LIMIT = 2_000_000;
/** Instructions between two comparisons in the first passes, which get code compiled wherever a jump leads. */
const FIRST_SLICES = [1, 2, 3, 1, 2, 3, 5, 7];
const SLICE = 500;

/** Counts of programs in lock step. */
export interface LockstepTally {
  programs: number;
  /** Instructions that each engine has retired, and how many of them compiled code has. */
  instructions: number;
  compiledInstructions: number;
  regions: number;
  /** The differences, in words. */
  readonly reports: string[];
}

/** Runs generated programs in lock step, again and again, so that their code gets compiled. */
export class LockstepStreams {
  readonly tally: LockstepTally = {
    programs: 0,
    instructions: 0,
    compiledInstructions: 0,
    regions: 0,
    reports: [],
  };
  readonly #origin: number;
  readonly #offset: number;
  readonly #memory: WebAssembly.Memory;
  readonly #shadowMemory: WebAssembly.Memory;
  readonly #interpreter: WebAssembly.Module;
  readonly #xlen: Xlen;
  readonly #steps: number;
  readonly #passes: number;

  /**
   * @param steps of each program
   * @param passes of each program, from its start to its end
   * @param origin where hart and RAM begin in linear memory: a multiple of 64 KiB
   * @param xlen width of the harts
   */
  constructor(steps: number, passes: number, origin = 0, xlen: Xlen = 64) {
    this.#xlen = xlen;
    this.#interpreter = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: 0x1_0000 }, xlen));
    this.#origin = origin;
    this.#offset = origin + Math.ceil((AREA + hartAreaBytes(CODE_PAGES)) / WASM_PAGE) * WASM_PAGE;
    this.#memory = this.#newMemory();
    this.#shadowMemory = this.#newMemory();
    this.#steps = steps;
    this.#passes = passes;
  }

  /** Generates a program and runs it. */
  run(seed: number): void {
    const { tally } = this;
    const program = generateProgram(seed, this.#steps, { jumps: true, xlen: this.#xlen, dialect: 'newest' });
    const report = this.#runProgram(program);
    tally.programs++;
    if (report !== undefined) tally.reports.push(`seed ${seed}: ${report}`);
  }

  #runProgram(program: Program): string | undefined {
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.fill(0, this.#origin, this.#offset + LAYOUT.logEnd - LAYOUT.ram);
    new Uint8Array(this.#shadowMemory.buffer).fill(0, this.#origin, this.#offset);
    const ram = new GuestMemory(this.#memory, {
      base: LAYOUT.ram,
      size: LAYOUT.ramBytes,
      offset: this.#offset,
    });
    let report: string | undefined;
    let ended = false;
    const hart = this.#newHart(
      ram,
      () => {
        ended = true;
      },
      (text) => {
        report = text;
      },
    );
    const stop = new Int32Array(this.#memory.buffer, this.#origin + EXIT_REQUEST, 1);
    for (let pass = 0; pass < this.#passes && report === undefined; pass++) {
      ram.copyIn(LAYOUT.ram, program.image);
      if (pass === 0) hart.copyMemory();
      hart.state.setPc(LAYOUT.ram | 0, 0);
      hart.slice = FIRST_SLICES[pass] ?? SLICE;
      const before = hart.instructions;
      for (ended = false; !ended && report === undefined; ) {
        stop[0] = 0;
        hart.run(1_000_000);
        if (hart.instructions - before > LIMIT) {
          report = `the program does not end at ${(hart.state.pcLow >>> 0).toString(16)}`;
        }
      }
    }
    hart.compareMemory();
    const { tally } = this;
    tally.instructions += hart.instructions;
    tally.compiledInstructions += hart.regionStatistics?.retired ?? 0;
    tally.regions += hart.regionStatistics?.compiled ?? 0;
    return report;
  }

  #newHart(ram: GuestMemory, finish: () => void, onDifference: (report: string) => void): LockstepHart {
    const stop = new Int32Array(this.#memory.buffer, this.#origin + EXIT_REQUEST, 1);
    return new LockstepHart(
      {
        ram,
        xlen: this.#xlen,
        interpreter: this.#interpreter,
        area: this.#origin + AREA,
        codePages: CODE_PAGES,
        devices: {
          low: 0,
          high: 0,
          read: () => false,
          write: (address) => {
            if (address !== LAYOUT.finisher) return false;
            stop[0] = 1;
            finish();
            return true;
          },
        },
        platform: { ticks: () => 0, lines: () => 0, guestExternalLines: () => 0 },
        extensions: dialectOf('newest', this.#xlen).extensions,
        hartId: 0,
        hsHost: false,
        exitRequest: this.#origin + EXIT_REQUEST,
        compileAfter: 1,
        onRefused: onDifference,
      },
      {
        onDifference,
        memoryInterval: Number.POSITIVE_INFINITY,
        memory: this.#shadowMemory,
      },
    );
  }

  #newMemory(): WebAssembly.Memory {
    const pages = (this.#offset + LAYOUT.ramBytes) / WASM_PAGE;
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  }
}
