/** The format qcow2, as QEMU's `docs/interop/qcow2` describes it. All numbers in a file are big-endian. */
export const QCOW2 = {
  magic: 0x5146_49fb,
  /** Bits of the sizes of clusters that QEMU opens. */
  leastClusterBits: 9,
  mostClusterBits: 21,
  /** Bytes of a header of version 2, and at least of version 3. */
  headerBytes: 72,
  longHeaderBytes: 104,
  longestBackingName: 1023,
} as const;

/** Places of the fields of the header, in bytes. */
export const FIELD = {
  MAGIC: 0,
  VERSION: 4,
  BACKING_OFFSET: 8,
  BACKING_BYTES: 16,
  CLUSTER_BITS: 20,
  SIZE: 24,
  ENCRYPTION: 32,
  L1_ENTRIES: 36,
  L1_OFFSET: 40,
  REFCOUNT_TABLE: 48,
  REFCOUNT_TABLE_CLUSTERS: 56,
  SNAPSHOTS: 60,
  SNAPSHOTS_OFFSET: 64,
  INCOMPATIBLE: 72,
  COMPATIBLE: 80,
  AUTOCLEAR: 88,
  REFCOUNT_ORDER: 96,
  HEADER_BYTES: 100,
  COMPRESSION: 104,
} as const;

/** Features that an image may not be used without. */
export const INCOMPATIBLE = {
  DIRTY: 1,
  CORRUPT: 2,
  DATA_FILE: 4,
  COMPRESSION: 8,
  EXTENDED_L2: 16,
} as const;

/** Types of header extensions. */
export const EXTENSION = { END: 0, BACKING_FORMAT: 0xe279_2aca } as const;

/** Upper halves of entries of L1 and L2 tables. */
export const ENTRY = {
  /** The only reference to the cluster that the entry points to. */
  COPIED: 0x8000_0000,
  COMPRESSED: 0x4000_0000,
  /** Bits of an offset, and those of it that no file reaches. */
  OFFSET: 0x00ff_ffff,
  BEYOND: 0x00e0_0000,
} as const;

/** The flag in the lower half of an entry of an L2 table: the cluster reads as zeroes. Not in version 2. */
export const ZERO = 1;

/** Bytes of an entry of an L1, L2 or refcount table. */
export const ENTRY_BYTES = 8;
/** Bytes in which compressed data counts. */
export const SECTOR = 512;
