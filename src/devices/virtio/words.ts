import { array, halves, i32, many, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';

const QUEUE = struct({
  DESC: halves,
  DRIVER: halves,
  DEVICE: halves,
  SIZE: i32,
  READY: i32,
  /** The first 32 features as they were when the queue became ready. */
  FEATURES: i32,
  /** Index, modulo 2^16, of the next chain to be taken from the driver's ring. */
  NEXT: i32,
  /** Index of the next entry of the device's ring. */
  USED: i32,
  /** The value of USED when an interrupt was last considered. */
  SIGNALLED: i32,
});

/** All shared words that each device has. */
export const TRANSPORT = struct({
  guard: GUARD,
  /**
   * A lock: held while requests are carried out, and for actions that must not happen meanwhile. It comes before the
   * guard's.
   */
  IO: i32,
  STATUS: i32,
  INTERRUPT_STATUS: i32,
  DEVICE_FEATURES_SEL: i32,
  DRIVER_FEATURES_SEL: i32,
  /** The features that the driver has chosen of the first 32, and of the next 32. */
  DRIVER_FEATURES: array(i32, 2),
  QUEUE_SEL: i32,
  CONFIG_GENERATION: i32,
  /** Queues in which the I/O thread may find chains, a bit for each. */
  NOTIFIED: i32,
  QUEUES: many(QUEUE),
});

/** The shared words of the transport. Those of its queues follow, {@link QUEUE_WORDS} for each. */
export const WORD = TRANSPORT.word;

/** The words of one queue, from its first. */
export const QUEUE_WORD = QUEUE.word;
export const QUEUE_WORDS = QUEUE.words;

/** @returns the shared words of a device with so many queues */
export function virtioWords(queues: number): number {
  return TRANSPORT.wordsFor(queues);
}
