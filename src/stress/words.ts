/**
 * What the threads of a stress run share beside the vCPU's words: 32-bit words, one cache line for the run and one for each
 * sender. Every access is an `Atomics.*` call.
 */

/** Not zero: senders end after a message at which everything comes to rest. */
export const STOP = 0;

/** Changes when a sender finds the vCPU's thread asleep. */
export const POKE = 1;

/** Not zero while the vCPU's thread sleeps or is about to. */
export const SLEEPS = 2;

/** Counters for whoever watches the run, modulo 2^32. */
export const SHOWN_RECEIVED = 3;
export const SHOWN_LOST = 4;

/** Words of a cache line. */
const LINE_WORDS = 16;

/** The words of one sender, from {@link senderBase}. */
export const MAIL = 0;
/** The last message whose `set` has returned. */
export const FINISHED = 1;
/** The last message that the sender need not wait for any longer. */
export const ACK = 2;
/** Not zero while the sender sleeps on {@link ACK} or is about to. */
export const WAITS = 3;
/** Not zero: the sender has ended. */
export const DONE = 4;
/** Whether the external line, which this sender drives, is high. */
export const LINE = 5;

/** The first word of a sender. */
export function senderBase(sender: number): number {
  return LINE_WORDS * (1 + sender);
}

/** Makes the words of a run. */
export function createStressWords(senders: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * senderBase(senders)));
}

/** After each so many messages a sender waits until everything is at rest, so that the counts can be compared. */
export const MESSAGES_PER_REST = 16;

/** Whether the sender of this message waits for rest instead of the answer. */
export function waitsForRest(message: number): boolean {
  return message % MESSAGES_PER_REST === 0;
}
