import {
  type ConsoleName,
  diskCommandLine,
  linuxCommandLine,
  OWN_GUEST_WORDS,
  systemdWindowWords,
  windowWords,
} from '../../boot/command-line.ts';
import { initramfs } from '../../boot/initramfs.ts';
import { type Kernel, readKernel } from '../../boot/kernel-image.ts';
import { checkInitrdSize } from '../../boot/placement.ts';
import { InputError } from '../../errors/input-error.ts';
import type { Xlen } from '../../machine/cpu.ts';
import type { DebianGuest, FetchOptions, FetchProgress } from '../debian/debian-guest.ts';
import type { DriveOptions } from '../drives/drive-options.ts';
import { guestLimits, readInputFile } from '../files.ts';
import { packageFile } from '../package-files.ts';
import { unpackers } from '../unpackers.ts';
import type { GuestParts } from './guest-parts.ts';

/** Guests that hartvisor brings: the first is started when no kernel is given. */
export const GUEST_NAMES = ['busybox', 'debian', 'tick'] as const;
export type GuestName = (typeof GUEST_NAMES)[number];

/** The size of a terminal; nothing where it is none, or is not known. */
export interface Window {
  readonly columns?: number;
  readonly rows?: number;
}

/** The options that choose a guest. */
export interface GuestChoice {
  /** A file, or its contents. */
  readonly kernel?: string | Uint8Array<ArrayBuffer> | undefined;
  /** A file, or its contents. */
  readonly initrd?: string | Uint8Array<ArrayBuffer> | undefined;
  readonly append?: string | undefined;
  /** The words of `append` are all that the guest gets. */
  readonly appendOnly?: true | undefined;
  readonly guest?: GuestName | undefined;
  /** Bytes of memory that it will have. */
  readonly memoryBytes: number;
  /** Width of the harts. */
  readonly xlen: Xlen;
  /** Where its terminal is. */
  readonly terminal: ConsoleName;
  /** Those of its machine's parts that its kernel may have modules for. */
  readonly parts: GuestParts;
  /** The first disk, which may have a guest of its own. */
  readonly disk?: DriveOptions | undefined;
  /** The guest has to be that of the disk. */
  readonly fromDisk?: boolean;
  /** Of a person's terminal at the guest's serial port. */
  readonly window?: Window | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Ends a download. */
  readonly signal?: AbortSignal | undefined;
  /** The names of the options as the person writes them: those of the command line unless they are given. */
  readonly names?: OptionNames;
}

/** By which messages call the options of {@link GuestChoice}. */
export interface OptionNames {
  readonly kernel: string;
  readonly initrd: string;
  readonly guest: string;
}

const COMMAND_LINE: OptionNames = { kernel: '--kernel', initrd: '--initrd', guest: '--guest' };

/** A guest, ready to be put into memory. */
export interface Guest {
  /** Its name, for people. */
  readonly name: string;
  readonly kernel: Kernel;
  readonly initrd?: Uint8Array;
  readonly bootArgs: string;
}

const tickFiles = {
  32: packageFile('guests/tick/tick-rv32.elf'),
  64: packageFile('guests/tick/tick.elf'),
} as const;

/**
 * Reads, or the first time fetches, the guest that was asked for.
 *
 * @throws InputError when files are missing or are not as they should be
 */
export async function loadGuest(choice: GuestChoice): Promise<Guest> {
  const { kernel, guest } = choice;
  if (guest !== undefined) refuseOtherGuest(kernel, guest, choice.names);
  if (choice.fromDisk === true && (kernel !== undefined || guest !== undefined)) {
    throw new InputError(
      '--boot disk takes the guest from the disk. Leave out --kernel and --guest, or --boot.',
    );
  }
  if (guest === 'tick') return loadTick(choice);
  // The person's own files first: a mistake there should not cost a download.
  const initrd = await initrdOf(choice);
  if (kernel !== undefined) return loadKernel(kernel, choice, initrd);
  const onDisk = guest === 'busybox' ? undefined : await loadFromDisk(choice, initrd);
  return onDisk ?? loadBusybox(choice, initrd);
}

/** @throws InputError where a kernel is given beside a guest that hartvisor brings */
export function refuseOtherGuest(
  kernel: GuestChoice['kernel'],
  guest: GuestName = 'debian',
  names: OptionNames = COMMAND_LINE,
): void {
  if (kernel === undefined) return;
  const file = typeof kernel === 'string' ? ` ${kernel}` : '';
  throw new InputError(
    `${names.kernel}${file} and ${names.guest} ${guest} both name a guest. Give one of them.`,
  );
}

/** @throws InputError on harts of 32 bits */
export function refuseRv32(xlen: Xlen, names: OptionNames = COMMAND_LINE): void {
  if (xlen === 64) return;
  throw new InputError(
    `Debian has no kernel for RV32. Name one of your own with ${names.kernel}, or start harts of 64 bits.`,
  );
}

/** The guest of the first disk; undefined where that is for data. */
async function loadFromDisk(choice: GuestChoice, initrd: Uint8Array | undefined): Promise<Guest | undefined> {
  const { disk, guest, memoryBytes, xlen, append, appendOnly, terminal, window = {} } = choice;
  const fromDisk = choice.fromDisk === true || guest === 'debian';
  if (disk === undefined) {
    if (fromDisk) throw new InputError('--boot disk needs a disk. Give one with --disk FILE.');
    return undefined;
  }
  const { bootFromDisk } = await import('./disk-guest.ts');
  const found = bootFromDisk(disk, memoryBytes, fromDisk);
  if (found === undefined) return undefined;
  const kernel = await readKernel(found.kernel, found.source, unpackers, xlen);
  const used = initrd ?? found.initrd;
  const isOwn = guest === 'debian';
  const own = isOwn ? OWN_GUEST_WORDS : [];
  const size = isOwn && terminal === 'serial' ? systemdWindowWords(window) : [];
  const words = [...own, found.words, ...size].join(' ');
  return {
    name: found.source,
    kernel,
    ...(used && { initrd: used }),
    bootArgs: appendOnly === true ? (append ?? '') : diskCommandLine(words, append, terminal),
  };
}

