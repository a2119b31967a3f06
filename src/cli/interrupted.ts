import { type EndingSignal, onEndingSignal, signalStatus } from '../node/signals.ts';
import { signalOutcome } from './outcome.ts';

/** A signal ended the work of a command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** For the process. */
  readonly status: number;

  constructor(message: string, signal: EndingSignal) {
    super(message);
    this.status = signalStatus(signal);
  }
}

/**
 * Does work that signals end.
 *
 * @param work - is given a signal that tells it of the end, after which it may fail as it likes
 * @param message - for people, in whole sentences
 * @throws Interrupted when a signal came, and otherwise the error of the work
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  message: string,
): Promise<T> {
  const abort = new AbortController();
  let received: EndingSignal | undefined;
  const stopListening = onEndingSignal((signal) => {
    received = signal;
    abort.abort();
  });
  try {
    return await work(abort.signal);
  } catch (error) {
    throw received === undefined ? error : new Interrupted(message, received);
  } finally {
    stopListening();
  }
}

/**
 * Does work that signals end, up to the moment when something else hears them: one that comes meanwhile is not lost.
 *
 * @returns the result of the work, and a function that stops listening
 * @throws Interrupted when a signal came first, and otherwise the error of the work
 */
export async function hearingSignals<T>(work: () => Promise<T>): Promise<[result: T, stop: () => void]> {
  const interruption = Promise.withResolvers<never>();
  const stop = onEndingSignal((signal) => {
    const { message = '' } = signalOutcome(signal);
    interruption.reject(new Interrupted(message, signal));
  });
  try {
    return [await Promise.race([work(), interruption.promise]), stop];
  } catch (error) {
    stop();
    throw error;
  }
}
