import { constants } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { reporting } from '../../api/reporting.ts';
import { checkOptions, LISTENER, type OptionRules, SIGNAL, TEXT } from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { unpackMembers } from './command.ts';
import { explained, usableCacheDir } from './fetch-errors.ts';
import { type FileSet, readFileSet, storeFileSet, withWorkDirectory } from './file-set.ts';
import { type PackageDescription, type PrivateApt, privateApt } from './private-apt.ts';

/** How far fetching has come, for people to see. */
export interface FetchProgress {
  readonly step: 'index' | 'download' | 'unpack' | 'install';
  /** The same in words, without bytes: "Downloading linux-image-... and busybox-static". */
  readonly message: string;
  /** While downloading: bytes that are there, and all. */
  readonly bytes?: number;
  readonly totalBytes?: number;
  /** While installing: how much of all steps of that kind is done, 0 to 1. */
  readonly fraction?: number;
  /** The item under way, for observers of every step: the name of a package. */
  readonly detail?: string;
}

/** Where fetched files live, and the listener to progress. */
export interface FetchOptions {
  /** By default `$HARTVISOR_CACHE`, `$XDG_CACHE_HOME/hartvisor` or `~/.cache/hartvisor`. */
  readonly cacheDir?: string;
  /** Is told of each step. */
  readonly onProgress?: (progress: FetchProgress) => void;
  /** A directory with package files of which some may be wanted: they are not downloaded again. */
  readonly archives?: string;
  /** Stops the work, which fails then. */
  readonly signal?: AbortSignal | undefined;
}

const FETCH_OPTIONS: OptionRules<FetchOptions> = {
  cacheDir: TEXT,
  onProgress: LISTENER,
  archives: TEXT,
  signal: SIGNAL,
};

/** Debian's kernel and busybox for riscv64, as files. */
export interface DebianGuest {
  /** The kernel, a raw RISC-V `Image`. */
  readonly kernelPath: string;
  /** The static busybox. */
  readonly busyboxPath: string;
  /** The kernel's release, such as `6.12.107+deb13-riscv64`. */
  readonly version: string;
}

/** The files of one Debian package that were asked for. */
export interface DebianPackage {
  /** Directory that the package's tree was unpacked into. */
  readonly directory: string;
  readonly version: string;
  /** The unpacked regular files, relative to the directory. */
  readonly files: readonly string[];
}

const kernelMetaPackage = 'linux-image-riscv64';
const kernelPackagePattern = /^linux-image-(\d\S*-riscv64)$/;

/** The ways out without a download. @param names of the options, as the person writes them */
export function waysOut({
  kernel,
  initrd,
  guest,
}: Readonly<Record<'kernel' | 'initrd' | 'guest', string>>): string {
  return (
    `Give a kernel of your own with ${kernel} FILE (and ${initrd} FILE), or start the embedded guest, which needs no ` +
    `download: ${guest} tick.`
  );
}

const USUAL_WAYS = waysOut({ kernel: '--kernel', initrd: '--initrd', guest: '--guest' });

/**
 * Debian's riscv64 kernel and static busybox, from the cache or, the first time, from the Debian archive that this
 * machine's apt uses. Files in the cache are checked before it is used and fetched again if it is damaged.
 *
 * @throws InputError for options that cannot be, or when apt, dpkg-deb or the network is missing; the message names
 *   the ways out. The error of `options.onProgress`, the reason of `options.signal`.
 */
export async function debianGuest(options: FetchOptions = {}): Promise<DebianGuest> {
  checkOptions(options, FETCH_OPTIONS);
  // A file that has come stays in the cache.
  return reporting(options, fetchDebianGuest, () => undefined);
}

/** The same for callers within, who may have more options than these. @param ways out without a download */
export async function fetchDebianGuest(options: FetchOptions, ways = USUAL_WAYS): Promise<DebianGuest> {
  const set = await cachedOrFetched(
    'debian-guest',
    options,
    `Debian's kernel cannot be fetched`,
    ways,
    async (apt) => {
      const kernel = (await apt.dependencies(kernelMetaPackage)).find((name) =>
        kernelPackagePattern.test(name),
      );
      const release = kernel === undefined ? undefined : kernelPackagePattern.exec(kernel)?.[1];
      if (kernel === undefined || release === undefined) {
        throw new InputError(`${kernelMetaPackage} depends on no kernel package`);
      }
      return {
        version: release,
        packages: [
          { name: kernel, members: [`./boot/vmlinux-${release}`] },
          { name: 'busybox-static', members: ['*/bin/busybox'] },
        ],
      };
    },
  );
  return {
    kernelPath: pathIn(set, /(^|\/)vmlinux-/),
    busyboxPath: pathIn(set, /(^|\/)busybox$/),
    version: set.version,
  };
}

