import type { FileSystem } from '../../filesystem/file-system.ts';
import { type BootEntry, compareVersions } from './boot-entry.ts';

/** Links that Debian's kernels and others keep at the newest kernel. */
const LINKS = [
  ['/vmlinuz', '/initrd.img'],
  ['/boot/vmlinuz', '/boot/initrd.img'],
] as const;
const KERNEL = /^(?:vmlinuz|vmlinux|Image)-(.+)$/;

/**
 * A kernel by the names that distributions give to it, and the initrd that goes with it.
 *
 * @param words - the command line
 */
export function findByName(files: FileSystem, words: (hasInitrd: boolean) => string): BootEntry | undefined {
  const found = byLink(files) ?? newest(files, '/boot') ?? newest(files, '') ?? plain(files);
  return found && { ...found, words: words(found.initrds.length > 0) };
}

type Names = Pick<BootEntry, 'kernel' | 'initrds'>;

function byLink(files: FileSystem): Names | undefined {
  for (const [kernel, initrd] of LINKS) {
    if (files.find(kernel) === undefined) continue;
    return { kernel, initrds: files.find(initrd) === undefined ? [] : [initrd] };
  }
  return undefined;
}

function newest(files: FileSystem, directory: string): Names | undefined {
  const names = files.list(directory === '' ? '/' : directory);
  const versions = names.flatMap((name) => KERNEL.exec(name)?.[1] ?? []).sort(compareVersions);
  const version = versions.findLast((each) => !/rescue|\.old$|\.bak$|\.gz\.sig$/.test(each));
  const kernel = names.find((name) => KERNEL.exec(name)?.[1] === version);
  if (version === undefined || kernel === undefined) return undefined;
  const initrd = [`initrd.img-${version}`, `initramfs-${version}.img`, `initrd-${version}`].find((name) =>
    names.includes(name),
  );
  return {
    kernel: `${directory}/${kernel}`,
    initrds: initrd === undefined ? [] : [`${directory}/${initrd}`],
  };
}

function plain(files: FileSystem): Names | undefined {
  const kernel = ['/boot/Image', '/Image', '/boot/vmlinux'].find((path) => files.find(path) !== undefined);
  return kernel === undefined ? undefined : { kernel, initrds: [] };
}
