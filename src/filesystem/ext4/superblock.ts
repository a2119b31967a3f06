import { bytesAt, type Disk, DiskError } from '../disk.ts';
import { DESCRIPTOR, INCOMPATIBLE, INODE, SPARSE, SUPERBLOCK } from './facts.ts';

const KNOWN = Object.values(INCOMPATIBLE).reduce((all, each) => all | each, 0);
/** 64 KiB. */
const MOST_LOG_BLOCK = 6;

/** The fields of the superblock, checked. */
export interface Superblock {
  /** Of a block. */
  readonly bytes: number;
  readonly blocks: number;
  readonly firstBlock: number;
  readonly groupBlocks: number;
  readonly inodes: number;
  readonly groupInodes: number;
  readonly inodeBytes: number;
  readonly descriptorBytes: number;
  /** The group of descriptors from which on they lie in the groups that they are about; undefined: there is none. */
  readonly firstMetaGroup: number | undefined;
  /** Whether a group begins with a copy of the superblock. */
  readonly hasCopy: (group: number) => boolean;
  /** As Linux writes it: `8e6a2f60-1111-4222-8333-123456789abc`. */
  readonly uuid: string;
  readonly label: string;
}

/** Whether a file system of this family (ext2, ext3, ext4) is on a disk. */
export function isExt4(disk: Disk): boolean {
  const { place, bytes, MAGIC, magic } = SUPERBLOCK;
  return disk.size >= place + bytes && bytesAt(disk, place + MAGIC, 2).getUint16(0, true) === magic;
}

/**
 * Reads the superblock.
 *
 * @throws DiskError where it is damaged, or the file system has a feature that is not known
 */
export function readSuperblock(disk: Disk): Superblock {
  const view = bytesAt(disk, SUPERBLOCK.place, SUPERBLOCK.bytes);
  const word = (at: number) => view.getUint32(at, true);
  const features = word(SUPERBLOCK.INCOMPATIBLE);
  const unknown = (features & ~KNOWN) >>> 0;
  if (unknown !== 0)
    throw new DiskError(`has features of ext4 that are not known (incompat 0x${unknown.toString(16)})`);
  const logBlock = word(SUPERBLOCK.LOG_BLOCK);
  if (logBlock > MOST_LOG_BLOCK) throw new DiskError(`has an ext4 with blocks of 2^${logBlock + 10} bytes`);
  const wide = (features & INCOMPATIBLE.WIDE) !== 0;
  const bytes = 1024 << logBlock;
  const superblock: Superblock = {
    bytes,
    blocks: word(SUPERBLOCK.BLOCKS) + (wide ? word(SUPERBLOCK.BLOCKS_HIGH) * 2 ** 32 : 0),
    firstBlock: word(SUPERBLOCK.FIRST_BLOCK),
    groupBlocks: word(SUPERBLOCK.GROUP_BLOCKS),
    inodes: word(SUPERBLOCK.INODES),
    groupInodes: word(SUPERBLOCK.GROUP_INODES),
    inodeBytes:
      word(SUPERBLOCK.REVISION) === 0 ? INODE.leastBytes : view.getUint16(SUPERBLOCK.INODE_BYTES, true),
    descriptorBytes: wide ? view.getUint16(SUPERBLOCK.DESCRIPTOR_BYTES, true) : DESCRIPTOR.leastBytes,
    firstMetaGroup:
      (features & INCOMPATIBLE.META_GROUPS) === 0 ? undefined : word(SUPERBLOCK.FIRST_META_GROUP),
    hasCopy: copies(view),
    uuid: uuidOf(new Uint8Array(view.buffer, SUPERBLOCK.UUID, 16)),
    label: new TextDecoder().decode(new Uint8Array(view.buffer, SUPERBLOCK.LABEL, 16)).split('\0')[0],
  };
  check(superblock);
  return superblock;
}

function check(superblock: Superblock): void {
  const { bytes, groupBlocks, groupInodes, inodes, inodeBytes, descriptorBytes } = superblock;
  const isSound =
    groupBlocks > 0 &&
    groupBlocks <= 8 * bytes &&
    groupInodes > 0 &&
    groupInodes <= 8 * bytes &&
    inodes >= INODE.root &&
    inodeBytes >= INODE.leastBytes &&
    inodeBytes <= bytes &&
    Number.isInteger(Math.log2(inodeBytes)) &&
    descriptorBytes >= DESCRIPTOR.leastBytes &&
    descriptorBytes <= DESCRIPTOR.mostBytes &&
    Number.isInteger(Math.log2(descriptorBytes));
  if (!isSound) throw new DiskError('has an ext4 whose superblock is damaged');
}

function copies(view: DataView): (group: number) => boolean {
  if ((view.getUint32(SUPERBLOCK.COMPATIBLE, true) & SPARSE.compatible2) !== 0) {
    const [one, other] = [0, 4].map((at) => view.getUint32(SUPERBLOCK.BACKUP_GROUPS + at, true));
    return (group) => group === 0 || group === one || group === other;
  }
  if ((view.getUint32(SUPERBLOCK.READ_ONLY, true) & SPARSE.readOnly) === 0) return () => true;
  return (group) => group < 2 || [3, 5, 7].some((base) => isPower(group, base));
}

function isPower(value: number, base: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

function uuidOf(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
