import { InputError } from '../errors/input-error.ts';
import type { SerialPlace } from '../node/serial/open-serial.ts';

/** For people. */
export const SERIAL_FORMS =
  'stdio, null, file:FILE, pipe:NAME, tcp:HOST:PORT[,server=on][,wait=off], unix:PATH[,server=on][,wait=off]';

/**
 * Reads `--serial`, in QEMU's words.
 *
 * @returns undefined for the terminal that hartvisor was started in
 * @throws InputError with the possible values
 */
export function readSerial(word: string | undefined): SerialPlace | undefined {
  if (word === undefined || word === 'stdio' || word === 'mon:stdio') return undefined;
  return readPlace(word, '--serial');
}

/** A line to the guest beside its console. */
export interface LineOptions {
  /** Of a channel; terminals have none. */
  readonly name?: string;
  readonly place: SerialPlace;
  /** As it was typed. */
  readonly word: string;
}

/** The options for more lines to the guest, as they were typed. */
export interface LineWords {
  readonly terminal?: readonly string[] | undefined;
  readonly channel?: readonly string[] | undefined;
}

/** Bytes of the name of a channel at most: Linux has them in `/dev/virtio-ports`. */
const LONGEST_NAME = 64;

/**
 * Reads `--terminal` and `--channel`.
 *
 * @param most lines that there can be
 * @throws InputError with the possible values
 */
export function readLines({ terminal = [], channel = [] }: LineWords, most: number): readonly LineOptions[] {
  const lines = [
    ...terminal.map((word) => ({ place: readPlace(word, '--terminal'), word: `--terminal ${word}` })),
    ...channel.map(readChannel),
  ];
  if (lines.length > most)
    throw new InputError(`There are ${lines.length} of --terminal and --channel, and ${most} are the most.`);
  const names = lines.flatMap((line) => ('name' in line ? line.name : []));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new InputError(`--channel ${twice}: there are two of that name.`);
  return lines;
}

function readChannel(word: string): LineOptions {
  const [, name, place] = /^([\w.-]+)=(.*)$/.exec(word) ?? [];
  if (name === undefined || place === undefined || name.length > LONGEST_NAME)
    throw new InputError(
      `--channel ${word}: give a name of up to ${LONGEST_NAME} letters, digits, dots, dashes and underscores, and where ` +
        'the channel leads, as in org.example.agent=unix:agent.sock,server=on',
    );
  return { name, place: readPlace(place, `--channel ${name}=`), word: `--channel ${word}` };
}

function readPlace(word: string, option: string): SerialPlace {
  const typed = option.endsWith('=') ? option + word : `${option} ${word}`;
  if (word === 'null' || word === 'none') return { kind: 'null' };
  if (word === 'pty')
    throw new InputError(
      `${typed}: Node cannot make pseudo-terminals. socat has them: hartvisor with unix:PATH,server=on in its place, ` +
        'then socat pty,link=NAME,raw unix-connect:PATH',
    );
  const colon = word.indexOf(':');
  const [kind, rest] = colon < 0 ? [word, ''] : [word.slice(0, colon), word.slice(colon + 1)];
  if ((kind === 'file' || kind === 'pipe') && rest !== '') return { kind, path: rest };
  if (kind === 'tcp' || kind === 'unix') return readSocket(typed, kind, rest);
  throw new InputError(`${typed} is not possible; there are ${SERIAL_FORMS}.`);
}

function readSocket(typed: string, kind: 'tcp' | 'unix', rest: string): SerialPlace {
  const [place, ...options] = rest.split(',');
  const isOn = { server: false, wait: true };
  for (const option of options) {
    const [, name, value] = /^(server|wait|nodelay)(?:=(on|off))?$/.exec(option) ?? [];
    if (name === undefined)
      throw new InputError(`${typed}: "${option}" is none of server=, wait=, nodelay=, on or off.`);
    // Delays are off in any case; `nowait` of old is wait=off.
    if (name === 'server' || name === 'wait') isOn[name] = value !== 'off';
  }
  if (kind === 'unix') {
    if (place === '') throw new InputError(`${typed}: there is no path. Name one, as unix:serial.sock`);
    return { kind: 'socket', ...isOn, path: place };
  }
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(place) ?? [];
  if (host === undefined || Number(port) > 0xffff)
    throw new InputError(`${typed}: there is no host and port, as in tcp:127.0.0.1:4321`);
  const inBrackets = /^\[(.*)\]$/.exec(host)?.[1];
  return { kind: 'socket', ...isOn, host: (inBrackets ?? host) || '127.0.0.1', port: Number(port) };
}