/** Which files of a package are wanted. */
export interface PackageOptions extends FetchOptions {
  /** Patterns of `tar` for their names, such as `./boot/config-*`; all of them unless given. */
  readonly members?: readonly string[];
}

/**
 * A package of Debian's riscv64 release, unpacked into the cache: firmware and tools to test against.
 *
 * @param name - the package's name, such as `opensbi`.
 * @throws InputError as {@link debianGuest}, and when there is no such package.
 */
export async function debianPackage(name: string, options: PackageOptions = {}): Promise<DebianPackage> {
  // The rules for package names (Debian policy 5.6.1); it becomes an argument and a file name.
  if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name))
    throw new InputError(`"${name}" is not the name of a Debian package`);
  const { members = [] } = options;
  const key = ['debian-package', name, ...members.map((member) => member.replaceAll(/[^\w.-]+/g, ''))].join(
    '-',
  );
  const set = await cachedOrFetched(
    key,
    options,
    `Debian's package ${name} cannot be fetched`,
    '',
    async (apt) => {
      const { version } = await apt.describe(name);
      return { version, packages: [{ name, members: members.length > 0 ? members : ['*'] }] };
    },
  );
  return { directory: set.directory, version: set.version, files: set.files.map((file) => file.path) };
}

interface Request {
  readonly version: string;
  readonly packages: readonly { readonly name: string; readonly members: readonly string[] }[];
}

async function cachedOrFetched(
  key: string,
  options: FetchOptions,
  what: string,
  wayOut: string,
  plan: (apt: PrivateApt) => Promise<Request>,
): Promise<FileSet> {
  const cacheDir = usableCacheDir(options.cacheDir, what, wayOut);
  const cached = await readFileSet(cacheDir, key);
  if (cached !== undefined) return cached;
  try {
    return await withWorkDirectory(cacheDir, (work) => fetchSet(cacheDir, key, work, options, plan));
  } catch (error) {
    options.signal?.throwIfAborted();
    throw explained(error, what, wayOut, cacheDir);
  }
}

async function fetchSet(
  cacheDir: string,
  key: string,
  work: string,
  options: FetchOptions,
  plan: (apt: PrivateApt) => Promise<Request>,
): Promise<FileSet> {
  const report = options.onProgress ?? (() => undefined);
  const aptDirectory = await subdirectory(work, 'apt');
  const downloads = await subdirectory(work, 'packages');
  const tree = await subdirectory(work, 'tree');
  report({ step: 'index', message: "Fetching Debian's package index" });
  const apt = await privateApt(aptDirectory, { signal: options.signal });
  await apt.update();
  const request = await plan(apt);
  const names = request.packages.map((item) => item.name);
  const descriptions = await Promise.all(names.map((name) => apt.describe(name)));
  if (options.archives !== undefined) await copyArchives(options.archives, descriptions, downloads);
  await download(apt, descriptions, downloads, report);
  for (const { name, members } of request.packages) {
    report({ step: 'unpack', message: `Unpacking ${name}` });
    await unpackMembers(await packageFile(downloads, name), tree, members);
  }
  return storeFileSet(cacheDir, key, request.version, tree, await regularFiles(tree));
}

async function download(
  apt: PrivateApt,
  packages: readonly PackageDescription[],
  directory: string,
  report: (progress: FetchProgress) => void,
): Promise<void> {
  const names = packages.map((item) => item.name);
  const totalBytes = packages.reduce((sum, item) => sum + item.size, 0);
  const message = `Downloading ${names.join(' and ')}`;
  const progress = (fraction: number) =>
    report({ step: 'download', message, bytes: Math.round(fraction * totalBytes), totalBytes });
  progress(0);
  await apt.download(names, directory, progress);
  progress(1);
}

/** Files that are there are not trusted: apt looks whether they are those of its index. */
async function copyArchives(
  archives: string,
  packages: readonly PackageDescription[],
  directory: string,
): Promise<void> {
  for (const { name, version } of packages) {
    const start = `${name}_${version.replaceAll(':', '%3a')}_`;
    const file = (await readdir(archives)).find((each) => each.startsWith(start) && each.endsWith('.deb'));
    if (file !== undefined)
      await copyFile(join(archives, file), join(directory, file), constants.COPYFILE_FICLONE);
  }
}

async function subdirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  return path;
}

async function packageFile(directory: string, name: string): Promise<string> {
  const file = (await readdir(directory)).find(
    (entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'),
  );
  if (file === undefined) throw new Error(`apt-get download left no file for ${name}`);
  return join(directory, file);
}

async function regularFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

function pathIn(set: FileSet, pattern: RegExp): string {
  const file = set.files.find((candidate) => pattern.test(candidate.path));
  if (file === undefined)
    throw new Error(`the package that was fetched holds no file like ${pattern.source}`);
  return join(set.directory, file.path);
}
