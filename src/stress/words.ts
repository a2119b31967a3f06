/**
 * What the threads of a stress run share beside the vCPU's words: 32-bit words, one cache line for the run and two for
 * each sender. Every access is an `Atomics.*` call. Messages are numbered modulo 2^32.
 */

/** Not zero: senders end after a burst at which everything comes to rest. */
export const STOP = 0;

/** Changes when a sender finds the vCPU's thread asleep. */
export const POKE = 1;

/** Not zero while the vCPU's thread sleeps or is about to. */
export const SLEEPS = 2;

/** Counters for whoever watches the run, modulo 2^32. Brought up to date at each rest. */
export const SHOWN_RECEIVED = 3;
export const SHOWN_LOST = 4;

/** Words of a cache line. */
const LINE_WORDS = 16;

/** The words of one sender, from {@link senderBase}. The first line is written by the sender only. */
export const MAIL = 0;
/** The last message of the last burst whose `set` calls have all returned. */
export const FINISHED = 1;
/** The last message of the last burst after which the sender waits for rest instead of the answer. */
export const REST_AFTER = 2;
/** Not zero: the sender has ended. */
export const DONE = 3;
/** Whether the external line, which this sender drives, is high. */
export const LINE = 4;

/** The last message that the guest has read, or that was answered at a rest. */
export const ACK = LINE_WORDS;
/** The last message at the last rest. */
export const RESTED = LINE_WORDS + 1;
/** Not zero while the sender sleeps on {@link ACK} or {@link RESTED} or is about to. */
export const WAITS = LINE_WORDS + 2;

/** The first word of a sender. */
export function senderBase(sender: number): number {
  return LINE_WORDS * (1 + 2 * sender);
}

/** Makes the words of a run. */
export function createStressWords(senders: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * senderBase(senders)));
}

/** After each so many bursts a sender waits until everything is at rest, so that the counts can be compared. */
export const BURSTS_PER_REST = 16;
