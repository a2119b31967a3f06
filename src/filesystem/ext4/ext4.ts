import { bytesAt, type Disk, DiskError, readInside } from '../disk.ts';
import type { FileSystem, FoundFile } from '../file-system.ts';
import { runsOf } from './block-map.ts';
import { DESCRIPTOR, ENTRY, INODE, INODE_FLAG, MODE } from './facts.ts';
import { readSuperblock, type Superblock } from './superblock.ts';

/** As Linux. */
const MOST_LINKS = 40;
const LONGEST_LINK = 4096;
/** Bytes of a directory: that of 100,000 names has less. */
const LARGEST_DIRECTORY = 2 ** 24;

interface Inode {
  readonly view: DataView<ArrayBuffer>;
  readonly kind: number;
  readonly bytes: number;
  readonly flags: number;
}

/**
 * Reads ext2, ext3 and ext4. A journal is not replayed, as by boot loaders: data that Linux had not written to their
 * place yet when it was stopped is not seen.
 */
export class Ext4 implements FileSystem {
  readonly #disk: Disk;
  readonly #superblock: Superblock;

  /** @throws DiskError where it is damaged, or has a feature that is not known */
  constructor(disk: Disk) {
    this.#disk = disk;
    this.#superblock = readSuperblock(disk);
  }

  get uuid(): string {
    return this.#superblock.uuid;
  }

  find(path: string): FoundFile | undefined {
    const number = this.#walk(path);
    if (number === undefined) return undefined;
    const inode = this.#inode(number);
    if (inode.kind !== MODE.file) return undefined;
    const { bytes } = inode;
    return { bytes, read: () => this.#content(inode) };
  }

  list(path: string): readonly string[] {
    const number = this.#walk(path);
    if (number === undefined) return [];
    const inode = this.#inode(number);
    if (inode.kind !== MODE.directory) return [];
    return [...this.#names(inode)].map(([name]) => name).filter((name) => name !== '.' && name !== '..');
  }

  /** The number of the inode that a path leads to, from the root on, by symbolic links too. */
  #walk(path: string): number | undefined {
    const left = partsOf(path).reverse();
    let trail: number[] = [INODE.root];
    let links = 0;
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      const directory = this.#inode(trail.at(-1) ?? INODE.root);
      if (directory.kind !== MODE.directory) return undefined;
      if (part === '..') {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const number = this.#entry(directory, part);
      if (number === undefined) return undefined;
      const inode = this.#inode(number);
      if (inode.kind !== MODE.link) {
        trail.push(number);
        continue;
      }
      if (++links > MOST_LINKS) return undefined;
      const target = this.#linkTarget(inode);
      if (target.startsWith('/')) trail = [INODE.root];
      left.push(...partsOf(target).reverse());
      if (left.length > LONGEST_LINK) return undefined;
    }
    return trail.at(-1);
  }

  #entry(directory: Inode, wanted: string): number | undefined {
    for (const [name, number] of this.#names(directory)) if (name === wanted) return number;
    return undefined;
  }

  /** Also of a directory with a hash tree: its inner blocks look as if they had one empty entry. */
  *#names(directory: Inode): Generator<readonly [name: string, inode: number]> {
    if (directory.bytes > LARGEST_DIRECTORY)
      throw new DiskError(`has an ext4 with a directory of ${directory.bytes} bytes`);
    const content = this.#content(directory);
    const view = new DataView(content.buffer);
    const block = this.#superblock.bytes;
    const decoder = new TextDecoder();
    for (let start = 0; start + block <= content.length; start += block) {
      for (let at = start; at + ENTRY.NAME <= start + block; ) {
        const number = view.getUint32(at + ENTRY.INODE, true);
        const name = at + ENTRY.NAME;
        const nameEnd = name + view.getUint8(at + ENTRY.NAME_BYTES);
        const next = at + entryBytes(view.getUint16(at + ENTRY.BYTES, true), block);
        if (next < name || next > start + block || (number !== 0 && nameEnd > next))
          throw new DiskError('has an ext4 with a damaged directory');
        if (number !== 0) yield [decoder.decode(content.subarray(name, nameEnd)), number];
        at = next;
      }
    }
  }

  #linkTarget(inode: Inode): string {
    if (inode.bytes > LONGEST_LINK) throw new DiskError('has an ext4 with a damaged symbolic link');
    const isShort = inode.bytes < INODE.blockBytes && (inode.flags & INODE_FLAG.EXTENTS) === 0;
    const bytes = isShort
      ? new Uint8Array(inode.view.buffer, INODE.BLOCK, inode.bytes)
      : this.#content(inode);
    return new TextDecoder().decode(bytes);
  }

  #content(inode: Inode): Uint8Array<ArrayBuffer> {
    const { bytes: size, flags } = inode;
    if ((flags & (INODE_FLAG.ENCRYPTED | INODE_FLAG.INLINE_DATA)) !== 0)
      throw new DiskError(
        'has an ext4 with a file that is encrypted or lies in its inode, which is not possible',
      );
    const block = this.#superblock.bytes;
    const content = new Uint8Array(size);
    for (const { first, count, at } of runsOf(
      this.#disk,
      this.#superblock,
      inode.view,
      Math.ceil(size / block),
    )) {
      const into = content.subarray(first * block, Math.min((first + count) * block, size));
      readInside(this.#disk, at * block, into);
    }
    return content;
  }

  #inode(number: number): Inode {
    const { groupInodes, inodes, inodeBytes, bytes } = this.#superblock;
    if (number < 1 || number > inodes) throw new DiskError(`has an ext4 that names an inode ${number}`);
    const group = Math.floor((number - 1) / groupInodes);
    const table = this.#inodeTable(group) * bytes;
    const view = bytesAt(this.#disk, table + ((number - 1) % groupInodes) * inodeBytes, INODE.leastBytes);
    return {
      view,
      kind: view.getUint16(INODE.MODE, true) & MODE.kind,
      bytes: view.getUint32(INODE.SIZE, true) + view.getUint32(INODE.SIZE_HIGH, true) * 2 ** 32,
      flags: view.getUint32(INODE.FLAGS, true),
    };
  }

  /** The block where the inodes of a group begin. */
  #inodeTable(group: number): number {
    const { bytes, descriptorBytes } = this.#superblock;
    const perBlock = bytes / descriptorBytes;
    const block = this.#descriptorBlock(Math.floor(group / perBlock), perBlock);
    const at = block * bytes + (group % perBlock) * descriptorBytes;
    const view = bytesAt(this.#disk, at, descriptorBytes);
    const high = descriptorBytes > DESCRIPTOR.leastBytes ? view.getUint32(DESCRIPTOR.INODES_HIGH, true) : 0;
    return view.getUint32(DESCRIPTOR.INODES, true) + high * 2 ** 32;
  }

  /** @param index - of a block of descriptors, each of which is about `perBlock` groups */
  #descriptorBlock(index: number, perBlock: number): number {
    const { firstBlock, groupBlocks, firstMetaGroup, hasCopy } = this.#superblock;
    if (firstMetaGroup === undefined || index < firstMetaGroup) return firstBlock + 1 + index;
    const group = index * perBlock;
    return firstBlock + group * groupBlocks + (hasCopy(group) ? 1 : 0);
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** A whole block of 64 KiB does not fit into the field (`ext4_rec_len_from_disk`). */
function entryBytes(field: number, block: number): number {
  if (block < 0x1_0000) return field;
  return field === 0 || field === 0xffff ? block : (field & 0xfffc) | ((field & 3) << 16);
}
