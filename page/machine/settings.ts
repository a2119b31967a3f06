import { DOMAIN_AIA, type DomainAia } from '../../src/devices/descriptor.ts';
import { DEFAULT_PROTOCOL, PROTOCOLS } from '../../src/interrupts/protocols.ts';

/** A person's choices for a machine of the page. */
export interface Settings {
  /** Virtual processors. */
  readonly cpus: number;
  /** Threads of the browser that run them: 0 for as many as there are vCPUs and processors. */
  readonly threads: number;
  readonly memoryMiB: number;
  readonly protocol: string;
  readonly aia: DomainAia;
  /** A disk that the browser keeps. */
  readonly disk: boolean;
  /** Its way out, as in {@link NETWORK_FORMS}; nothing for none. */
  readonly network: string;
}

export const DEFAULT_SETTINGS: Settings = {
  cpus: 2,
  threads: 0,
  memoryMiB: 256,
  protocol: DEFAULT_PROTOCOL.name,
  aia: 'none',
  disk: false,
  network: '',
};

/** For people. */
export const NETWORK_FORMS = 'fetch:HOST,HOST, wisps://SERVER/, wss://RELAY/ or link:NAME';
const NETWORK = /^(?:fetch:[^\s,]+(?:,[^\s,]+)*|(?:wisp|ws)s?:\/\/\S+|link:[\w.-]{1,64})$/;

export const MOST_CPUS = 64;
/** A page may have more, but few browsers on few computers give it. */
export const MEMORY_SIZES = [128, 256, 512, 1024, 2048] as const;
export const PROTOCOL_NAMES: readonly string[] = PROTOCOLS.map(({ name }) => name);
export { DOMAIN_AIA };

/** Names of the settings in the address of a page. */
const WORDS = {
  cpus: 'cpus',
  threads: 'threads',
  memoryMiB: 'memory',
  protocol: 'protocol',
  aia: 'aia',
  disk: 'disk',
  network: 'network',
} as const;

/** Settings that were read, and what could not be. */
export interface ReadSettings {
  readonly settings: Settings;
  /** In whole sentences. */
  readonly mistakes: readonly string[];
}

/**
 * Reads settings as words: of an address, or attributes.
 *
 * @param get the word by a name; null or undefined where there is none
 */
export function readSettings(get: (name: string) => string | null | undefined): ReadSettings {
  const mistakes: string[] = [];
  const read = <T>(name: string, usual: T, parse: (word: string) => T | undefined, possible: string): T => {
    const word = get(name) ?? '';
    if (word === '') return usual;
    const value = parse(word);
    if (value === undefined) mistakes.push(`${name}=${word} is not possible: give ${possible}.`);
    return value ?? usual;
  };
  const { cpus, threads, memoryMiB, protocol, aia, disk, network } = DEFAULT_SETTINGS;
  const settings = {
    cpus: read(WORDS.cpus, cpus, countUpTo(MOST_CPUS), `a number from 1 to ${MOST_CPUS}`),
    threads: read(WORDS.threads, threads, countUpTo(MOST_CPUS), `a number from 1 to ${MOST_CPUS}`),
    memoryMiB: read(WORDS.memoryMiB, memoryMiB, parseMebibytes, 'a size such as 256M or 1G'),
    protocol: read(WORDS.protocol, protocol, oneOf(PROTOCOL_NAMES), `one of ${PROTOCOL_NAMES.join(', ')}`),
    aia: read(WORDS.aia, aia, oneOf(DOMAIN_AIA), `one of ${DOMAIN_AIA.join(', ')}`),
    disk: read(WORDS.disk, disk, parseSwitch, 'on or off'),
    network: read(WORDS.network, network, parseNetwork, `none, ${NETWORK_FORMS}`),
  };
  return { settings, mistakes };
}

/** The words of settings that are not the usual ones, for the address of a page. */
export function settingsWords(settings: Settings): URLSearchParams {
  const words = new URLSearchParams();
  for (const [key, name] of Object.entries(WORDS) as [keyof Settings, string][]) {
    if (settings[key] === DEFAULT_SETTINGS[key]) continue;
    words.set(name, wordOf(settings, key));
  }
  return words;
}

function wordOf(settings: Settings, key: keyof Settings): string {
  if (key === 'memoryMiB') return `${settings.memoryMiB}M`;
  if (key === 'disk') return settings.disk ? 'on' : 'off';
  return String(settings[key]);
}

export function sameSettings(one: Settings, other: Settings): boolean {
  return settingsWords(one).toString() === settingsWords(other).toString();
}

/** A way out as a person writes it. @returns undefined for what is none */
export function parseNetwork(word: string): string | undefined {
  const text = word.trim();
  if (text === '' || text === 'none') return '';
  return NETWORK.test(text) ? text : undefined;
}

function parseSwitch(word: string): boolean | undefined {
  return word === 'on' ? true : word === 'off' ? false : undefined;
}

function countUpTo(most: number) {
  return (word: string): number | undefined => {
    const count = /^\d+$/.test(word) ? Number(word) : 0;
    return count >= 1 && count <= most ? count : undefined;
  };
}

function parseMebibytes(word: string): number | undefined {
  const [, number, unit] = /^(\d{1,5})\s*(?:([MG])(?:i?B)?)?$/i.exec(word.trim()) ?? [];
  if (number === undefined) return undefined;
  const size = Number(number) * (unit?.toUpperCase() === 'G' ? 1024 : 1);
  return size >= 32 && size < 4096 ? size : undefined;
}

function oneOf<Word extends string>(words: readonly Word[]) {
  return (word: string): Word | undefined => words.find((each) => each === word);
}
