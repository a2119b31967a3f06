import type { Decoded } from '../isa/index.ts';

/** The code around the entry of a region; offsets are in bytes from the start of the page of the entry. */
export interface CodeSource {
  /** The instruction at an offset; undefined where there is none, or none that is known. */
  at(offset: number): Decoded | undefined;
  /** Where the jump at an offset, to an address in a register, is known to go, the most frequent first. */
  targetsOf(offset: number): readonly number[];
  /** Whether the interpreter has come near this instruction: code that never ran is not worth compiling. */
  isWarm(offset: number): boolean;
  /** Whether the region is not to go on at an offset, since another one that is as large begins there. */
  isOthers?(offset: number): boolean;
}
