import type { Decode } from '../isa/index.ts';
import { type Block, type BlockEnd, blocksAfter, type Graph, type Placed, type Target } from './graph.ts';
import { traitsOf } from './traits.ts';

/**
 * The control flow of a region as 32-bit words, by which one thread has another one compile it. Of an instruction they
 * have its place and its encoding. For each block: the number of its instructions, these, and its end.
 */
const END = { stop: 0, go: 1, branch: 2, indirect: 3 } as const satisfies Record<BlockEnd['kind'], number>;

/** The words for a graph. */
export function graphToWords({ blocks }: Graph): number[] {
  const words: number[] = [blocks.length];
  for (const { code, end } of blocks) {
    words.push(code.length);
    for (const { offset, decoded } of code) words.push(offset | 0, decoded.bits | 0);
    words.push(END[end.kind]);
    writeEnd(words, end);
  }
  return words;
}

function writeEnd(words: number[], end: BlockEnd): void {
  if (end.kind === 'stop') words.push(end.offset | 0);
  else if (end.kind === 'go') writeTarget(words, end.to);
  else if (end.kind === 'branch') {
    writeTarget(words, end.taken);
    writeTarget(words, end.otherwise);
  } else {
    words.push(end.expected.length);
    for (const target of end.expected) writeTarget(words, target);
  }
}

function writeTarget(words: number[], { offset, block, jumped }: Target): void {
  const number = block === undefined ? 0 : block.index + 1;
  words.push(offset | 0, number * 2 + (jumped ? 1 : 0));
}

/**
 * The graph that {@link graphToWords} has written, but for what tells where it was cut off.
 *
 * @param decode as the thread decodes that has written them
 * @throws Error when an encoding is none of its instructions
 */
export function graphFromWords(words: ArrayLike<number>, decode: Decode): Graph {
  return new Reader(words, decode).graph();
}

/** A block whose end is not read yet. */
type Draft = { -readonly [Key in keyof Block]: Block[Key] };

class Reader {
  readonly #words: ArrayLike<number>;
  readonly #decode: Decode;
  #at = 0;
  #blocks: readonly Draft[] = [];

  constructor(words: ArrayLike<number>, decode: Decode) {
    this.#words = words;
    this.#decode = decode;
  }

  graph(): Graph {
    // Ends lead to blocks that come later.
    this.#blocks = Array.from({ length: this.#next() }, (_, index) => ({
      ...{ index, code: [], end: { kind: 'stop', offset: 0 }, next: [] },
    }));
    let instructions = 0;
    for (const block of this.#blocks) {
      block.code = Array.from({ length: this.#next() }, () => this.#placed());
      block.end = this.#end();
      block.next = blocksAfter(block.end);
      instructions += block.code.length;
    }
    return { blocks: this.#blocks, instructions, cutOff: undefined };
  }

  #next(): number {
    return this.#words[this.#at++] ?? 0;
  }

  #placed(): Placed {
    const offset = this.#next();
    const bits = this.#next() >>> 0;
    const decoded = this.#decode(bits);
    if (decoded === undefined) throw new Error(`0x${bits.toString(16)} is no instruction`);
    return { offset, decoded, traits: traitsOf(decoded.instruction) };
  }

  #end(): BlockEnd {
    switch (this.#next()) {
      case END.go:
        return { kind: 'go', to: this.#target() };
      case END.branch: {
        const taken = this.#target();
        return { kind: 'branch', taken, otherwise: this.#target() };
      }
      case END.indirect: {
        const expected = Array.from({ length: this.#next() }, () => this.#target());
        return { kind: 'indirect', expected };
      }
      default:
        return { kind: 'stop', offset: this.#next() };
    }
  }

  #target(): Target {
    const offset = this.#next();
    const word = this.#next();
    const block = word < 2 ? undefined : this.#blocks[(word >> 1) - 1];
    return { offset, block, jumped: (word & 1) === 1 };
  }
}
