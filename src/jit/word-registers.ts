import type { Placed } from './graph.ts';
import { writtenX } from './traits.ts';

const X0 = 1;

/**
 * Which registers of RV64 hold words: numbers of 32 bits with the sign in all bits above. AND, OR and XOR of words can
 * be computed with 32 bits, so that the engine sees rotations as such, and need not extend the values in between.
 */
export class WordRegisters {
  /** A bit for each register. */
  #words = X0;

  /** At the start of a block. */
  forget(): void {
    this.#words = X0;
  }

  /**
   * Notes the register that an instruction writes, as the next one of the block.
   *
   * @returns whether it makes a word of words, and is nothing that does so by itself
   */
  note({ decoded, traits }: Placed): boolean {
    const written = writtenX(decoded, traits);
    if (written === 0) return false;
    const { makesWord, keepsWords, x } = traits;
    const isWord = (register: number): boolean => (this.#words & (1 << register)) !== 0;
    const keeps = keepsWords && (!x.rs1 || isWord(decoded.rs1)) && (!x.rs2 || isWord(decoded.rs2));
    const moves = decoded.instruction.name === 'addi' && (decoded.rs1 === 0 || decoded.imm === 0);
    if (makesWord || keeps || (moves && isWord(decoded.rs1))) this.#words |= 1 << written;
    else this.#words &= ~(1 << written);
    return keeps && !makesWord;
  }
}
