import { InputError } from '../../errors/input-error.ts';
import { type Move, threadKeys } from '../schedule.ts';

/** A move on weak memory. */
export interface WeakMove extends Move {
  /** How many stores to the word are newer than what a load reads. */
  readonly behind: number;
  /** The move is no access: this store of the thread takes effect ahead of its turn. */
  readonly promise: { readonly address: number; readonly value: number } | undefined;
  /** The access is the store that took effect ahead of its turn. */
  readonly keeps: boolean;
}

/**
 * Writes a schedule for weak memory: as `formatSchedule` does, and besides `~` and a number for a load that does not
 * see so many newer stores, `!` for the store that has taken effect already, and a move of its own, `^WORD=VALUE`,
 * where it does. `S^irqs_pending=4.V*3.V~1.S*2.S!`: S's store of 4 takes effect before S does the two accesses ahead of
 * it.
 */
export function formatWeakSchedule(
  moves: readonly WeakMove[],
  names: readonly string[],
  words: readonly { readonly name: string }[],
): string {
  const keys = threadKeys(names);
  const tokens: { text: string; count: number }[] = [];
  for (const { thread, choice, behind, promise, keeps } of moves) {
    const ahead = promise === undefined ? '' : `^${words[promise.address].name}=${promise.value}`;
    const marks = `${choice === 0 ? '' : `:${choice}`}${behind === 0 ? '' : `~${behind}`}${keeps ? '!' : ''}`;
    const text = keys[thread] + ahead + marks;
    const last = tokens.at(-1);
    if (last?.text === text) last.count++;
    else tokens.push({ text, count: 1 });
  }
  return tokens.map(({ text, count }) => (count === 1 ? text : `${text}*${count}`)).join('.');
}

/**
 * Reads a schedule that {@link formatWeakSchedule} wrote.
 *
 * @throws InputError naming the part that cannot be read.
 */
export function parseWeakSchedule(
  text: string,
  names: readonly string[],
  words: readonly { readonly name: string }[],
): WeakMove[] {
  const keys = threadKeys(names);
  return text.split('.').flatMap((token) => {
    const match = /^([^:*~^!]+)(?:\^([^=]+)=(-?\d+))?(?::(\d+))?(?:~(\d+))?(!)?(?:\*(\d+))?$/.exec(token);
    const thread = keys.indexOf(match?.[1] ?? '');
    const address = words.findIndex(({ name }) => name === match?.[2]);
    if (match === null || thread < 0 || (match[2] !== undefined && address < 0)) {
      throw new InputError(
        `Schedule part "${token}" is not a move in this scenario; the threads are ${keys.join(', ')}`,
      );
    }
    const move = {
      thread,
      choice: Number(match[4] ?? 0),
      behind: Number(match[5] ?? 0),
      promise: match[2] === undefined ? undefined : { address, value: Number(match[3]) },
      keeps: match[6] !== undefined,
    };
    return Array.from({ length: Number(match[7] ?? 1) }, () => move);
  });
}
