import {
  createDecoder,
  type Decoded,
  effectsOf,
  type Instruction,
  instructionsFor,
} from '../../src/isa/index.ts';
import type { CodeSource } from '../../src/jit/code-source.ts';
import { Random } from '../streams/random.ts';

const PAGE = 4096;
const extensions = new Set(instructionsFor(64).map(({ extension }) => extension));
const decode = createDecoder({ extensions, xlen: 64 });

/** Chances of an instruction to be of a kind, in percent; the rest is of any kind. */
const KINDS: readonly (readonly [percent: number, names: RegExp])[] = [
  [16, /^addi$/],
  [12, /^l[bhwd]u?$|^fl[wd]$/],
  [12, /^s[bhwd]$|^fs[wd]$/],
  [18, /^b(eq|ne|lt|ge|ltu|geu)$/],
  [4, /^jal$/],
  [2, /^jalr$/],
  [6, /^(lr|sc|amo)/],
  [12, /\.[sd]$|\.[sd]\.|\.[wl]u?$/],
];
/** Percent of instructions that are compressed. */
const COMPRESSED = 15;
/** The probability that the interpreter has decoded an instruction before. */
const WARM = 0.95;
const MOST_INSTRUCTIONS = 90;
/** Registers that are used most: few, so that instructions meet, and x0 and the link register above all. */
const FAVOURITES = [0, 0, 0, 1, 1, 5, 8, 8, 9, 10, 10, 11];
const STEPS = [-512, -64, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 8, 8, 16, 24, 512, 520];
/** Pages that code is in, by their distance from that of the entry. */
const PAGES = [0, 0, 0, 0, 1, 1, -1, 7, -256, 2 ** 17, -(2 ** 18), 2 ** 18 - 1];

const ofKind = KINDS.map(
  ([percent, names]) => [percent, instructionsFor(64).filter(({ name }) => names.test(name))] as const,
);
const others = instructionsFor(64).filter((one) => effectsOf(one).control !== 'system');
const systems = instructionsFor(64).filter((one) => effectsOf(one).control === 'system');

/**
 * Code of a seed: branches, jumps and calls in all directions between instructions of all kinds, on several pages.
 * Hardly any of it makes sense, with x0 as a destination more often than in any program, and a compiler must take it
 * all.
 */
export class RandomCode implements CodeSource {
  readonly #random: Random;
  readonly #code = new Map<number, Decoded>();
  readonly #cold = new Set<number>();
  readonly #targets = new Map<number, readonly number[]>();
  /** Where instructions are, in bytes from the page of the first one. */
  readonly offsets: readonly number[];

  constructor(seed: number) {
    this.#random = new Random(seed);
    const drafts = this.#place();
    this.offsets = drafts.map(([offset]) => offset);
    for (const [index, [offset, decoded]] of drafts.entries()) {
      const control = /^(b(eq|ne|lt|ge|ltu|geu)|jal)$/.test(decoded.instruction.name);
      this.#code.set(offset, control ? { ...decoded, imm: this.#near(index) - offset } : decoded);
      if (!this.#random.chance(WARM)) this.#cold.add(offset);
      if (decoded.instruction.name === 'jalr') this.#targets.set(offset, this.#several(index));
    }
  }

  at(offset: number): Decoded | undefined {
    return this.#code.get(offset);
  }

  isWarm(offset: number): boolean {
    return this.#code.has(offset) && !this.#cold.has(offset);
  }

  targetsOf(offset: number): readonly number[] {
    return this.#targets.get(offset) ?? [];
  }

  /** Instructions one behind the other, with a few gaps; branches do not have their targets yet. */
  #place(): (readonly [offset: number, decoded: Decoded])[] {
    const random = this.#random;
    const drafts: (readonly [number, Decoded])[] = [];
    const count = random.between(3, MOST_INSTRUCTIONS);
    const taken = new Set<number>();
    let offset = random.pick([0, 0, 2, 64, PAGE - 10, PAGE - 2]);
    while (drafts.length < count) {
      if (taken.has(offset) || (drafts.length > 0 && random.chance(0.02))) {
        offset = random.pick(PAGES) * PAGE + random.below(PAGE / 2) * 2;
        continue;
      }
      const decoded = this.#instruction();
      drafts.push([offset, decoded]);
      for (let at = 0; at < decoded.length; at += 2) taken.add(offset + at);
      offset += decoded.length;
    }
    return drafts;
  }

  #instruction(): Decoded {
    const random = this.#random;
    if (random.below(100) < COMPRESSED) {
      const compressed = decode((random.bits() & 0xfffc) | random.below(3));
      if (compressed !== undefined) return compressed;
    }
    let percent = random.below(100);
    for (const [share, choices] of ofKind) {
      percent -= share;
      if (percent < 0) return this.#operands(random.pick(choices));
    }
    return this.#operands(random.pick(random.chance(0.95) ? others : systems));
  }

  #operands(instruction: Instruction): Decoded {
    const random = this.#random;
    const { format, name, match } = instruction;
    const operands = { ...format.decode(random.bits()) };
    const register = (): number => (random.chance(0.8) ? random.pick(FAVOURITES) : random.below(32));
    for (const field of ['rd', 'rs1', 'rs2', 'rs3'] as const) {
      if (format.registers[field] !== undefined) operands[field] = register();
    }
    if (name === 'addi' && random.chance(0.7)) operands.rs1 = operands.rd;
    if (format.fields.has('imm') && random.chance(0.8)) operands.imm = random.pick(STEPS);
    return { instruction, length: 4, bits: match, ...operands };
  }

  /** The offset of another instruction, most often one that is not far from the one at an index. */
  #near(index: number): number {
    const { offsets } = this;
    const random = this.#random;
    if (random.chance(0.03)) return random.between(-PAGE, 2 * PAGE) * 2;
    const to = random.chance(0.7) ? index + random.between(-12, 12) : random.below(offsets.length);
    return offsets[Math.min(Math.max(to, 0), offsets.length - 1)];
  }

  #several(index: number): readonly number[] {
    const count = this.#random.pick([0, 1, 1, 2, 3, 5, 9, 20]);
    return [...new Set(Array.from({ length: count }, () => this.#near(index)))];
  }
}
