import { SLOT_SCALE } from '../../src/hart/interpreter/slots.ts';
import { FIELD, TLB } from '../../src/hart/layout.ts';
import {
  type CodeSource,
  type CompileOptions,
  draftRegion,
  graphFromWords,
  graphToWords,
  type Region,
  RegionCompiler,
} from '../../src/jit/index.ts';
import { Random } from '../streams/random.ts';
import { RandomCode } from './random-code.ts';

/** Regions that are compiled of each piece of code. */
const ENTRIES = 4;
/** Of so many seeds, one has its regions handed over, too. */
const HANDED_OVER = 8;
const limits = { minimum: 1, maximum: 65_536 };
const layout = { field: FIELD, tlb: TLB, slotScale: SLOT_SCALE };

/** Counts of the code compiled so far. */
export interface CompileTally {
  regions: number;
  instructions: number;
  bytes: number;
}

/** Compiles random code, and lets the engine check what comes out. */
export class RandomCompilations {
  readonly tally: CompileTally = { regions: 0, instructions: 0, bytes: 0 };
  readonly #compilers = [true, false].map((alone) => new RegionCompiler(limits, layout, alone));

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
      // Control flow that is handed over is that of the code that it was found in.
      if (seed % HANDED_OVER === 0) this.#handOver(code, entry, how, compiler, region);
    } catch (error) {
      const what = `seed ${seed}, entry ${entry}, ${JSON.stringify(how)}: ${String(error)}`;
      throw new Error(`${what}\n${listing(code)}`, { cause: error });
    }
    this.tally.regions++;
    this.tally.instructions += region.instructions;
    this.tally.bytes += region.bytes.length;
  }

  #handOver(code: RandomCode, entry: number, how: CompileOptions, compiler: number, { bytes }: Region): void {
    // The operands of random code are not those of its encodings: the place stands for the encoding here.
    const at = (offset: number) => {
      const decoded = code.at(offset);
      return decoded && { ...decoded, bits: offset >>> 0 };
    };
    const source: CodeSource = {
      at,
      isWarm: (offset) => code.isWarm(offset),
      targetsOf: (offset) => code.targetsOf(offset),
    };
    const draft = draftRegion(source, entry, how.depth, 64);
    if (draft === undefined) throw new Error('the second time there is no code');
    const handed = graphFromWords(graphToWords(draft.graph), (bits) => at(bits | 0));
    const other = this.#compilers[compiler].emit(handed, how);
    if (Buffer.compare(other.bytes, bytes) !== 0) throw new Error('handed over, it becomes other code');
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
