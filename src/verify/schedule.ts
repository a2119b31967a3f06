import { InputError } from '../errors/input-error.ts';

/** One access of one thread, or one of its choices. */
export interface Move {
  readonly thread: number;
  readonly choice: number;
}

/** Short names of threads: the first letter in upper case where that is unique, otherwise the whole name. */
export function threadKeys(names: readonly string[]): string[] {
  const initials = names.map((name) => name.slice(0, 1).toUpperCase());
  return initials.map((initial, index) =>
    initials.filter((other) => other === initial).length === 1 ? initial : (names[index] ?? initial),
  );
}

/**
 * Writes a schedule: threads in the order of their accesses, `*` and a number for several in a row, `:` and a number
 * for which way a choice goes. `V*3.S.V:1` is three accesses of V, one of S, and V's choice of its second way.
 */
export function formatSchedule(moves: readonly Move[], names: readonly string[]): string {
  const keys = threadKeys(names);
  const tokens: { text: string; count: number }[] = [];
  for (const { thread, choice } of moves) {
    const text = choice === 0 ? keys[thread] : `${keys[thread]}:${choice}`;
    const last = tokens[tokens.length - 1];
    if (last?.text === text) last.count++;
    else tokens.push({ text, count: 1 });
  }
  return tokens.map(({ text, count }) => (count === 1 ? text : `${text}*${count}`)).join('.');
}

/**
 * Reads a schedule that {@link formatSchedule} wrote.
 *
 * @throws InputError naming the part that cannot be read.
 */
export function parseSchedule(text: string, names: readonly string[]): Move[] {
  const keys = threadKeys(names);
  return text.split('.').flatMap((token) => {
    const match = /^([^:*]+)(?::(\d+))?(?:\*(\d+))?$/.exec(token);
    const thread = keys.indexOf(match?.[1] ?? '');
    if (match === null || thread < 0) {
      throw new InputError(
        `Schedule part "${token}" is not a thread of this scenario; the threads are ${keys.join(', ')}`,
      );
    }
    const move = { thread, choice: Number(match[2] ?? 0) };
    return Array.from({ length: Number(match[3] ?? 1) }, () => move);
  });
}
