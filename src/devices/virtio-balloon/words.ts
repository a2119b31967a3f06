import { i32, struct } from '../../layout/struct.ts';

export const BALLOON = struct({
  /** Pages that the host wants to have. */
  WANTED: i32,
  /** Pages that the driver says it has given. */
  GIVEN: i32,
});

export const WORD = BALLOON.word;
export const BALLOON_WORDS = BALLOON.words;
