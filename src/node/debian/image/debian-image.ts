import { mkdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ExtraFile } from '../../../boot/initramfs.ts';
import { InputError } from '../../../errors/input-error.ts';
import { createImage } from '../../drives/create-image.ts';
import { agentProgram } from '../../guests/agent-program.ts';
import type { FetchOptions, FetchProgress } from '../debian-guest.ts';
import { explained, usableCacheDir } from '../fetch-errors.ts';
import { DEFAULT_SUITE, type PrivateApt, privateApt } from '../private-apt.ts';
import { type BuildGuestParts, buildGuestParts, runBuildGuest } from './build-guest.ts';
import { systemFiles, UNITS } from './configuration.ts';
import { guestNetworkSettings, guestSources } from './guest-apt.ts';
import { writePackageDisc } from './package-disc.ts';
import { choosePackages, type PackageSet, packagesIn } from './package-set.ts';
import { type StageProgress, StageReader } from './progress.ts';
import { type Step, secondStage } from './second-stage.ts';
import { removeLeftovers, UnfinishedImage } from './unfinished-image.ts';

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
 * The file appears when it is complete. Until then a folder beside it has what was done, with which a later call for
 * the same image goes on, however this one ended. Downloaded files are kept in the cache.
 *
 * @throws InputError that names the missing part: apt, the network, a package, room on the disk
 * @throws Stopped by `signal`
 */
export async function debianImage(options: DebianImageOptions): Promise<DebianImage> {
  const file = resolve(options.file);
  const cacheDir = usableCacheDir(options.cacheDir, WHAT, '');
  await checkPlace(file);
  try {
    return await build({ ...options, file, cacheDir });
  } catch (error) {
    // Programs that were ended report failures of their own.
    stopIf(options.signal);
    throw explained(error, WHAT, '', cacheDir);
  }
}

interface Build extends DebianImageOptions {
  readonly cacheDir: string;
}

async function build(options: Build): Promise<DebianImage> {
  const { file, suite = DEFAULT_SUITE, mirror, signal } = options;
  const report = options.onProgress ?? (() => undefined);
  const aptDirectory = join(options.cacheDir, `debian-packages-${suite.replaceAll(/[^a-z0-9-]/g, '')}`);
  await mkdir(aptDirectory, { recursive: true, mode: 0o700 });
  report({ step: 'index', message: `Fetching the package index of Debian ${suite}` });
  const { onWarning = () => undefined } = options;
  const apt = await privateApt(aptDirectory, { suite, mirror, updates: true, onWarning, signal });
  await apt.update();
  const set = await choosePackages(apt, options.packages);
  checkSize(options.size, set);
  await checkRoom(aptDirectory, set.downloadBytes, 'the packages');
  await checkRoom(dirname(file), 2 * set.installedBytes + OVERHEAD, 'the image');
  stopIf(signal);
  const archives = await download(apt, set, report);
  const parts = await buildGuestParts({ ...options, archives });
  stopIf(signal);
  const { image, files } = await unfinishedImage(options, apt, set);
  try {
    const packages = packagesIn(archives, set);
    await writePackageDisc(image.disc, packages, (index) => {
      stopIf(signal);
      report({ step: 'unpack', message: 'Unpacking packages', fraction: index / packages.length });
    });
    await install(options, { set, parts, image, files });
    await image.finish();
    return { packages: packages.length, fileBytes: (await stat(file)).size };
  } finally {
    image.close();
  }
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

/** The work on an image, and the files of its guest. */
interface Unfinished {
  readonly image: UnfinishedImage;
  readonly files: readonly ExtraFile[];
}

async function unfinishedImage(options: Build, apt: PrivateApt, set: PackageSet): Promise<Unfinished> {
  const { file, size, hostname, sshKeys } = options;
  const agent = await agentProgram();
  const aptSources = guestSources(apt.sources());
  const aptSettings = guestNetworkSettings(apt.network, process.env);
  const filesWith = (uuid: string): readonly ExtraFile[] => [
    ...set.lists,
    ...systemFiles({ ...{ hostname, uuid, sshKeys, agent }, aptSources, aptSettings }),
  ];
  const image = await UnfinishedImage.open(file, [
    `${size}`,
    scriptOf(set, { uuid: '', done: 0 }),
    ...set.packages.map((each) => each.file),
    ...filesWith('').flatMap(({ path, data, mode }) => [`${path} ${mode}`, data]),
  ]);
  return { image, files: filesWith(image.uuid) };
}

function scriptOf({ portions }: PackageSet, stage: { readonly uuid: string; readonly done: number }): string {
  return secondStage({ ...stage, portions: portions.length, ...UNITS });
}

interface Installation extends Unfinished {
  readonly set: PackageSet;
  readonly parts: BuildGuestParts;
}

/** The steps of the guest, in words. */
const WORDS: Readonly<Record<Step, string>> = {
  format: 'Making the file system',
  unpack: 'Unpacking the base system',
  essential: 'Installing the base system',
  install: 'Installing packages',
  settle: 'Settling the system',
};

async function install(options: Build, { set, parts, image, files }: Installation): Promise<void> {
  const { size, signal, onWarning = () => undefined } = options;
  const report = options.onProgress ?? (() => undefined);
  await image.rewind();
  if (image.done === 0) createImage({ file: image.disk, size, backing: undefined, backingFormat: undefined });
  else report({ step: 'install', message: 'Going on with the image that was begun' });
  const tell = ({ step, fraction, what }: StageProgress) =>
    report({
      step: 'install',
      message: WORDS[step],
      fraction,
      ...(what === undefined ? {} : { detail: what }),
    });
  const reader = new StageReader(set.essential, set.portions, tell);
  let notice = '';
  const end = await runBuildGuest(parts, {
    image: image.disk,
    disc: image.disc,
    files,
    script: scriptOf(set, image),
    onLine: (line) => reader.line(line),
    onWhole: (stages) => keep(image, stages, set).catch((error: Error) => onWarning(notKept(error))),
    onNotice: (text) => {
      notice ||= text;
    },
    signal,
  });
  stopIf(signal);
  if (end.reason === 'poweroff' && reader.complete) return;
  if (end.reason === 'defect') throw end.error;
  const again = `The same command goes on from there; it begins anew when ${image.folder} is removed`;
  // Notices are whole sentences, and so are some lines of programs.
  const why = (notice || reader.trouble).replace(/\.$/, '');
  throw new InputError(`installing the packages failed: ${why}. ${again}`);
}

/** @throws InputError where the image itself may need the room */
async function keep(image: UnfinishedImage, stages: number, set: PackageSet): Promise<void> {
  const { size } = await stat(image.disk);
  await checkRoom(image.folder, size + set.installedBytes + OVERHEAD, 'the image');
  await image.keep(stages);
}

function notKept({ message }: Error): string {
  return `An image that is interrupted now would be installed anew from an earlier stage: ${message}.`;
}

async function checkPlace(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there !== undefined) {
    await removeLeftovers(file);
    throw new InputError(`The file ${file} is there already. Remove it, or give another name.`);
  }
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
