import type {
  AttachedParts,
  DriveFacts,
  NetworkFacts,
  PortFacts,
  ShareFacts,
} from '../devices/descriptor.ts';
import { MOST_PORTS } from '../devices/virtio-console/words.ts';
import { InputError } from '../errors/input-error.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import type { LinkOptions } from '../node/network/open-link.ts';
import type { NetworkOptions } from '../node/network/open-network.ts';
import type { NodeHost } from '../node/node-host.ts';
import type { ShareOptions } from '../node/shares/share-options.ts';
import { type DebianDisk, sshNotice, withPlaces } from './debian-disk.ts';
import { type DriveWords, readDrives } from './drive-options.ts';
import { type GdbWords, readGdb } from './gdb-option.ts';
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

/** What a machine has on demand. */
export interface Attached {
  readonly attached: AttachedParts;
  readonly drives: readonly DriveOptions[];
  /** What tells whether the files of the drives are as they were, for the notes of a snapshot. */
  readonly stamps: () => Readonly<Record<string, string>>;
  /** Compares them. @throws InputError for one that has changed */
  readonly check: (notes: Readonly<Record<string, string>>) => void;
}

/** Opens what a machine that the host is going to start has on demand; it stays open until the process ends. */
export async function attach(words: AttachWords, host: NodeHost, debian?: DebianDisk): Promise<Attached> {
  const virtio = readVirtio(words.virtio);
  const own = debian === undefined ? [] : [debian.drive];
  const drives = await connect(readDrives(words, virtio, own));
  const shares = readShares(words, virtio);
  const link = readLink(words);
  const network = link === undefined ? networkOf(words, debian) : undefined;
  const vsock = readVsock(words.vsock);
  if ((network ?? link) !== undefined && words.engine === 'lockstep')
    throw new InputError('--engine lockstep: in lock step a machine has no network. Leave one of both out.');
  const opened = drives.length === 0 ? undefined : await giveDrives(drives, host);
  const attached = {
    ...{ virtio, balloon: words.balloon === true },
    ports: portsOf(words),
    ...(vsock === undefined ? {} : { vsock: { cid: vsock.cid } }),
    ...(opened === undefined ? {} : { drives: opened.facts }),
    ...(shares.length === 0 ? {} : { shares: await giveShares(shares, host) }),
    ...(network === undefined ? {} : { network: await giveNetwork(network, host, debian) }),
    ...(link === undefined ? {} : { network: await giveLink(link, host) }),
  };
  return { attached, drives, stamps: () => opened?.stamps() ?? {}, check: (notes) => opened?.check(notes) };
}

/** Asks servers for those drives that are theirs. */
async function connect(drives: readonly DriveOptions[]): Promise<readonly DriveOptions[]> {
  if (drives.length === 0) return drives;
  const { connectDrives } = await import('../node/drives/connect-drives.ts');
  return connectDrives(drives);
}

/** The ports of the virtio console: the terminal, if it is there, and more lines. A port without a name is a terminal. */
function portsOf(words: AttachWords): readonly PortFacts[] {
  const console = readConsole(words.console) === 'virtio' ? [{}] : [];
  const lines = readLines(words, MOST_PORTS - console.length);
  return [...console, ...lines.map(({ name }) => (name === undefined ? {} : { name }))];
}

/** The other ends of what a session connects. */
export async function connectOutside(
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

async function giveDrives(
  options: readonly DriveOptions[],
  host: NodeHost,
): Promise<Pick<Attached, 'stamps' | 'check'> & { readonly facts: readonly DriveFacts[] }> {
  const [{ openDrives }, { stampDrives, checkDrives }] = await Promise.all([
    import('../node/drives/open-drives.ts'),
    import('../node/drives/drive-stamps.ts'),
  ]);
  const opened = openDrives(options);
  host.loadFirst(opened.module);
  return {
    facts: opened.facts,
    stamps: () => stampDrives(opened),
    check: (notes) => checkDrives(notes, opened),
  };
}

async function giveShares(options: readonly ShareOptions[], host: NodeHost): Promise<readonly ShareFacts[]> {
  const { openShares } = await import('../node/shares/open-shares.ts');
  const { facts, module } = openShares(options);
  host.loadFirst(module);
  return facts;
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

async function giveNetwork(
  options: NetworkOptions,
  host: NodeHost,
  debian: DebianDisk | undefined,
): Promise<NetworkFacts> {
  const { prepareNetwork } = await import('../node/network/open-network.ts');
  const { facts, module, forwards } = await prepareNetwork(options);
  const ssh = debian && sshNotice(forwards, debian);
  const notices = [...portNotices(options.forwards, forwards), ...(ssh === undefined ? [] : [ssh])];
  for (const text of notices) process.stderr.write(`hartvisor: ${text}\n`);
  host.loadFirst(module);
  return facts;
}
