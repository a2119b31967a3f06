import { i32, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';

const FW_CFG = struct({
  guard: GUARD,
  /** The item that is read. */
  ITEM: i32,
  /** Bytes of it that were read. */
  POSITION: i32,
  /** The upper half of a request's address. */
  DMA_HIGH: i32,
});

/** The shared words of the device. */
export const WORD = FW_CFG.word;

export const WORDS = FW_CFG.words;
