import { align, f64, i32, many, struct } from '../layout/struct.ts';

const CACHE_LINE = 64;

/**
 * One record of a ring. The meaning of `a` to `e` depends on the kind; `recorder.ts` writes them, `records.ts` names
 * them.
 */
export const RECORD = struct({
  /** When it was written: milliseconds of the time that all threads of the machine share. */
  time: f64,
  /** Its kind, one of {@link KIND}; above its lowest 8 bits the number of the vCPU, hart or device that it is about. */
  subject: i32,
  a: i32,
  b: i32,
  c: i32,
  d: i32,
  e: i32,
});

/** Kinds of records. */
export const KIND = {
  /** Records did not find room: `a` of them, 0 to 2^31-1. */
  lost: 1,
  /** A stay of a vCPU in its guest, or of a bare hart in its code, is over. */
  stay: 2,
  /** A flush has put interrupts into HVIP that were not there before. */
  inject: 3,
  /** The guest, or a bare hart, has taken an interrupt: it is in its trap handler. */
  taken: 4,
  /** The pCPU of this ring has loaded a vCPU. */
  load: 5,
  /** It has left it, as {@link LEAVE} says. */
  leave: 6,
  /** A vCPU that was to sleep has found something to do. */
  stayAwake: 7,
  /** A vCPU is on the run queue. */
  ready: 8,
  /** The pCPU of this ring had nothing to do. */
  idle: 9,
  /** A thread begins to set an interrupt of a vCPU. */
  set: 10,
  /** It has set it. */
  setDone: 11,
  /** A thread makes a vCPU look at its levels. */
  kick: 12,
  /** A wire to the interrupt controller has risen. */
  raise: 13,
  /** It has fallen. */
  lower: 14,
  /** A guest has claimed a source of the interrupt controller; 0 if there was none. */
  claim: 15,
  /** A message is sent to an interrupt file. */
  message: 16,
  /** A guest has claimed an identity of an interrupt file. */
  messageClaim: 17,
  /** A request of a queue of a device has been carried out. */
  request: 18,
  /** Code has been compiled. */
  compiled: 19,
  /** A bare hart has slept. */
  slept: 20,
  /** A vCPU that had stopped is to start: interrupts announced to it before are void. */
  restart: 21,
  /** A guest, or firmware for it, has set a timer. */
  arm: 22,
} as const;

/** How a pCPU leaves a vCPU. */
export const LEAVE = { block: 0, yield: 1, stop: 2 } as const;

/** Bits of {@link RECORD}'s subject for the kind. */
export const KIND_BITS = 8;

/**
 * The ring of one thread, which alone writes it. One other thread, the reader, takes records out. Counts go round
 * modulo 2^32, so that their distance says how full the ring is.
 */
export const RING = struct({
  /** Records written so far. */
  head: align(CACHE_LINE, i32),
  /** Records taken so far. */
  tail: align(CACHE_LINE, i32),
  /** Records that did not find room. */
  lost: align(CACHE_LINE, i32),
  records: many(RECORD),
});

/** Words that all threads of a trace share, before the rings. */
export const TRACE = struct({
  /** Counts up when a ring is half full, and at the end; the reader sleeps on it. */
  bell: align(CACHE_LINE, i32),
  /** No thread writes any more. */
  stop: i32,
  /** How many watch the interrupts live. */
  watchers: i32,
  /** How many watch all moments live. */
  viewers: i32,
  /** Batches of live events that have arrived. */
  taken: align(CACHE_LINE, i32),
  /** Batches of moments that have arrived. */
  shown: i32,
});
