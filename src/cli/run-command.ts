import { availableParallelism } from 'node:os';
import type {
  AttachedParts,
  DriveFacts,
  NetworkFacts,
  PortFacts,
  ShareFacts,
} from '../devices/descriptor.ts';
import { MOST_PORTS } from '../devices/virtio-console/words.ts';
import { InputError } from '../errors/input-error.ts';
import type { MachineConfig } from '../machine/config.ts';
import type { MachineHost } from '../machine/machine.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import { writeOutputFile } from '../node/files.ts';
import {
  GUEST_NAMES,
  type GuestName,
  loadGuest,
  refuseOtherGuest,
  refuseRv32,
} from '../node/guests/load-guest.ts';
import type { LinkOptions } from '../node/network/open-link.ts';
import type { NetworkOptions } from '../node/network/open-network.ts';
import type { NodeHost } from '../node/node-host.ts';
import type { ShareOptions } from '../node/shares/share-options.ts';
import { readCpu } from './cpu-word.ts';
import { type DebianDisk, debianDisk, refusePersistent, sshNotice, withPlaces } from './debian-disk.ts';
import { type DriveWords, readDrives } from './drive-options.ts';
import { fetchProgress } from './fetch-progress.ts';
import { loadProgram } from './firmware.ts';
import { type GdbWords, readGdb } from './gdb-option.ts';
import { readLink } from './link-option.ts';
import { type NetworkWords, portNotices, readNetwork } from './network-options.ts';
import {
  type MachineWords,
  type RunWords,
  readConsole,
  readMachineWords,
  readRunWords,
  readVirtio,
} from './run-options.ts';
import { type LineOptions, type LineWords, readLines, readSerial } from './serial-option.ts';
import { deviceTreeOf, runSession, type SessionOptions } from './session.ts';
import { readShares, type ShareWords } from './share-options.ts';
import { giveTrace, type TraceWords } from './trace-option.ts';
import { readVsock } from './vsock-option.ts';

/** Options of `hartvisor run` as the parser gives them. */
export interface RunCommandOptions extends RunWords, AttachWords {
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string | undefined;
  readonly appendOnly?: true | undefined;
  readonly guest?: string | undefined;
  readonly boot?: string | undefined;
  readonly persistent?: true | undefined;
  readonly stats?: true | undefined;
  readonly schedule?: string | undefined;
  readonly dumpdtb?: string | undefined;
  readonly debug?: true | undefined;
}

/**
 * `hartvisor run`: a guest on virtual CPUs.
 *
 * @param host - starts the machine's threads
 * @returns the exit status
 * @throws InputError for options and files that cannot be used
 */
export async function runCommand(options: RunCommandOptions, host: NodeHost): Promise<number> {
  const fromDisk = readBoot(options.boot);
  const guestName = readGuestName(options.guest);
  const debian = await debianDiskFor(guestName, options);
  const { attached, drives } = await attach(options, host, debian);
  const shape = readRunWords(options, availableParallelism(), attached);
  const progress = fetchProgress(process.stderr);
  const guest = await loadGuest({
    ...options,
    ...{ guest: guestName, fromDisk, disk: drives[0] },
    xlen: shape.xlen,
    memoryBytes: shape.memoryBytes,
    terminal: readConsole(options.console),
    parts: {
      virtio: attached.virtio ?? 'pci',
      disks: attached.drives !== undefined,
      network: attached.network !== undefined && attached.network.plain !== true,
      link: attached.network?.plain === true,
      shares: attached.shares ?? [],
      sockets: attached.vsock !== undefined,
      balloon: attached.balloon === true,
    },
    window: process.stdin.isTTY ? process.stdout : undefined,
    onProgress: progress.report,
  }).finally(progress.done);
  const { name, ...parts } = guest;
  const { timeout, ...numbers } = shape;
  const config: MachineConfig = {
    kind: 'domain',
    ...numbers,
    ...parts,
    ...attached,
    ...(options.dumpdtb === undefined ? await giveTrace(options, host) : {}),
    debug: options.debug === true,
  };
  if (options.dumpdtb !== undefined) return dumpDeviceTree(config, host, options.dumpdtb);
  const forced = await force(options.schedule, shape.pcpus, host);
  const outside = await connectOutside(options);
  const memory = `${shape.memoryBytes / 2 ** 20} MiB`;
  return runSession(config, host, {
    timeout,
    statistics: options.stats === true,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    ...(forced === undefined ? {} : { timesForced: forced }),
    ...outside,
    banner: `${name} on ${counted(shape.vcpus, 'vCPU')}, ${counted(shape.pcpus, 'thread')}, ${memory}.`,
  });
}

/** Options of `hartvisor machine` as the parser gives them. */
export interface MachineCommandOptions extends MachineWords, AttachWords {
  readonly bios?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string | undefined;
  readonly stats?: true | undefined;
  readonly dumpdtb?: string | undefined;
}

/**
 * `hartvisor machine`: a bare machine that starts a program in M-mode.
 *
 * @param host - starts the machine's threads
 * @returns the exit status
 * @throws InputError for options and files that cannot be used
 */
