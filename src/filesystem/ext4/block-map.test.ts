import { expect, it } from 'vitest';
import { diskOf } from '../../../test/filesystem/images.ts';
import { DiskError } from '../disk.ts';
import { runsOf } from './block-map.ts';
import type { Superblock } from './superblock.ts';

const superblock: Superblock = {
  ...{
    bytes: 1024,
    blocks: 64,
    firstBlock: 1,
    groupBlocks: 64,
    inodes: 16,
    groupInodes: 16,
    inodeBytes: 128,
  },
  ...{ descriptorBytes: 32, firstMetaGroup: undefined, hasCopy: () => true, uuid: '', label: '' },
};
const disk = diskOf(new Uint8Array(64 * 1024));

/** An inode with extents in itself: the first block in the file, the number of blocks, the first block on the disk. */
function inodeWith(extents: readonly (readonly [number, number, number])[]): DataView {
  const view = new DataView(new ArrayBuffer(128));
  view.setUint32(0x20, 0x8_0000, true);
  view.setUint16(0x28, 0xf30a, true);
  view.setUint16(0x2a, extents.length, true);
  for (const [index, [first, count, at]] of extents.entries()) {
    view.setUint32(0x34 + 12 * index, first, true);
    view.setUint16(0x38 + 12 * index, count, true);
    view.setUint32(0x3c + 12 * index, at, true);
  }
  return view;
}

it('joins runs that go on from each other, and leaves holes and what is beyond the end out', () => {
  const inode = inodeWith([
    [0, 2, 10],
    [2, 3, 12],
    [7, 9, 30],
    [20, 1, 40],
  ]);
  expect(runsOf(disk, superblock, inode, 10)).toEqual([
    { first: 0, count: 5, at: 10 },
    { first: 7, count: 3, at: 30 },
  ]);
});

it('leaves out what is reserved and was never written', () => {
  expect(runsOf(disk, superblock, inodeWith([[0, 0x8002, 10]]), 4)).toEqual([]);
});

it('refuses a file that has blocks twice', () => {
  const inode = inodeWith([
    [0, 4, 10],
    [0, 4, 20],
  ]);
  expect(() => runsOf(disk, superblock, inode, 4)).toThrow(DiskError);
});
