import { FILE_BLOCK } from '../../interrupts/interrupt-file.ts';
import { many, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';

/** All of them. */
export const CONTROLLERS = struct({
  guard: GUARD,
  /** The files of the first hart, then those of the others: machine level, supervisor level, guests. */
  FILES: many(FILE_BLOCK),
});

/** The shared words; those of each file follow, `FILE_BLOCK.words` each. */
export const WORD = CONTROLLERS.word;

/** @returns the shared words for so many interrupt files. */
export function imsicWords(files: number): number {
  return CONTROLLERS.wordsFor(files);
}
