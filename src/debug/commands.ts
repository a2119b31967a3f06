import { checksum, readMemory, writeBinary, writeMemory } from './memory-commands.ts';
import { monitor } from './monitor.ts';
import { insertPoint, removePoint } from './point-commands.ts';
import { isPhysical, setPhysical, startNoAckMode, supported, transfer } from './query-commands.ts';
import { readAll, readOne, writeAll, writeOne } from './register-commands.ts';
import { goOn, goOnBySignal, step, stepBySignal, VCONT_ACTIONS, vCont } from './resume-commands.ts';
import type { Command } from './state.ts';
import {
  currentThread,
  extraInfo,
  firstThreads,
  isAlive,
  moreThreads,
  selectThread,
} from './thread-commands.ts';

/** Commands of more than a letter, by their beginnings; the longest comes first where one begins as another. */
const NAMED: readonly (readonly [string, Command])[] = [
  ['qSupported:', supported],
  ['qSupported', supported],
  ['QStartNoAckMode', startNoAckMode],
  ['qXfer:', transfer],
  ['qAttached', () => '1'],
  ['qfThreadInfo', firstThreads],
  ['qsThreadInfo', moreThreads],
  ['qThreadExtraInfo,', extraInfo],
  ['qCRC:', checksum],
  ['qC', currentThread],
  ['qRcmd,', monitor],
  ['qSymbol:', () => 'OK'],
  ['Qqemu.PhyMemMode:', setPhysical],
  ['qqemu.PhyMemMode', isPhysical],
  ['vCont?', () => VCONT_ACTIONS],
  ['vCont;', vCont],
  [
    'vKill',
    (state) => {
      state.kill();
      return 'OK';
    },
  ],
];

const LETTERS: Readonly<Record<string, Command>> = {
  '?': ({ stopReply }) => stopReply,
  '!': () => 'OK',
  g: readAll,
  G: writeAll,
  p: readOne,
  P: writeOne,
  m: readMemory,
  M: writeMemory,
  X: writeBinary,
  H: selectThread,
  T: isAlive,
  Z: insertPoint,
  z: removePoint,
  c: goOn,
  C: goOnBySignal,
  s: step,
  S: stepBySignal,
  D: (state) => {
    state.detach();
    return 'OK';
  },
  k: (state) => {
    state.kill();
    return undefined;
  },
};

/** Beginnings of the commands that make sense at any time: they touch nothing of a machine that runs. */
const ANY_TIME = ['D', 'k', 'vKill', 'qSupported', 'QStartNoAckMode', 'qXfer:features', 'vCont?'];

/** The command of a packet, and the words behind its name; undefined where there is none. */
export function findCommand(
  packet: string,
): { readonly command: Command; readonly words: string; readonly anyTime: boolean } | undefined {
  const anyTime = ANY_TIME.some((start) => packet.startsWith(start));
  for (const [name, command] of NAMED) {
    if (packet.startsWith(name)) return { command, words: packet.slice(name.length), anyTime };
  }
  const letter = packet[0] ?? '';
  // Names of more than a letter that are not above are unknown, with any first letter.
  const command = /^[qQv]/.test(letter) || !Object.hasOwn(LETTERS, letter) ? undefined : LETTERS[letter];
  return command && { command, words: packet.slice(1), anyTime };
}
