import { InputError } from '../errors/input-error.ts';
import { DEFAULT_MAC } from '../network/defaults.ts';
import { parseMac } from '../network/ethernet.ts';
import type { LinkOptions } from '../node/network/open-link.ts';
import type { NetworkWords } from './network-options.ts';
import { keyAndValue, wordsOf } from './word-list.ts';

const KEYS: readonly string[] = ['connect', 'dump', 'id', 'listen', 'mac'];

/**
 * Reads `--netdev socket,listen=HOST:PORT` and `socket,connect=HOST:PORT`, QEMU's words for a cable to another machine.
 *
 * @returns undefined if `--netdev` asks for no link
 * @throws InputError that names the wrong word, and the possible ones
 */
export function readLink({ netdev = [] }: NetworkWords): LinkOptions | undefined {
  const [text] = netdev;
  if (text === undefined || netdev.length > 1 || wordsOf(text)[0] !== 'socket') return undefined;
  const mistake = (what: string) => new InputError(`--netdev ${text}: ${what}.`);
  const words = new Map<string, string>();
  for (const word of wordsOf(text).slice(1)) {
    const [key, value] = keyAndValue(word);
    if (!KEYS.includes(key) || value === undefined)
      throw mistake(`"${word}" is none of ${KEYS.map((each) => `${each}=`).join(', ')}`);
    words.set(key, value);
  }
  const [listen, connect] = [words.get('listen'), words.get('connect')];
  const place = listen ?? connect;
  if (place === undefined || (listen !== undefined && connect !== undefined))
    throw mistake(
      'a cable has two ends: give one machine listen=127.0.0.1:4000, and the other connect=127.0.0.1:4000',
    );
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(place) ?? [];
  if (host === undefined || Number(port) === 0 || Number(port) > 0xffff)
    throw mistake(`${place} is no host and port, as 127.0.0.1:4000`);
  return {
    listens: listen !== undefined,
    host: (/^\[(.*)\]$/.exec(host)?.[1] ?? host) || '127.0.0.1',
    port: Number(port),
    // Two cards of one address would not hear each other.
    mac: readMac(words.get('mac'), DEFAULT_MAC + (listen === undefined ? 1 : 0), mistake),
    dump: words.get('dump'),
  };
}

function readMac(text: string | undefined, usual: number, mistake: (what: string) => InputError): number {
  const mac = text === undefined ? usual : parseMac(text);
  if (mac === undefined) throw mistake(`mac=${text} is no card's address. One is 52:54:00:12:34:56`);
  return mac;
}
