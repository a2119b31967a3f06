import { bytesAt, type Disk } from './disk.ts';

/** Marks of file systems that are not read here, for messages. Sources: the kernel's `include/uapi/linux/magic.h`. */
const MARKS: readonly { readonly name: string; readonly at: number; readonly mark: string }[] = [
  { name: 'XFS', at: 0, mark: 'XFSB' },
  { name: 'Btrfs', at: 0x1_0040, mark: '_BHRfS_M' },
  { name: 'F2FS', at: 1024, mark: '\x10\x20\xf5\xf2' },
  { name: 'squashfs', at: 0, mark: 'hsqs' },
  { name: 'EROFS', at: 1024, mark: '\xe2\xe1\xf5\xe0' },
  { name: 'FAT', at: 82, mark: 'FAT32' },
  { name: 'FAT', at: 54, mark: 'FAT' },
  { name: 'LUKS (encrypted)', at: 0, mark: 'LUKS\xba\xbe' },
  { name: 'a volume of LVM', at: 512 + 24, mark: 'LVM2' },
];

/** The name of a file system that is not read here; undefined where there is none, or one that nobody knows. */
export function otherFileSystem(disk: Disk): string | undefined {
  return MARKS.find(({ at, mark }) => {
    if (at + mark.length > disk.size) return false;
    const view = bytesAt(disk, at, mark.length);
    return Array.from(mark).every((letter, index) => view.getUint8(index) === letter.charCodeAt(0));
  })?.name;
}
