import { availableParallelism } from 'node:os';
import { AGENT_PORT } from '../agent/protocol.ts';
import type { AttachedParts } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import type { MachineConfig } from '../machine/config.ts';
import { readCpu } from '../machine/cpu.ts';
import type { MachineHost } from '../machine/machine-host.ts';
import { writeOutputFile } from '../node/files.ts';
import {
  GUEST_NAMES,
  type GuestChoice,
  type GuestName,
  loadGuest,
  refuseOtherGuest,
  refuseRv32,
} from '../node/guests/load-guest.ts';
import type { NodeHost } from '../node/node-host.ts';
import { type Attached, type AttachWords, attach, connectOutside } from './attach.ts';
import { type DebianDisk, debianDisk, refusePersistent } from './debian-disk.ts';
import { fetchProgress } from './fetch-progress.ts';
import { loadProgram } from './firmware.ts';
import {
  type MachineWords,
  type RunShape,
  type RunWords,
  readConsole,
  readMachineWords,
  readRunWords,
} from './run-options.ts';
import { saverTo } from './save-option.ts';
import { outsideOf, type SessionNotes } from './saved-notes.ts';
import { deviceTreeOf, runSession } from './session.ts';
import { giveTrace } from './trace-option.ts';
import { mayBeWarm, WarmStart } from './warm-start.ts';

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
  readonly save?: string | undefined;
}

/**
 * `hartvisor run`: a guest on virtual CPUs.
 *
 * @param host - starts the machine's threads
 * @returns the exit status
 * @throws InputError for options and files that cannot be used
 */
export async function runCommand(
  options: RunCommandOptions,
  host: NodeHost,
  typed: readonly string[] = [],
): Promise<number> {
  const mayBe = mayBeWarm(typed);
  const read = await readRun(options, host, mayBe);
  const warm = mayBe ? await WarmStart.find(read.choice, read.shape) : undefined;
  const isDebug = options.debug === true;
  const status = await warm?.run(read.shape, isDebug, options.stats === true, host);
  if (status !== undefined) return status;
  const { name, config, given, shape } = await loadRun(options, host, read);
  if (options.dumpdtb !== undefined) return dumpDeviceTree(config, host, options.dumpdtb);
  const forced = await force(options.schedule, shape.pcpus, host);
  const outside = await connectOutside(options);
  const memory = `${shape.memoryBytes / 2 ** 20} MiB`;
  const saver = saverTo(options.save, () => outsideOf(notesOf(name, options), given));
  return runSession(config, host, {
    timeout: shape.timeout,
    statistics: options.stats === true,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    ...(forced === undefined ? {} : { timesForced: forced }),
    ...(saver === undefined ? {} : { saver }),
    ...(warm === undefined ? {} : { warm: warm.watch(name) }),
    ...outside,
    banner: `${name} on ${counted(shape.vcpus, 'vCPU')}, ${counted(shape.pcpus, 'thread')}, ${memory}.`,
  });
}

/** A guest, and the machine for it. */
export interface LoadedRun {
  /** Of the guest, for people. */
  readonly name: string;
  readonly config: MachineConfig;
  readonly given: Attached;
  readonly shape: RunShape;
}

/** The guest that `hartvisor run` is asked for, before any was looked for. */
export interface ReadRun {
  readonly given: Attached;
  readonly attached: AttachedParts;
  readonly shape: RunShape;
  readonly choice: GuestChoice;
}

/**
 * Reads the kernel and the files that `hartvisor run` is to start.
 *
 * @param withAgent the machine has a port for the guest's agent, which is in the guest that hartvisor brings
 * @throws InputError for options and files that cannot be used
 */
export async function readRun(
  options: RunCommandOptions,
  host: NodeHost,
  withAgent: boolean,
): Promise<ReadRun> {
  const fromDisk = readBoot(options.boot);
  const guestName = readGuestName(options.guest);
  const debian = await debianDiskFor(guestName, options);
  const given = await attach(options, host, debian);
  const { drives } = given;
  const ports = given.attached.ports ?? [];
  const attached = withAgent
    ? { ...given.attached, ports: [...ports, { name: AGENT_PORT }] }
    : given.attached;
  const protocol = await useProtocol(options, host);
  const shape = readRunWords({ ...options, protocol }, availableParallelism(), attached);
  const choice = {
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
      agent: (attached.ports ?? []).some(({ name }) => name === AGENT_PORT),
    },
    window: process.stdin.isTTY ? process.stdout : undefined,
  };
  return { given, attached, shape, choice };
}