/**
 * Reads an initrd: in any form that the kernel takes, so its content is not looked at.
 *
 * @param memoryBytes - of the guest: a larger file is not read
 */
export async function readInitrd(
  path: string,
  memoryBytes: number,
  option: string = COMMAND_LINE.initrd,
): Promise<Uint8Array<ArrayBuffer>> {
  const checkSize = (bytes: number) => checkInitrdSize(memoryBytes, bytes);
  return readInputFile(path, 'The initrd', option, { ...guestLimits, checkSize });
}

async function initrdOf({
  initrd,
  memoryBytes,
  names,
}: GuestChoice): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (typeof initrd === 'string') return readInitrd(initrd, memoryBytes, names?.initrd);
  if (initrd !== undefined) checkInitrdSize(memoryBytes, initrd.length);
  return initrd;
}

/** Reads a kernel that a person named. */
export async function readKernelFile(path: string, option: string, xlen: Xlen): Promise<Kernel> {
  return readKernel(await readInputFile(path, 'The kernel', option), path, unpackers, xlen);
}

async function loadKernel(
  given: string | Uint8Array<ArrayBuffer>,
  choice: GuestChoice,
  initrd: Uint8Array | undefined,
): Promise<Guest> {
  const { xlen, names = COMMAND_LINE } = choice;
  const isFile = typeof given === 'string';
  const name = isFile ? given : 'the kernel that was given';
  const kernel = await (isFile
    ? readKernelFile(given, names.kernel, xlen)
    : readKernel(given, name, unpackers, xlen));
  return { name, kernel, ...(initrd && { initrd }), bootArgs: commandLine(choice) };
}

function commandLine({ append, appendOnly, terminal }: GuestChoice, extra: readonly string[] = []): string {
  return appendOnly === true ? (append ?? '') : linuxCommandLine(append, extra, terminal);
}

async function loadTick({ initrd, append, xlen, names = COMMAND_LINE }: GuestChoice): Promise<Guest> {
  if (initrd !== undefined) {
    const file = typeof initrd === 'string' ? ` ${initrd}` : '';
    throw new InputError(`${names.guest} tick has no use for ${names.initrd}${file}. Leave it out.`);
  }
  const file = tickFiles[xlen];
  const bytes = await readInputFile(file, 'The embedded guest', '--guest');
  const kernel = await readKernel(bytes, file, unpackers, xlen);
  return { name: 'tick', kernel, bootArgs: append ?? '' };
}

async function loadBusybox(choice: GuestChoice, given: Uint8Array | undefined): Promise<Guest> {
  const { version, kernelPath, initrd, bootArgs } = await busyboxFiles(choice, given);
  const kernel = await readKernelFile(kernelPath, '--kernel', choice.xlen);
  return { name: `Debian's kernel ${version}`, kernel, initrd, bootArgs };
}

/** The guest that is started when no other one is named, without its kernel's content. */
export interface BusyboxFiles {
  readonly version: string;
  readonly kernelPath: string;
  readonly initrd: Uint8Array;
  readonly bootArgs: string;
}

/**
 * Finds, or the first time fetches, the guest that is started when no other one is named.
 *
 * @param given in place of its initrd
 * @throws InputError when files are missing or are not as they should be
 */
export async function busyboxFiles(choice: GuestChoice, given?: Uint8Array): Promise<BusyboxFiles> {
  refuseRv32(choice.xlen, choice.names);
  const { fetchDebianGuest, waysOut } = await import('../debian/debian-guest.ts');
  const files = await fetchDebianGuest(fetchOptions(choice), waysOut(choice.names ?? COMMAND_LINE));
  // The virtio console tells its size by itself, and that it has changed.
  const { terminal, window = {} } = choice;
  const size = terminal === 'serial' ? windowWords(window) : [];
  const bootArgs = commandLine(choice, [...OWN_GUEST_WORDS, ...size]);
  const { version, kernelPath } = files;
  return { version, kernelPath, bootArgs, initrd: given ?? (await debianInitramfs(files, choice)) };
}

/** Busybox, and its modules for the machine's parts that Debian's kernel has modules for. */
async function debianInitramfs(
  { busyboxPath, version }: DebianGuest,
  choice: GuestChoice,
): Promise<Uint8Array<ArrayBuffer>> {
  const busybox = await readInputFile(busyboxPath, 'The busybox', '--initrd');
  const { parts } = choice;
  const { virtio: _, shares = [], processes, ...others } = parts;
  if (shares.length === 0 && processes === undefined && !Object.values(others).includes(true))
    return initramfs({ busybox });
  const { guestSetUp } = await import('./guest-parts.ts');
  const { files, setUp } = await guestSetUp(version, parts, fetchOptions(choice));
  return initramfs({ busybox, extraFiles: files, setUp });
}

function fetchOptions({ onProgress, signal }: GuestChoice): FetchOptions {
  return { signal, ...(onProgress === undefined ? {} : { onProgress }) };
}
