import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../../../errors/input-error.ts';
import { createImage } from '../../drives/create-image.ts';
import { agentProgram } from '../../guests/agent-program.ts';
import { removeAbandoned } from '../../leftovers.ts';
import type { FetchOptions, FetchProgress } from '../debian-guest.ts';
import { explained, usableCacheDir } from '../fetch-errors.ts';
import { withWorkDirectory } from '../file-set.ts';
import { DEFAULT_SUITE, type PrivateApt, privateApt } from '../private-apt.ts';
import { type BuildGuestParts, buildGuestParts, runBuildGuest } from './build-guest.ts';
import { systemFiles, UNITS } from './configuration.ts';
import { guestNetworkSettings, guestSources } from './guest-apt.ts';
import { writePackageDisc } from './package-disc.ts';
import { choosePackages, type PackageSet, packagesIn } from './package-set.ts';
import { type StageProgress, StageReader } from './progress.ts';
import { type Step, secondStage } from './second-stage.ts';

/** An image of a Debian that is to be made. */
export interface DebianImageOptions extends FetchOptions {
  readonly file: string;
  /** Bytes of the disk. */
  readonly size: number;
  readonly hostname: string;
  /** Lines of `authorized_keys`. */
  readonly sshKeys: readonly string[];
  /** Beside the usual ones. */
  readonly packages: readonly string[];
  /** {@link DEFAULT_SUITE} unless given. */
  readonly suite?: string | undefined;
  /** Address of the archive: that of the machine's own apt unless given. */
  readonly mirror?: string | undefined;
  /** Receives a sentence for a part that the image lacks, and was to have. */
  readonly onWarning?: (text: string) => void;
  /** Stops the work; downloaded files stay. */
  readonly signal?: AbortSignal;
}

/** An image that was made. */
export interface DebianImage {
  readonly packages: number;
  /** Bytes of its file. */
  readonly fileBytes: number;
}

/** The work was stopped by its signal. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

const WHAT = 'The Debian image cannot be made';
const MEBIBYTE = 2 ** 20;
/** Bytes of a file system beside the packages' files: tables, journal, lists of files, initrd. */
const OVERHEAD = 300 * MEBIBYTE;

/**
 * Makes a disk with a Debian on it, of packages that apt chooses, fetches and verifies. They are installed by their own
 * dpkg and apt in a guest, so that nothing here needs root.
 *
 * The file appears when it is complete. Downloaded files are kept in the cache for the next time.
 *
 * @throws InputError that names the missing part: apt, the network, a package, room on the disk
 * @throws Stopped by `signal`
 */
export async function debianImage(options: DebianImageOptions): Promise<DebianImage> {
  const file = resolve(options.file);
  const cacheDir = usableCacheDir(options.cacheDir, WHAT, '');
  await checkPlace(file);
  try {
    return await withWorkDirectory(cacheDir, (work) => build({ ...options, file, cacheDir }, work));
  } catch (error) {
    if (error instanceof Stopped) throw error;
    throw explained(error, WHAT, '', cacheDir);
  }
}

interface Build extends DebianImageOptions {
  readonly cacheDir: string;
}

async function build(options: Build, work: string): Promise<DebianImage> {
  const { file, suite = DEFAULT_SUITE, mirror, signal } = options;
  const report = options.onProgress ?? (() => undefined);
  const aptDirectory = join(options.cacheDir, `debian-packages-${suite.replaceAll(/[^a-z0-9-]/g, '')}`);
  await mkdir(aptDirectory, { recursive: true, mode: 0o700 });
  report({ step: 'index', message: `Fetching the package index of Debian ${suite}` });
  const { onWarning = () => undefined } = options;
  const apt = await privateApt(aptDirectory, { suite, mirror, updates: true, onWarning });
  await apt.update();
  const set = await choosePackages(apt, options.packages);
  checkSize(options.size, set);
  await checkRoom(aptDirectory, set.downloadBytes + set.installedBytes, 'the packages');
  await checkRoom(dirname(file), set.installedBytes + OVERHEAD, 'the image');
  stopIf(signal);
  const archives = await download(apt, set, report);
  const parts = await buildGuestParts({ cacheDir: options.cacheDir, onProgress: report });
  stopIf(signal);
  const disc = join(work, 'packages.iso');
  const packages = packagesIn(archives, set);
  await writePackageDisc(disc, packages, (index) => {
    stopIf(signal);
    report({ step: 'unpack', message: 'Unpacking packages', fraction: index / packages.length });
  });
  await withPartialFile(file, (partial) => install(options, { apt, set, parts, disc, partial }));
  return { packages: packages.length, fileBytes: (await stat(file)).size };
}