/** Reads, or fetches, the guest of it. @throws InputError for files that cannot be used */
export async function loadRun(
  options: RunCommandOptions,
  host: NodeHost,
  { given, attached, shape, choice }: ReadRun,
): Promise<LoadedRun> {
  const progress = fetchProgress(process.stderr);
  const guest = await loadGuest({ ...choice, onProgress: progress.report }).finally(progress.done);
  const { name, ...parts } = guest;
  const { timeout: _, ...numbers } = shape;
  const config: MachineConfig = {
    kind: 'domain',
    ...numbers,
    ...parts,
    ...attached,
    ...(options.dumpdtb === undefined ? await giveTrace(options, host) : {}),
    debug: options.debug === true,
  };
  return { name, config, given, shape };
}

/**
 * Has the guest use a protocol of the person's own, if that is asked for.
 *
 * @returns the name of one of ours otherwise
 */
async function useProtocol(
  { protocol, save }: RunCommandOptions,
  host: NodeHost,
): Promise<string | undefined> {
  if (protocol === undefined || !/[./\\]/.test(protocol)) return protocol;
  if (save !== undefined)
    throw new InputError(
      `--save ${save} with --protocol ${protocol}: a snapshot does not keep a protocol of your own. Leave one of both out.`,
    );
  const { useOwnProtocol } = await import('../node/own-protocol.ts');
  await useOwnProtocol(host, protocol, '--protocol');
  return undefined;
}

/** Options of `hartvisor machine` as the parser gives them. */
export interface MachineCommandOptions extends MachineWords, AttachWords {
  readonly bios?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string | undefined;
  readonly stats?: true | undefined;
  readonly dumpdtb?: string | undefined;
  readonly save?: string | undefined;
}

/**
 * `hartvisor machine`: a bare machine that starts a program in M-mode.
 *
 * @param file - the program, or with `--bios` the kernel; without it the kernel of the first disk is started
 * @param host - starts the machine's threads
 * @returns the exit status
 * @throws InputError for options and files that cannot be used
 */
export async function machineCommand(
  file: string | undefined,
  options: MachineCommandOptions,
  host: NodeHost,
): Promise<number> {
  const given = await attach(options, host);
  const { attached } = given;
  const { timeout, ...shape } = readMachineWords(options, attached);
  const { harts, xlen, memoryBytes } = shape;
  const { append, console } = options;
  const parts = {
    ...options,
    file,
    disk: given.drives[0],
    xlen,
    memoryBytes,
    terminal: readConsole(console),
  };
  const { name, program, bootArgs: words = append } = await loadProgram(parts);
  const trace = options.dumpdtb === undefined ? await giveTrace(options, host) : {};
  const bootArgs = words === undefined ? {} : { bootArgs: words };
  const config: MachineConfig = { kind: 'bare', ...shape, program, ...bootArgs, ...attached, ...trace };
  if (options.dumpdtb !== undefined) return dumpDeviceTree(config, host, options.dumpdtb);
  const outside = await connectOutside(options);
  const saver = saverTo(options.save, () => outsideOf(notesOf(name, options), given));
  return runSession(config, host, {
    timeout,
    ...outside,
    ...(saver === undefined ? {} : { saver }),
    statistics: options.stats === true,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    banner: `${name} on ${counted(harts, 'hart')}, ${memoryBytes / 2 ** 20} MiB.`,
  });
}

function notesOf(
  name: string,
  { console, guest, persistent }: AttachWords & Pick<RunCommandOptions, 'guest' | 'persistent'>,
): SessionNotes {
  const changes = persistent === true ? 'kept' : 'discarded';
  return { name, console: readConsole(console), debian: guest === 'debian' ? changes : undefined };
}

async function dumpDeviceTree(config: MachineConfig, host: MachineHost, path: string): Promise<number> {
  await writeOutputFile(path, deviceTreeOf(config, host), 'The device tree');
  return 0;
}

/**
 * Has the machine's threads force an order of accesses: that of `PROTOCOL/SCENARIO`, whose counterexample is looked
 * for, or one of V and S as it is. The code for that is loaded on demand.
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
  refuseRv32(readCpu(cpu).xlen);
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