export async function machineCommand(
  file: string,
  options: MachineCommandOptions,
  host: NodeHost,
): Promise<number> {
  const { attached } = await attach(options, host);
  const { timeout, ...shape } = readMachineWords(options, attached);
  const { harts, xlen, memoryBytes } = shape;
  const program = await loadProgram({ ...options, file, xlen, memoryBytes });
  const { append } = options;
  const trace = options.dumpdtb === undefined ? await giveTrace(options, host) : {};
  const bootArgs = append === undefined ? {} : { bootArgs: append };
  const config: MachineConfig = { kind: 'bare', ...shape, program, ...bootArgs, ...attached, ...trace };
  if (options.dumpdtb !== undefined) return dumpDeviceTree(config, host, options.dumpdtb);
  const outside = await connectOutside(options);
  return runSession(config, host, {
    timeout,
    ...outside,
    statistics: options.stats === true,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    banner: `${file} on ${counted(harts, 'hart')}, ${memoryBytes / 2 ** 20} MiB.`,
  });
}

/** The words for parts that a machine has on demand. */
interface AttachWords extends GdbWords, DriveWords, ShareWords, NetworkWords, LineWords, TraceWords {
  readonly serial?: string | undefined;
  readonly console?: string | undefined;
  readonly vsock?: string | undefined;
  readonly balloon?: true | undefined;
  readonly virtio?: string | undefined;
}

/** What a machine has on demand. */
interface Attached {
  readonly attached: AttachedParts;
  readonly drives: readonly DriveOptions[];
}

/** Opens what a machine that the host is going to start has on demand; it stays open until the process ends. */
async function attach(words: AttachWords, host: NodeHost, debian?: DebianDisk): Promise<Attached> {
  const virtio = readVirtio(words.virtio);
  const own = debian === undefined ? [] : [debian.drive];
  const drives = await connect(readDrives(words, virtio, own));
  const shares = readShares(words, virtio);
  const link = readLink(words);
  const network = link === undefined ? networkOf(words, debian) : undefined;
  const vsock = readVsock(words.vsock);
  if ((network ?? link) !== undefined && words.engine === 'lockstep')
    throw new InputError('--engine lockstep: in lock step a machine has no network. Leave one of both out.');
  const attached = {
    ...{ virtio, balloon: words.balloon === true },
    ports: portsOf(words),
    ...(vsock === undefined ? {} : { vsock: { cid: vsock.cid } }),
    ...(drives.length === 0 ? {} : { drives: await giveDrives(drives, host) }),
    ...(shares.length === 0 ? {} : { shares: await giveShares(shares, host) }),
    ...(network === undefined ? {} : { network: await giveNetwork(network, host, debian) }),
    ...(link === undefined ? {} : { network: await giveLink(link, host) }),
  };
  return { attached, drives };
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
async function connectOutside(
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

async function giveDrives(options: readonly DriveOptions[], host: NodeHost): Promise<readonly DriveFacts[]> {
  const { openDrives } = await import('../node/drives/open-drives.ts');
  const { facts, module } = openDrives(options);
  host.loadFirst(module);
  return facts;
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

async function dumpDeviceTree(config: MachineConfig, host: MachineHost, path: string): Promise<number> {
  await writeOutputFile(path, deviceTreeOf(config, host), 'The device tree');
  return 0;
}

/**
 * Has the machine's threads force an order of accesses: that of `PROTOCOL/SCENARIO`, whose counterexample is looked
 * for, or one of V and S as it is. What does that is loaded for those who ask for it.
 */
async function force(
  text: string | undefined,
  pcpus: number,
  host: NodeHost,
): Promise<(() => number) | undefined> {
  if (text === undefined) return undefined;
  if (pcpus < 2) {
    throw new InputError('--schedule makes two threads meet: give at least --smp 2 and --pcpus 2.');
  }
  const [{ forceOrder }, { isOrder }] = await Promise.all([
    import('../node/forced-order.ts'),
    import('../verify/threaded/forced-order.ts'),
  ]);
  if (isOrder(text)) return forceOrder(host, text);
  const { findOrder } = await import('../node/verify-host.ts');
  const { readId } = await import('./verify-options.ts');
  return forceOrder(host, await findOrder(readId(text, '--schedule')));
}

/** The disk of the guest `debian`, where that is asked for. */
async function debianDiskFor(
  guest: GuestName | undefined,
  { persistent, kernel, cpu }: RunCommandOptions,
): Promise<DebianDisk | undefined> {
  if (guest !== 'debian') {
    refusePersistent(persistent);
    return undefined;
  }
  // It should not take minutes until a mistake is found.
  refuseOtherGuest(kernel);
  refuseRv32(readCpu(cpu));
  return debianDisk(persistent === true);
}

/** @returns whether the guest has to be that of the first disk */
function readBoot(word: string | undefined): boolean {
  if (word === undefined || word === 'disk') return word === 'disk';
  throw new InputError(`--boot ${word}: give disk, for the kernel of the first disk, or leave --boot out.`);
}

function readGuestName(name: string | undefined): GuestName | undefined {
  if (name === undefined) return undefined;
  const found = GUEST_NAMES.find((candidate) => candidate === name);
  if (found !== undefined) return found;
  throw new InputError(
    `--guest ${name}: there is no guest of that name; the guests are ${GUEST_NAMES.join(', ')}.`,
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
