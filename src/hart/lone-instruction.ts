import type { Decode } from '../isa/index.ts';
import type { CodeCache } from './code-cache.ts';
import { SLOT } from './interpreter/slots.ts';
import { FIELD } from './layout.ts';

/**
 * The instruction that a hart has fetched alone, as physical memory protection forbids to execute other parts of its
 * page. It stands in the hart block instead of a decoded page; behind it are slots that lead to the next fetch.
 */
export class LoneInstruction {
  readonly #slot: number;
  readonly #code: CodeCache;
  readonly #decode: Decode;
  #bits = 0;

  /** @param base address of the hart block in linear memory */
  constructor(base: number, code: CodeCache, decode: Decode) {
    this.#slot = base + FIELD.alone;
    this.#code = code;
    this.#decode = decode;
  }

  /**
   * Decodes an instruction.
   *
   * @param bits its encoding: 32 bits, or 16 of a compressed one
   * @param isLast behind it the hart shall stop
   * @returns the slot to execute
   */
  place(bits: number, isLast = false): number {
    this.#bits = bits;
    this.#code.packAside(this.#slot, this.#decode(bits), isLast);
    return this.#slot;
  }

  /** Whether this is a slot behind the instruction. */
  isBehind(slot: number): boolean {
    return slot === this.#slot + SLOT.bytes || slot === this.#slot + 2 * SLOT.bytes;
  }

  /** The encoding of the instruction, if this is its slot. */
  bitsAt(slot: number): number | undefined {
    return slot === this.#slot ? this.#bits : undefined;
  }
}
