import type { AttachedParts, NetworkFacts, PortFacts } from '../devices/descriptor.ts';
import { MOST_PORTS } from '../devices/virtio-console/words.ts';
import { InputError } from '../errors/input-error.ts';
import { Closers } from '../node/closers.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import type { OpenDrives } from '../node/drives/open-drives.ts';
import { connectedDrives, giveDrives, giveNetwork, giveShares } from '../node/give-parts.ts';
import type { LinkOptions } from '../node/network/open-link.ts';
import type { NetworkOptions, PreparedNetwork } from '../node/network/open-network.ts';
import type { NodeHost } from '../node/node-host.ts';
import { type DebianDisk, sshNotice, withPlaces } from './debian-disk.ts';
import { type DriveWords, readDrives } from './drive-options.ts';
import { type GdbWords, readGdb } from './gdb-option.ts';
import { hearingSignals } from './interrupted.ts';
import { readLink } from './link-option.ts';
import { type NetworkWords, portNotices, readNetwork } from './network-options.ts';
import { readConsole, readVirtio } from './run-options.ts';
import { type LineOptions, type LineWords, readLines, readSerial } from './serial-option.ts';
import type { SessionOptions } from './session.ts';
import { readShares, type ShareWords } from './share-options.ts';
import type { TraceWords } from './trace-option.ts';
import { readVsock } from './vsock-option.ts';

/** The words for parts that a machine has on demand. */
export interface AttachWords extends GdbWords, DriveWords, ShareWords, NetworkWords, LineWords, TraceWords {
  readonly serial?: string | undefined;
  readonly console?: string | undefined;
  readonly vsock?: string | undefined;
  readonly balloon?: true | undefined;
  readonly virtio?: string | undefined;
  readonly engine?: string | undefined;
}

/** The attached parts of a machine. */
export interface Attached {
  readonly attached: AttachedParts;
  readonly drives: readonly DriveOptions[];
  /** Marks of the drives' files that change with them, for the notes of a snapshot. */
  readonly stamps: () => Readonly<Record<string, string>>;
  /** Compares them. @throws InputError for one that has changed */
  readonly check: (notes: Readonly<Record<string, string>>) => void;
}

/** Opens the parts on demand of a machine that the host is going to start; it stays open until the process ends. */
export async function attach(words: AttachWords, host: NodeHost, debian?: DebianDisk): Promise<Attached> {
  const virtio = readVirtio(words.virtio);
  const own = debian === undefined ? [] : [debian.drive];
  const drives = await connectedDrives(readDrives(words, virtio, own));
  const shares = readShares(words, virtio);
  const link = readLink(words);
  const network = link === undefined ? networkOf(words, debian) : undefined;
  const vsock = readVsock(words.vsock);
  if ((network ?? link) !== undefined && words.engine === 'lockstep')
    throw new InputError('--engine lockstep: in lock step a machine has no network. Leave one of both out.');
  // Nobody closes them: they are open until the process ends.
  const closers = new Closers();
  const opened = await giveDrives(drives, host, closers);
  const stamps = opened === undefined ? NO_STAMPS : await stampsOf(opened);
  const folders = await giveShares(shares, host, closers);
  const given = network && (await giveNetwork(network, host, closers));
  if (network !== undefined && given !== undefined) tellOf(network, given, debian);
  const attached = {
    ...{ virtio, balloon: words.balloon === true },
    ports: portsOf(words),
    ...(vsock === undefined ? {} : { vsock: { cid: vsock.cid } }),
    ...(opened === undefined ? {} : { drives: opened.facts }),
    ...(folders === undefined ? {} : { shares: folders }),
    ...(given === undefined ? {} : { network: given.facts }),
    ...(link === undefined ? {} : { network: await giveLink(link, host) }),
  };
  return { attached, drives, ...stamps };
}

const NO_STAMPS: Pick<Attached, 'stamps' | 'check'> = { stamps: () => ({}), check: () => undefined };

/**
 * The ports of the virtio console: the terminal, if it is there, and more lines. A port without a name is a terminal.
 */
function portsOf(words: AttachWords): readonly PortFacts[] {
  const console = readConsole(words.console) === 'virtio' ? [{}] : [];
  const lines = readLines(words, MOST_PORTS - console.length);
  return [...console, ...lines.map(({ name }) => (name === undefined ? {} : { name }))];
}

/**
 * The other ends of a session's connections, of which some may be waited for. Files of sockets go with the process, so
 * that signals may not simply end it: they are heard until the session hears them itself.
 *
 * @throws InputError for places that cannot be used; Interrupted when a signal ended the wait
 */
export async function connectOutside(
  words: AttachWords,
): Promise<Pick<SessionOptions, 'serial' | 'lines' | 'vsock' | 'gdb' | 'onListening'>> {
  const [outside, onListening] = await hearingSignals(() => connectAll(words));
  return { ...outside, onListening };
}

async function connectAll(
  words: AttachWords,
): Promise<Pick<SessionOptions, 'serial' | 'lines' | 'vsock' | 'gdb'>> {
  const { serial: word } = words;
  const gdb = readGdb(words);
  const place = readSerial(word);
  const lines = readLines(words, MOST_PORTS);
  const others = { ...(await openSockets(words.vsock)), ...(gdb === undefined ? {} : { gdb }) };
  if (place === undefined && lines.length === 0) return others;
  const serial = place === undefined ? {} : { serial: await openLine({ place, word: `--serial ${word}` }) };
  const opened = [];
  for (const line of lines) opened.push(await openLine(line));
  return { ...serial, lines: opened, ...others };
}

async function openLine({ place, word }: LineOptions): Promise<NonNullable<SessionOptions['serial']>> {
  const { openSerial } = await import('../node/serial/open-serial.ts');
  return openSerial(place, word, (text) => console.error(`hartvisor: ${text}`));
}

/** The host's side of the guest's sockets, for a session. */
async function openSockets(word: string | undefined): Promise<Pick<SessionOptions, 'vsock'>> {
  const vsock = readVsock(word);
  if (vsock === undefined) return {};
  const { UnixSockets } = await import('../node/vsock/unix-sockets.ts');
  return { vsock: await UnixSockets.open(vsock.path) };
}

/** Marks of the files of drives that change with them. */
async function stampsOf(opened: OpenDrives): Promise<Pick<Attached, 'stamps' | 'check'>> {
  const { stampDrives, checkDrives } = await import('../node/drives/drive-stamps.ts');
  return { stamps: () => stampDrives(opened), check: (notes) => checkDrives(notes, opened) };
}

/** A Debian has a network without being asked for. */
function networkOf(words: AttachWords, debian: DebianDisk | undefined): NetworkOptions | undefined {
  if (debian === undefined) return readNetwork(words);
  const network = readNetwork({ ...words, net: true });
  return network && withPlaces(network, debian.places);
}

async function giveLink(options: LinkOptions, host: NodeHost): Promise<NetworkFacts> {
  const { prepareLink } = await import('../node/network/open-link.ts');
  const { facts, module } = await prepareLink(options);
  host.loadFirst(module);
  return facts;
}

/** Tells a person about a network: ports that were found, and the way in by ssh. */
function tellOf(
  asked: NetworkOptions,
  { forwards }: Pick<PreparedNetwork, 'forwards'>,
  debian: DebianDisk | undefined,
): void {
  const ssh = debian && sshNotice(forwards, debian);
  const notices = [...portNotices(asked.forwards, forwards), ...(ssh === undefined ? [] : [ssh])];
  for (const text of notices) process.stderr.write(`hartvisor: ${text}\n`);
}
