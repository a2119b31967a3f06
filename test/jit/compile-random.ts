import { COMPILED_LAYOUT } from '../../src/hart/tiers/compiled-layout.ts';
import { type CompileOptions, type Region, RegionCompiler } from '../../src/jit/index.ts';
import { Random } from '../streams/random.ts';
import { RandomCode } from './random-code.ts';

/** Regions that are compiled of each piece of code. */
const ENTRIES = 4;
const limits = { minimum: 1, maximum: 65_536 };

/** Counts of the code compiled so far. */
export interface CompileTally {
  regions: number;
  instructions: number;
  bytes: number;
}

/** Compiles random code, and lets the engine check what comes out. */
export class RandomCompilations {
  readonly tally: CompileTally = { regions: 0, instructions: 0, bytes: 0 };
  readonly #compilers = [true, false].map((alone) => new RegionCompiler(limits, COMPILED_LAYOUT, alone));

  /**
   * Compiles a few regions of the code of a seed.
   *
   * @throws Error that has the seed and the code of a region that does not compile, or is refused
   */
  run(seed: number): void {
    const code = new RandomCode(seed);
    const random = new Random(~seed);
    for (let count = 0; count < ENTRIES; count++) {
      const near = code.offsets.filter((offset) => offset >= 0 && offset < 4096);
      const entry = count === 0 ? code.offsets[0] : random.pick(near);
      const how: CompileOptions = {
        depth: random.pick(['shallow', 'deep']),
        large: random.chance(0.05),
        linear: random.chance(0.5),
        ungrouped: random.chance(0.1),
        ungroupedBases: random.chance(0.2) ? random.bits() | 0 : 0,
      };
      this.#compile(seed, code, entry, how, random.below(2));
    }
  }

  #compile(seed: number, code: RandomCode, entry: number, how: CompileOptions, compiler: number): void {
    let region: Region | undefined;
    try {
      region = this.#compilers[compiler].compile(code, entry, how);
      if (region === undefined) return;
      // Only that of the constructor says what is wrong.
      if (!WebAssembly.validate(region.bytes)) new WebAssembly.Module(region.bytes);
    } catch (error) {
      const what = `seed ${seed}, entry ${entry}, ${JSON.stringify(how)}: ${String(error)}`;
      throw new Error(`${what}\n${listing(code)}`, { cause: error });
    }
    this.tally.regions++;
    this.tally.instructions += region.instructions;
    this.tally.bytes += region.bytes.length;
  }
}

function listing(code: RandomCode): string {
  return code.offsets
    .map((offset) => {
      const decoded = code.at(offset);
      if (decoded === undefined) return `${offset}: nothing`;
      const { instruction, rd, rs1, rs2, rs3, imm, rm, length } = decoded;
      return `${offset}: ${instruction.name} ${JSON.stringify({ rd, rs1, rs2, rs3, imm, rm, length })}`;
    })
    .join('\n');
}
