import { GUARD } from '../../sync/guarded-words.ts';
import { ByteRing } from '../byte-ring.ts';
import { FIFO_SIZE } from './registers.ts';

/** Bytes of output that may wait for the consumer. */
export const OUTPUT_CAPACITY = 65_536;

/**
 * THRE falls when the output ring has less room than this. Drivers may fill a FIFO after one look at THRE, and Linux
 * writes on after having waited 10 ms for it (8250_port.c, wait_for_lsr): this room keeps those bytes too.
 */
export const OUTPUT_SLACK = 4096;

/**
 * Looks at LSR that are not for output, after which a guest polls for input. Linux makes three at most before it writes a
 * control register again (8250_port.c, serial8250_do_startup: what was received, whether there is a port at all, whether
 * the transmitter is empty); a few more of another processor's console may come in between.
 */
export const POLLS_FOR_INPUT = 16;
/** Looks that a byte of output accounts for: drivers wait for an empty transmitter before it, or after it, or both. */
export const POLLS_OF_OUTPUT = 2;

/** Bytes of input that may wait on the wire. */
export const INPUT_CAPACITY = 16_384;

const FIFO = GUARD.words + 13;
const CABLE = FIFO + FIFO_SIZE;
const OUTPUT = CABLE + 3;
const INPUT = OUTPUT + ByteRing.wordsFor(OUTPUT_CAPACITY);

/** The shared words of one port. */
export const WORD = {
  IER: GUARD.words,
  FCR: GUARD.words + 1,
  LCR: GUARD.words + 2,
  MCR: GUARD.words + 3,
  SCR: GUARD.words + 4,
  DLL: GUARD.words + 5,
  DLM: GUARD.words + 6,
  /** Error bits of LSR that nobody has read yet. */
  LINE_ERRORS: GUARD.words + 7,
  /** Change bits of MSR that nobody has read yet. */
  MODEM_CHANGES: GUARD.words + 8,
  /** 1 while the "transmitter holding register empty" interrupt is due. */
  EMPTY_DUE: GUARD.words + 9,
  /** Receiver FIFO: index of its oldest byte. */
  FIFO_FIRST: GUARD.words + 10,
  /** Receiver FIFO: bytes in it. */
  FIFO_COUNT: GUARD.words + 11,
  /** While input is held: looks at LSR that led to no output, up to POLLS_FOR_INPUT. */
  POLLS: GUARD.words + 12,
  /** Receiver FIFO: one byte a word. */
  FIFO,
  /** Here begins what is outside the chip and outlives a reset: the cable. */
  CABLE,
  /** 1 from when the output ring has too little room until it is drained. */
  STALLED: CABLE,
  /** 1 from the call of onOutput until the consumer drains. */
  OUTPUT_TOLD: CABLE + 1,
  /** 1 when the producer of input was turned away and waits for onInputSpace. */
  INPUT_WANTED: CABLE + 2,
  OUTPUT,
  INPUT,
} as const;

export const WORDS = INPUT + ByteRing.wordsFor(INPUT_CAPACITY);
