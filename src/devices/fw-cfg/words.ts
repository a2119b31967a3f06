import { i32, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';

/** All shared words. */
export const FW_CFG_WORDS = struct({
  guard: GUARD,
  /** The item that is read. */
  ITEM: i32,
  /** Bytes of it that were read. */
  POSITION: i32,
  /** The upper half of a request's address. */
  DMA_HIGH: i32,
});

/** The shared words of the device. */
export const WORD = FW_CFG_WORDS.word;

export const WORDS = FW_CFG_WORDS.words;
