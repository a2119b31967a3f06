import { constants } from 'node:os';
import { ignoresHangup } from './hangup.ts';

/** Signals that ask the process to end. In raw mode they come from elsewhere: Ctrl-C is the guest's. */
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
export type EndingSignal = (typeof ending)[number];

/**
 * Calls `handler` for the first signal that asks the process to end; the second one ends it at once, through the
 * `exit` event, so that the terminal is restored.
 *
 * A hangup that the process was started to ignore ({@link ignoresHangup}) is none of them.
 *
 * @returns a function that stops listening
 */
export function onEndingSignal(handler: (signal: EndingSignal) => void): () => void {
  let seen = false;
  const listener = (signal: NodeJS.Signals): void => {
    const name = ending.find((candidate) => candidate === signal);
    if (name === undefined) return;
    if (seen) process.exit(signalStatus(name));
    seen = true;
    handler(name);
  };
  const heard = ignoresHangup() ? ending.filter((signal) => signal !== 'SIGHUP') : ending;
  for (const signal of heard) process.on(signal, listener);
  return () => {
    for (const signal of heard) process.off(signal, listener);
  };
}

/** The exit status by which shells say that a signal ended a program: 128 and its number. */
export function signalStatus(signal: EndingSignal | 'SIGPIPE'): number {
  return 128 + constants.signals[signal];
}
