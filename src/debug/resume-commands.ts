import { parseHex } from './hex.ts';
import { REGISTER } from './registers.ts';
import { type Command, type DebugState, ERROR, parseThread, type StepRange } from './state.ts';
import type { Action } from './target.ts';

export const VCONT_ACTIONS = 'vCont;c;C;s;S;r';

interface Wish {
  readonly action: Action;
  readonly thread: number;
  readonly range?: StepRange;
}

/**
 * `vCont;ACTION[:THREAD]...`: for each thread the first action counts that is for it; one without any is held. Signals
 * mean nothing to a machine.
 */
export const vCont: Command = (state, words) => {
  const wishes: Wish[] = [];
  for (const part of words.split(';')) {
    const wish = parseWish(state, part);
    if (wish === undefined) return ERROR.badValue;
    wishes.push(wish);
  }
  const actions = actionsOf(state, wishes);
  if (actions.every((action) => action === 'hold')) return ERROR.badValue;
  const stepped = actions.indexOf('step');
  const range = wishes.find(({ thread }) => thread < 0 || thread === stepped)?.range;
  return state.resume(actions, range && { ...range, thread: stepped });
};

function parseWish({ target }: DebugState, part: string): Wish | undefined {
  const [what = '', id = '-1', more] = part.split(':');
  const thread = parseThread(id, target);
  if (thread === undefined || more !== undefined) return undefined;
  const words = what.slice(1);
  switch (what[0]) {
    case 'c':
      return words === '' ? { action: 'run', thread } : undefined;
    case 's':
      return words === '' ? { action: 'step', thread } : undefined;
    case 'C':
      return isSignal(words) ? { action: 'run', thread } : undefined;
    case 'S':
      return isSignal(words) ? { action: 'step', thread } : undefined;
    case 'r':
      return parseRangeWish(words, thread);
    default:
      return undefined;
  }
}

function parseRangeWish(words: string, thread: number): Wish | undefined {
  const [start, end] = words.split(',').map(parseHex);
  if (start === undefined || end === undefined) return undefined;
  return { action: 'step', thread, range: { thread, start, end } };
}

function isSignal(words: string): boolean {
  return /^[0-9a-f]{1,2}$/i.test(words);
}

function actionsOf({ target }: DebugState, wishes: readonly Wish[]): readonly Action[] {
  return Array.from(
    { length: target.threads },
    (_, index) => wishes.find(({ thread }) => thread < 0 || thread === index)?.action ?? 'hold',
  );
}

/** `c [ADDRESS]` and `s [ADDRESS]`, for the thread that `Hc` has chosen: the others go on, too. */
function single(action: 'run' | 'step'): Command {
  return (state, words) => {
    const { target, generalThread, resumeThread } = state;
    const thread = resumeThread < 0 ? generalThread : resumeThread;
    if (words !== '') {
      const address = parseHex(words);
      if (address === undefined) return ERROR.badValue;
      target.writeRegister(thread, REGISTER.pc, address);
    }
    const others: Action = resumeThread < 0 ? 'run' : 'hold';
    return state.resume(
      Array.from({ length: target.threads }, (_, index) => (index === thread ? action : others)),
    );
  };
}

export const goOn = single('run');
export const step = single('step');

/** `C SIGNAL[;ADDRESS]` and `S`: a machine knows no signals. */
export const goOnBySignal: Command = (state, words) => goOn(state, words.split(';')[1] ?? '');
export const stepBySignal: Command = (state, words) => step(state, words.split(';')[1] ?? '');
