import { InputError } from '../errors/input-error.ts';
import type { SerialPlace } from '../node/serial/open-serial.ts';

/** For people. */
export const SERIAL_FORMS =
  'stdio, null, file:FILE, pipe:NAME, tcp:HOST:PORT[,server=on][,wait=off], unix:PATH[,server=on][,wait=off]';

/**
 * Reads `--serial`, in QEMU's words.
 *
 * @returns undefined for the terminal that hartvisor was started in
 * @throws InputError that says what is possible
 */
export function readSerial(word: string | undefined): SerialPlace | undefined {
  if (word === undefined || word === 'stdio' || word === 'mon:stdio') return undefined;
  if (word === 'null' || word === 'none') return { kind: 'null' };
  if (word === 'pty')
    throw new InputError(
      '--serial pty: Node cannot make pseudo-terminals. socat has them: hartvisor with --serial unix:PATH,server=on, ' +
        'then socat pty,link=NAME,raw unix-connect:PATH',
    );
  const colon = word.indexOf(':');
  const [kind, rest] = colon < 0 ? [word, ''] : [word.slice(0, colon), word.slice(colon + 1)];
  if ((kind === 'file' || kind === 'pipe') && rest !== '') return { kind, path: rest };
  if (kind === 'tcp' || kind === 'unix') return readSocket(word, kind, rest);
  throw new InputError(`--serial ${word} is not possible; there are ${SERIAL_FORMS}.`);
}

function readSocket(word: string, kind: 'tcp' | 'unix', rest: string): SerialPlace {
  const [place, ...options] = rest.split(',');
  const isOn = { server: false, wait: true };
  for (const option of options) {
    const [, name, value] = /^(server|wait|nodelay)(?:=(on|off))?$/.exec(option) ?? [];
    if (name === undefined)
      throw new InputError(`--serial ${word}: "${option}" is none of server=, wait=, nodelay=, on or off.`);
    // Delays are off in any case; `nowait` of old is wait=off.
    if (name === 'server' || name === 'wait') isOn[name] = value !== 'off';
  }
  if (kind === 'unix') {
    if (place === '')
      throw new InputError(`--serial ${word}: there is no path. Name one, as unix:serial.sock`);
    return { kind: 'socket', ...isOn, path: place };
  }
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(place) ?? [];
  if (host === undefined || Number(port) > 0xffff)
    throw new InputError(`--serial ${word}: there is no host and port, as in tcp:127.0.0.1:4321`);
  const inBrackets = /^\[(.*)\]$/.exec(host)?.[1];
  return { kind: 'socket', ...isOn, host: (inBrackets ?? host) || '127.0.0.1', port: Number(port) };
}
