/** The block device of virtio 1.2, section 5.2. */
export const VIRTIO_BLK = {
  id: 2,
  /** Entries of a queue. */
  queueSize: 256,
  /** Queues at most: more processors share them. */
  mostQueues: 16,
  /** Bytes of the unit in which requests and the capacity count, with any size of the drive's blocks. */
  sector: 512,
} as const;

/** The sizes of the queues of a disk: one for each of the guest's processors. */
export function blkQueues(cpus: number): readonly number[] {
  return Array.from({ length: Math.min(cpus, VIRTIO_BLK.mostQueues) }, () => VIRTIO_BLK.queueSize);
}

/** Feature bits. */
export const BLK_FEATURE = {
  SEG_MAX: 1 << 2,
  RO: 1 << 5,
  BLK_SIZE: 1 << 6,
  FLUSH: 1 << 9,
  MQ: 1 << 12,
  DISCARD: 1 << 13,
  WRITE_ZEROES: 1 << 14,
} as const;

/** Types of requests. */
export const REQUEST = {
  READ: 0,
  WRITE: 1,
  FLUSH: 4,
  GET_ID: 8,
  DISCARD: 11,
  WRITE_ZEROES: 13,
} as const;

/** The byte at the end of a request. */
export const REQUEST_STATUS = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;

/** Bytes of a request before its data: type, a reserved word, the first sector. */
export const HEADER_BYTES = 16;
/** Bytes of the drive's name in the answer to GET_ID. */
export const ID_BYTES = 20;
/** Bytes of a range to discard or to zero: first sector, sectors, flags. */
export const RANGE_BYTES = 16;
/** The flag of a range: its space may be given back. */
export const UNMAP = 1;
