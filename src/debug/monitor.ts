import { bytesOfHex, hexOfText } from './hex.ts';
import { type Command, type DebugState, ERROR } from './state.ts';

/** A word of `monitor`: its answer for people, as lines. */
interface MonitorWord {
  readonly help: string;
  readonly run: (state: DebugState) => readonly string[];
}

const WORDS: Readonly<Record<string, MonitorWord>> = {
  help: {
    help: 'this list',
    run: () => Object.entries(WORDS).map(([name, { help }]) => `${name.padEnd(8)} ${help}`),
  },
  pending: {
    help: 'the pending interrupts of each thread, and which of them it has enabled',
    run: ({ target }) => eachThread(target.threads, (thread) => target.describePending(thread)),
  },
  stats: {
    help: 'what has been counted so far',
    run: ({ target }) => target.describeStatistics(),
  },
  threads: {
    help: 'what each thread does',
    run: ({ target }) =>
      eachThread(target.threads, (thread) => [`${target.threadName(thread)}: ${target.threadState(thread)}`]),
  },
};

function eachThread(threads: number, lines: (thread: number) => readonly string[]): readonly string[] {
  return Array.from({ length: threads }, (_, thread) => lines(thread)).flat();
}

/** `qRcmd,HEX`: the words behind `monitor`. */
export const monitor: Command = (state, words) => {
  const bytes = bytesOfHex(words);
  if (bytes === undefined) return ERROR.badValue;
  const name = new TextDecoder().decode(bytes).trim() || 'help';
  const word = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
  const lines = word?.run(state) ?? [
    `There is no "monitor ${printable(name)}"; "monitor help" lists the words.`,
  ];
  return lines.length === 0 ? 'OK' : hexOfText(`${lines.join('\n')}\n`);
};

function printable(text: string): string {
  return text.slice(0, 40).replaceAll(/[^ -~]/g, '?');
}
