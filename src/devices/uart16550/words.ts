import { array, i32, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';
import { ByteRing } from '../byte-ring.ts';
import { FIFO_SIZE } from './registers.ts';

/** Bytes of output that may wait for the consumer. */
export const OUTPUT_CAPACITY = 65_536;

/** Bytes of output, of which the consumer is told once more: it need not wait for others. */
export const MUCH_OUTPUT = OUTPUT_CAPACITY / 2;

/**
 * THRE falls when the output ring has less room than this. Drivers may fill a FIFO after one look at THRE, and Linux
 * writes on after having waited 10 ms for it (8250_port.c, wait_for_lsr): this room keeps those bytes too.
 */
export const OUTPUT_SLACK = 4096;

/**
 * Looks at LSR that are not for output, after which a guest polls for input. Linux makes three at most before it writes
 * a control register again (8250_port.c, serial8250_do_startup: received bytes, whether there is a port at all, whether
 * the transmitter is empty); a few more of another processor's console may come in between.
 */
export const POLLS_FOR_INPUT = 16;
/** Looks that a byte of output accounts for: drivers wait for an empty transmitter before it, or after it, or both. */
export const POLLS_OF_OUTPUT = 2;

/**
 * Looks at LSR, and at nothing else, after which the interrupt of an empty transmitter counts as answered. Drivers
 * answer by a look at IIR or the next byte. xv6 did not before 2025, and ran on QEMU, whose PLIC forwards an interrupt
 * once although its line stays up: here a hart would take it again and again, for ever.
 */
export const LOOKS_WITHOUT_ANSWER = 64;

/** Bytes of input that may wait on the wire. */
export const INPUT_CAPACITY = 16_384;

/** The cable, which is outside the chip and outlives a reset. */
const CABLE = struct({
  /** 1 from when the output ring has too little room until it is drained. */
  STALLED: i32,
  /** 1 from the call of onOutput until the consumer drains, or 2 from that which said that there is much. */
  OUTPUT_TOLD: i32,
  /** 1 when the producer of input was turned away and waits for onInputSpace. */
  INPUT_WANTED: i32,
  OUTPUT: array(i32, ByteRing.wordsFor(OUTPUT_CAPACITY)),
  INPUT: array(i32, ByteRing.wordsFor(INPUT_CAPACITY)),
});

/** All shared words. */
export const PORT = struct({
  guard: GUARD,
  IER: i32,
  FCR: i32,
  LCR: i32,
  MCR: i32,
  SCR: i32,
  DLL: i32,
  DLM: i32,
  /** Error bits of LSR that nobody has read yet. */
  LINE_ERRORS: i32,
  /** Change bits of MSR that nobody has read yet. */
  MODEM_CHANGES: i32,
  /** 1 while the "transmitter holding register empty" interrupt is due. */
  EMPTY_DUE: i32,
  /** Looks at LSR meanwhile, since the last access to another register. */
  LOOKS: i32,
  /** Receiver FIFO: index of its oldest byte. */
  FIFO_FIRST: i32,
  /** Receiver FIFO: bytes in it. */
  FIFO_COUNT: i32,
  /** While input is held: looks at LSR that led to no output, up to POLLS_FOR_INPUT. */
  POLLS: i32,
  /** Receiver FIFO: one byte a word. */
  FIFO: array(i32, FIFO_SIZE),
  CABLE,
});

const cable = PORT.word.CABLE;

/** The shared words of one port. */
export const WORD = {
  ...PORT.word,
  STALLED: cable + CABLE.word.STALLED,
  OUTPUT_TOLD: cable + CABLE.word.OUTPUT_TOLD,
  INPUT_WANTED: cable + CABLE.word.INPUT_WANTED,
  OUTPUT: cable + CABLE.word.OUTPUT,
  INPUT: cable + CABLE.word.INPUT,
} as const;

export const WORDS = PORT.words;
