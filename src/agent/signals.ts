import { shown } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';

/** Signals of Linux on RISC-V by their numbers, from 1 on (include/uapi/asm-generic/signal.h). */
const NAMES = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
] as const;

/** A signal by its name. */
export type SignalName = (typeof NAMES)[number];

/** The greatest number of a signal, with those for real time. */
const LAST = 64;

/** The name of a signal: `SIGTERM`; for those without one, `SIG` and the number. */
export function signalName(number: number): string {
  return NAMES[number - 1] ?? `SIG${number}`;
}

/**
 * @param signal a name, or a number from 1 to 64
 * @throws InputError for any other
 */
export function signalNumber(signal: SignalName | number): number {
  const number = typeof signal === 'string' ? numberOf(signal) : signal;
  if (Number.isInteger(number) && number >= 1 && number <= LAST) return number;
  throw new InputError(
    `signal: ${shown(signal)} is not possible: give a name such as SIGTERM, or a number, 1 to ${LAST}.`,
  );
}

/** The number of a name of {@link signalName}. */
export function numberOf(name: string): number {
  const index = (NAMES as readonly string[]).indexOf(name);
  return index >= 0 ? index + 1 : Number(/^SIG(\d+)$/.exec(name)?.[1]);
}
