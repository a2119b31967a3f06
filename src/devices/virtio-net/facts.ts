/** The network card of virtio 1.2, section 5.1. */
export const VIRTIO_NET = {
  id: 1,
  queues: [256, 256],
} as const;

/** Its queues: for frames that come in, and for frames that go out. */
export const NET_QUEUE = { RECEIVE: 0, TRANSMIT: 1 } as const;

/** Feature bits. */
export const NET_FEATURE = {
  /** The driver may leave checksums open, and so may the device. */
  CSUM: 1 << 0,
  GUEST_CSUM: 1 << 1,
  MAC: 1 << 5,
  /** The device may give frames that stand for many segments of TCP, and so may the driver. */
  GUEST_TSO4: 1 << 7,
  HOST_TSO4: 1 << 11,
  /** A frame may take several buffers. */
  MRG_RXBUF: 1 << 15,
  STATUS: 1 << 16,
} as const;

/** Places of the fields of its configuration, in bytes. */
export const NET_CONFIG = { MAC: 0, STATUS: 6, BYTES: 8 } as const;
export const LINK_UP = 1;

/** The header before each frame: bytes of its fields. */
export const NET_HEADER = {
  FLAGS: 0,
  SEGMENTS: 1,
  HEADERS: 2,
  SEGMENT_BYTES: 4,
  CHECKSUM_START: 6,
  CHECKSUM_OFFSET: 8,
  BUFFERS: 10,
  BYTES: 12,
} as const;

export const NET_FLAG = {
  /** The checksum is open. */
  NEEDS_CSUM: 1,
  /** The checksums are right. */
  DATA_VALID: 2,
} as const;

/** The frame stands for many segments of TCP over IPv4. */
export const SEGMENTS_TCP4 = 1;

/** Bytes of a frame at most: one packet of IPv4, and the bytes before it. */
export const LONGEST_FRAME = 0xffff + 18;
