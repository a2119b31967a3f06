/* The kernel's `Documentation/filesystems/ext4/` and `fs/ext4/ext4.h`. All numbers are little-endian. */

/** Where the superblock is, and the places of its fields. */
export const SUPERBLOCK = {
  place: 1024,
  bytes: 1024,
  magic: 0xef53,
  INODES: 0x00,
  BLOCKS: 0x04,
  FIRST_BLOCK: 0x14,
  LOG_BLOCK: 0x18,
  GROUP_BLOCKS: 0x20,
  GROUP_INODES: 0x28,
  MAGIC: 0x38,
  REVISION: 0x4c,
  INODE_BYTES: 0x58,
  COMPATIBLE: 0x5c,
  INCOMPATIBLE: 0x60,
  READ_ONLY: 0x64,
  UUID: 0x68,
  LABEL: 0x78,
  DESCRIPTOR_BYTES: 0xfe,
  FIRST_META_GROUP: 0x104,
  BLOCKS_HIGH: 0x150,
  BACKUP_GROUPS: 0x24c,
} as const;

/** Features that a reader has to know. */
export const INCOMPATIBLE = {
  FILE_TYPE: 0x2,
  RECOVER: 0x4,
  META_GROUPS: 0x10,
  EXTENTS: 0x40,
  WIDE: 0x80,
  MULTI_MOUNT: 0x100,
  FLEXIBLE_GROUPS: 0x200,
  ATTRIBUTE_INODES: 0x400,
  CHECKSUM_SEED: 0x2000,
  LARGE_DIRECTORIES: 0x4000,
  INLINE_DATA: 0x8000,
  ENCRYPTION: 0x1_0000,
  CASE_FOLDING: 0x2_0000,
} as const;

/** Features that say where copies of the superblock are. */
export const SPARSE = { compatible2: 0x200, readOnly: 0x1 } as const;

export const DESCRIPTOR = { leastBytes: 32, mostBytes: 1024, INODES: 0x08, INODES_HIGH: 0x28 } as const;

export const INODE = {
  root: 2,
  leastBytes: 128,
  MODE: 0x00,
  SIZE: 0x04,
  FLAGS: 0x20,
  BLOCK: 0x28,
  /** Of the places of blocks, or of a short symbolic link. */
  blockBytes: 60,
  SIZE_HIGH: 0x6c,
} as const;

export const INODE_FLAG = { ENCRYPTED: 0x800, EXTENTS: 0x8_0000, INLINE_DATA: 0x1000_0000 } as const;

export const MODE = { kind: 0xf000, directory: 0x4000, file: 0x8000, link: 0xa000 } as const;

export const EXTENT = {
  magic: 0xf30a,
  bytes: 12,
  mostDepth: 5,
  /** Longer ones are reserved, and not written yet: they read as zeroes. */
  longest: 0x8000,
  ENTRIES: 2,
  DEPTH: 6,
} as const;

/** Blocks of a file without extents: so many named directly, then by blocks of numbers, of one to three levels. */
export const DIRECT_BLOCKS = 12;

export const ENTRY = { INODE: 0, BYTES: 4, NAME_BYTES: 6, NAME: 8 } as const;
