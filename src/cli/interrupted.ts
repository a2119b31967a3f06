import { type EndingSignal, onEndingSignal, signalStatus } from '../node/signals.ts';

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
