import { hexOfText } from './hex.ts';
import { type Command, ERROR, parseThread, threadId } from './state.ts';
import type { DebugTarget } from './target.ts';

/** `H OP THREAD`: the thread that later commands are about. */
export const selectThread: Command = (state, words) => {
  const thread = parseThread(words.slice(1), state.target);
  if (thread === undefined) return ERROR.badValue;
  switch (words[0]) {
    case 'g':
      state.generalThread = Math.max(thread, 0);
      return 'OK';
    case 'c':
      state.resumeThread = words.slice(1) === '0' ? -1 : thread;
      return 'OK';
    default:
      return ERROR.badValue;
  }
};

/** `T THREAD`: whether it is there. All are, as long as the machine is. */
export const isAlive: Command = ({ target }, words) =>
  parseThread(words, target) === undefined ? ERROR.badValue : 'OK';

export const firstThreads: Command = ({ target }) =>
  `m${Array.from({ length: target.threads }, (_, thread) => threadId(thread)).join(',')}`;

export const moreThreads: Command = () => 'l';

export const currentThread: Command = ({ generalThread }) => `QC${threadId(generalThread)}`;

/** The words of `info threads` in parentheses. */
export const extraInfo: Command = ({ target }, words) => {
  const thread = parseThread(words, target);
  if (thread === undefined || thread < 0) return ERROR.badValue;
  return hexOfText(`${target.threadName(thread)}: ${target.threadState(thread)}`);
};

/** The list of threads as a document, with their names. */
export function threadList(target: DebugTarget): string {
  const lines = Array.from({ length: target.threads }, (_, thread) => {
    const place = `id="${threadId(thread)}" core="${thread}" name="${target.threadName(thread)}"`;
    return `<thread ${place}>${target.threadState(thread)}</thread>`;
  });
  return ['<?xml version="1.0"?>', '<threads>', ...lines, '</threads>', ''].join('\n');
}
