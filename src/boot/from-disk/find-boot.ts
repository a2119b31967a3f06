import { type Disk, DiskError } from '../../filesystem/disk.ts';
import { Ext4 } from '../../filesystem/ext4/ext4.ts';
import { isExt4 } from '../../filesystem/ext4/superblock.ts';
import type { FileSystem } from '../../filesystem/file-system.ts';
import { otherFileSystem } from '../../filesystem/others.ts';
import { partitionsOf } from '../../filesystem/partitions.ts';
import { type BootEntry, compareVersions, LONGEST_CONFIGURATION } from './boot-entry.ts';
import { findByName } from './by-name.ts';
import { readExtlinux } from './extlinux.ts';
import { readGrub } from './grub.ts';
import { readLoaderEntry } from './loader-entry.ts';

/** The kernel of a disk, and all that goes with it. */
export interface DiskBoot {
  readonly kernel: Uint8Array<ArrayBuffer>;
  /** The kernel's path, and the partition. */
  readonly name: string;
  readonly initrd: Uint8Array<ArrayBuffer> | undefined;
  /** The command line. */
  readonly words: string;
}

/** Limits of reading, in bytes. */
export interface BootLimits {
  readonly kernel: number;
  /** Of all initrds together. */
  readonly initrd: number;
}

/** A disk on which there is nothing to start. The message goes on from the disk's name. */
export class NoBoot extends DiskError {
  override readonly name = 'NoBoot';
}

interface Volume {
  readonly partition: number;
  readonly files: FileSystem;
}

const EXTLINUX = ['/boot/extlinux', '/extlinux'];
const ENTRIES = ['/boot/loader/entries', '/loader/entries'];
const GRUB = ['/boot/grub', '/grub', '/boot/grub2', '/grub2'];
/** Entries of the Boot Loader Specification that are looked at. */
const MOST_ENTRIES = 64;

/**
 * Finds the system that a disk starts: by the configuration of a boot loader (extlinux, the Boot Loader Specification,
 * GRUB), or else by the names of kernels. The content of the disk may be anybody's.
 *
 * @param device - the disk's name in Linux, such as `vda`
 * @throws NoBoot where there is nothing, and DiskError where it cannot be read or is too large
 */
export function findBoot(disk: Disk, device: string, limits: BootLimits): DiskBoot {
  const { volumes, troubles } = openVolumes(disk);
  for (const way of [configured, named]) {
    for (const volume of volumes) {
      try {
        const entry = way(volume, volumes, device);
        if (entry !== undefined) return load(volume, entry, limits);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        troubles.push(`${placeOf(volume.partition)} ${error.message}`);
      }
    }
  }
  const what =
    volumes.length === 0
      ? 'has no file system that hartvisor reads (ext2, ext3, ext4)'
      : 'has no kernel, neither by the configuration of a boot loader nor by its name';
  throw new NoBoot([what, ...troubles].join('; '));
}

function openVolumes(disk: Disk): { readonly volumes: readonly Volume[]; readonly troubles: string[] } {
  const volumes: Volume[] = [];
  const troubles: string[] = [];
  for (const { number, disk: part } of partitionsOf(disk)) {
    try {
      if (isExt4(part)) volumes.push({ partition: number, files: new Ext4(part) });
      else {
        const other = otherFileSystem(part);
        if (other !== undefined) troubles.push(`${placeOf(number)} is ${other}`);
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      troubles.push(`${placeOf(number)} ${error.message}`);
    }
  }
  return { volumes, troubles };
}

function configured({ files }: Volume): BootEntry | undefined {
  for (const directory of EXTLINUX) {
    const text = readText(files, `${directory}/extlinux.conf`);
    const entry = text === undefined ? undefined : readExtlinux(text, directory);
    if (entry !== undefined) return entry;
  }
  for (const directory of ENTRIES) {
    const entry = newestEntry(files, directory);
    if (entry !== undefined) return entry;
  }
  for (const directory of GRUB) {
    const text = readText(files, `${directory}/grub.cfg`);
    const entry = text === undefined ? undefined : readGrub(text);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function newestEntry(files: FileSystem, directory: string): BootEntry | undefined {
  const names = files.list(directory).filter((name) => name.endsWith('.conf') && !name.includes('rescue'));
  const entries = names.slice(0, MOST_ENTRIES).flatMap((name) => {
    const text = readText(files, `${directory}/${name}`);
    return text === undefined ? [] : (readLoaderEntry(text) ?? []);
  });
  return entries.sort((one, other) => compareVersions(one.version, other.version)).at(-1);
}

function readText(files: FileSystem, path: string): string | undefined {
  const file = files.find(path);
  if (file === undefined || file.bytes > LONGEST_CONFIGURATION) return undefined;
  return new TextDecoder().decode(file.read());
}

function named(volume: Volume, volumes: readonly Volume[], device: string): BootEntry | undefined {
  // /boot may be a file system of its own.
  const root = volumes.find(({ files }) => isRoot(files)) ?? volume;
  const partition = root.partition === 0 ? '' : root.partition;
  return findByName(volume.files, (hasInitrd) =>
    // The kernel alone does not know file systems by their UUIDs.
    hasInitrd ? `root=UUID=${root.files.uuid} ro` : `root=/dev/${device}${partition} ro`,
  );
}

function isRoot(files: FileSystem): boolean {
  return ['/etc/fstab', '/etc/os-release', '/sbin/init', '/init'].some(
    (path) => files.find(path) !== undefined,
  );
}

function load({ partition, files }: Volume, entry: BootEntry, limits: BootLimits): DiskBoot {
  const kernel = readAll(files, [entry.kernel], limits.kernel);
  const initrd = entry.initrds.length === 0 ? undefined : readAll(files, entry.initrds, limits.initrd);
  return { kernel, initrd, words: entry.words, name: `${entry.kernel} (${placeOf(partition)})` };
}

/** Files one behind the other. */
function readAll(files: FileSystem, paths: readonly string[], limit: number): Uint8Array<ArrayBuffer> {
  const found = paths.map((path) => {
    const file = files.find(path);
    if (file === undefined) throw new DiskError(`names ${path}, which it does not have`);
    return file;
  });
  const bytes = found.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > limit)
    throw new DiskError(`names ${paths.join(', ')} with ${bytes} bytes; at most ${limit} are possible`);
  if (bytes === 0) throw new DiskError(`names ${paths.join(', ')}, which is empty`);
  if (found.length === 1) return found[0].read();
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (const file of found) {
    joined.set(file.read(), at);
    at += file.bytes;
  }
  return joined;
}

function placeOf(partition: number): string {
  return partition === 0 ? 'the disk' : `partition ${partition}`;
}
