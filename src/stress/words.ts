import { align, i32, many, struct } from '../layout/struct.ts';

const CACHE_LINE = 64;

/** Words that a sender writes, and nobody else. */
const OWN = struct({
  mail: i32,
  /** The last message of the last burst whose `set` calls have all returned. */
  finished: i32,
  /** The last message of the last burst after which the sender waits for rest instead of the answer. */
  restAfter: i32,
  /** Not zero: the sender has ended. */
  done: i32,
  /** Whether the external line, which this sender drives, is high. */
  line: i32,
});

const ANSWERS = struct({
  /** The last message that the guest has read, or that was answered at a rest. */
  ack: i32,
  /** The last message at the last rest. */
  rested: i32,
  /** Not zero while the sender sleeps on `ack` or `rested` or is about to. */
  waits: i32,
});

const SENDER = struct({ own: align(CACHE_LINE, OWN), answers: align(CACHE_LINE, ANSWERS) });

/**
 * Words that the threads of a stress run share beside the vCPU's. Every access is an `Atomics.*` call. Messages are
 * numbered modulo 2^32.
 */
const RUN = struct({
  /** Not zero: senders end after a burst at which everything comes to rest. */
  stop: i32,
  /** Changes when a sender finds the vCPU's thread asleep. */
  poke: i32,
  /** Not zero while the vCPU's thread sleeps or is about to. */
  sleeps: i32,
  /** Counters for watchers of the run, modulo 2^32. Brought up to date at each rest. */
  shownReceived: i32,
  shownLost: i32,
  senders: many(SENDER),
});

export const {
  stop: STOP,
  poke: POKE,
  sleeps: SLEEPS,
  shownReceived: SHOWN_RECEIVED,
  shownLost: SHOWN_LOST,
} = RUN.word;

/** The words of one sender, from {@link senderBase}. */
export const { mail: MAIL, finished: FINISHED, restAfter: REST_AFTER, done: DONE, line: LINE } = OWN.word;
export const ACK = SENDER.word.answers + ANSWERS.word.ack;
export const RESTED = SENDER.word.answers + ANSWERS.word.rested;
export const WAITS = SENDER.word.answers + ANSWERS.word.waits;

/** The first word of a sender. */
export function senderBase(sender: number): number {
  return RUN.word.senders + sender * SENDER.words;
}

/** Makes the words of a run. */
export function createStressWords(senders: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * RUN.wordsFor(senders)));
}

/** After each so many bursts a sender waits until everything is at rest, so that the counts can be compared. */
export const BURSTS_PER_REST = 16;