async function download(
  apt: PrivateApt,
  { wanted, downloadBytes, packages }: PackageSet,
  report: (progress: FetchProgress) => void,
): Promise<string> {
  const message = `Downloading ${packages.length} packages`;
  const progress = (fraction: number) =>
    report({
      ...{ step: 'download', message, totalBytes: downloadBytes },
      bytes: Math.round(fraction * downloadBytes),
    });
  progress(0);
  const archives = await apt.fetch(wanted, progress);
  progress(1);
  return archives;
}

interface Installation {
  readonly apt: PrivateApt;
  readonly set: PackageSet;
  readonly parts: BuildGuestParts;
  readonly disc: string;
  readonly partial: string;
}

/** The steps of the guest, in words. */
const WORDS: Readonly<Record<Step, string>> = {
  format: 'Making the file system',
  unpack: 'Unpacking the base system',
  essential: 'Installing the base system',
  install: 'Installing packages',
  settle: 'Settling the system',
};

async function install(options: Build, { apt, set, parts, disc, partial }: Installation): Promise<void> {
  const { size, hostname, sshKeys, signal } = options;
  const report = options.onProgress ?? (() => undefined);
  const uuid = crypto.randomUUID();
  createImage({ file: partial, size, backing: undefined, backingFormat: undefined });
  const agent = await agentProgram();
  const reader = new StageReader(set.essential, ({ step, fraction, what }: StageProgress) =>
    report({
      step: 'install',
      message: WORDS[step],
      fraction,
      ...(what === undefined ? {} : { detail: what }),
    }),
  );
  let notice = '';
  const end = await runBuildGuest(parts, {
    image: partial,
    disc,
    files: [
      ...set.lists,
      ...systemFiles({
        ...{ hostname, uuid, sshKeys, agent },
        aptSources: guestSources(apt.sources()),
        aptSettings: guestNetworkSettings(apt.network, process.env),
      }),
    ],
    script: secondStage({ uuid, ...UNITS }),
    onLine: (line) => reader.line(line),
    onNotice: (text) => {
      notice ||= text;
    },
    signal,
  });
  stopIf(signal);
  if (end.reason === 'poweroff' && reader.complete) return;
  if (end.reason === 'defect') throw end.error;
  throw new InputError(`installing the packages failed: ${notice || reader.trouble}`);
}

/** Has a file made under another name, beside its own, which it gets when it is complete and on the disk. */
async function withPartialFile(file: string, make: (partial: string) => Promise<void>): Promise<void> {
  const name = basename(file).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  await removeAbandoned(dirname(file), new RegExp(`^${name}\\.partial-(\\d+)`));
  const partial = `${file}.partial-${process.pid}`;
  try {
    await make(partial);
    const made = await open(partial, 'r+');
    await made.sync().finally(() => made.close());
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function checkPlace(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there !== undefined)
    throw new InputError(`The file ${file} is there already. Remove it, or give another name.`);
  const directory = await stat(dirname(file)).catch(() => undefined);
  if (directory?.isDirectory() !== true)
    throw new InputError(`The image ${file} cannot be made: there is no folder ${dirname(file)}.`);
}

function checkSize(size: number, { installedBytes }: PackageSet): void {
  const needed = Math.ceil((1.1 * installedBytes + OVERHEAD) / MEBIBYTE);
  if (size >= needed * MEBIBYTE) return;
  throw new InputError(`its packages need a disk of ${needed} MiB at least: --size ${needed}M`);
}

async function checkRoom(directory: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  const [needed, left] = [bytes, bavail * bsize].map((each) => Math.ceil(each / MEBIBYTE));
  throw new InputError(`${directory} has ${left} MiB left, and ${what} may need ${needed} MiB`);
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Stopped('stopped');
}
