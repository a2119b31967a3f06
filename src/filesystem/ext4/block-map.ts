import { bytesAt, type Disk, DiskError } from '../disk.ts';
import { DIRECT_BLOCKS, EXTENT, INODE, INODE_FLAG } from './facts.ts';
import type { Superblock } from './superblock.ts';

/** Blocks of a file that lie in a row; blocks that no run has read as zeroes. */
export interface Run {
  /** The first of them within the file. */
  readonly first: number;
  readonly count: number;
  /** The first of them on the disk. */
  readonly at: number;
}

/** Blocks that tell where others are, for one file: a file of 4 GiB takes fewer. */
const MOST_NODES = 8192;

/** A file whose blocks are looked for. */
interface Mapped {
  readonly disk: Disk;
  readonly superblock: Superblock;
  /** Blocks of the file, as its size has it. */
  readonly blocks: number;
  readonly runs: Run[];
  /** Blocks in the runs. */
  covered: number;
  nodes: number;
}

/**
 * Where the blocks of a file are.
 *
 * @param inode - with {@link INODE.blockBytes} bytes at {@link INODE.BLOCK}
 * @param blocks - that the file has
 * @throws DiskError for a map that no file can have
 */
export function runsOf(disk: Disk, superblock: Superblock, inode: DataView, blocks: number): readonly Run[] {
  const mapped: Mapped = { disk, superblock, blocks, runs: [], covered: 0, nodes: 0 };
  const root = new DataView(inode.buffer, inode.byteOffset + INODE.BLOCK, INODE.blockBytes);
  const hasExtents = (inode.getUint32(INODE.FLAGS, true) & INODE_FLAG.EXTENTS) !== 0;
  if (hasExtents) addExtents(mapped, root, EXTENT.mostDepth);
  else addIndirect(mapped, root);
  return mapped.runs;
}

/** @param depth - of the node at most: those below it have less, which ends every circle */
function addExtents(mapped: Mapped, node: DataView, depth: number): void {
  const entries = node.getUint16(EXTENT.ENTRIES, true);
  const own = node.getUint16(EXTENT.DEPTH, true);
  const isNode = node.getUint16(0, true) === EXTENT.magic && own <= depth;
  if (!isNode || (entries + 1) * EXTENT.bytes > node.byteLength)
    throw new DiskError('has an ext4 with a damaged tree of extents');
  for (let index = 1; index <= entries; index++) {
    const at = index * EXTENT.bytes;
    if (own === 0) addExtent(mapped, node, at);
    else addExtents(mapped, readNode(mapped, blockNumber(node, at + 4, at + 8)), own - 1);
  }
}

function addExtent(mapped: Mapped, node: DataView, at: number): void {
  const length = node.getUint16(at + 4, true);
  if (length > EXTENT.longest) return;
  addRun(mapped, {
    first: node.getUint32(at, true),
    count: length,
    at: blockNumber(node, at + 8, at + 6),
  });
}

/** The low 32 bits of a block's number, and the high 16. */
function blockNumber(node: DataView, low: number, high: number): number {
  return node.getUint16(high, true) * 2 ** 32 + node.getUint32(low, true);
}

function addIndirect(mapped: Mapped, root: DataView): void {
  const numbers = mapped.superblock.bytes / 4;
  let first = 0;
  for (let index = 0; index < DIRECT_BLOCKS; index++)
    addPointer(mapped, root.getUint32(4 * index, true), first++, 0);
  for (let level = 1; level <= 3; level++) {
    addPointer(mapped, root.getUint32(4 * (DIRECT_BLOCKS + level - 1), true), first, level);
    first += numbers ** level;
  }
}

/** @param level - 0: the number is that of a block of the file; else of one that has such numbers of the level below */
function addPointer(mapped: Mapped, at: number, first: number, level: number): void {
  if (at === 0 || first >= mapped.blocks) return;
  if (level === 0) {
    addRun(mapped, { first, count: 1, at });
    return;
  }
  const node = readNode(mapped, at);
  const each = (mapped.superblock.bytes / 4) ** (level - 1);
  for (let index = 0; index < node.byteLength / 4; index++) {
    if (first + index * each >= mapped.blocks) return;
    addPointer(mapped, node.getUint32(4 * index, true), first + index * each, level - 1);
  }
}

function readNode(mapped: Mapped, block: number): DataView {
  if (++mapped.nodes > MOST_NODES) throw new DiskError('has an ext4 with a file of too many pieces');
  const { bytes } = mapped.superblock;
  return bytesAt(mapped.disk, block * bytes, bytes);
}

/**
 * Runs that go on from the one before are made one with it. Those that lie over each other would have a file read
 * without end, of a disk that says so.
 */
function addRun(mapped: Mapped, { first, count, at }: Run): void {
  const { runs, blocks } = mapped;
  const inside = Math.min(count, blocks - first);
  if (inside <= 0) return;
  mapped.covered += inside;
  if (mapped.covered > blocks) throw new DiskError('has an ext4 with a file that has blocks twice');
  const last = runs.at(-1);
  if (last !== undefined && last.first + last.count === first && last.at + last.count === at)
    runs[runs.length - 1] = { ...last, count: last.count + inside };
  else runs.push({ first, count: inside, at });
}
