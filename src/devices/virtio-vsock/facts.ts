/** The socket device of virtio 1.2, section 5.10. */
export const VIRTIO_VSOCK = {
  id: 19,
  /** Entries of the queues: to the driver, from it, and for events. */
  queues: [128, 128, 128],
} as const;

export const VSOCK_QUEUE = { RECEIVE: 0, TRANSMIT: 1, EVENT: 2 } as const;

/** The only event (section 5.10.6.7): all connections are gone, and the guest's address may be another one. */
export const TRANSPORT_RESET = new Uint8Array(4);

/** Feature bits (section 5.10.3). */
export const VSOCK_FEATURE = { STREAM: 1 << 0 } as const;

/** The host's address among those of guests. */
export const HOST_CID = 2;
/** The addresses that a guest may have: those below belong to others, and the last of 32 bits stands for any. */
export const LOWEST_CID = 3;
export const HIGHEST_CID = 0xffff_fffe;

/** The only type of socket that is offered: a stream. */
export const TYPE_STREAM = 1;

/** Operations of packets (section 5.10.6). */
export const OP = {
  REQUEST: 1,
  RESPONSE: 2,
  RST: 3,
  SHUTDOWN: 4,
  RW: 5,
  CREDIT_UPDATE: 6,
  CREDIT_REQUEST: 7,
} as const;

/** Flags of {@link OP.SHUTDOWN}: its sender receives, or sends, nothing more. */
export const SHUTDOWN = { RECEIVE: 1 << 0, SEND: 1 << 1, BOTH: 3 } as const;

/** Offsets in the header of a packet, whose numbers are little-endian. */
export const HEADER = {
  SOURCE_CID: 0,
  DESTINATION_CID: 8,
  SOURCE_PORT: 16,
  DESTINATION_PORT: 20,
  LENGTH: 24,
  TYPE: 28,
  OP: 30,
  FLAGS: 32,
  BUFFER: 36,
  FORWARDED: 40,
  BYTES: 44,
} as const;

/** Bytes of a packet's data at most, as Linux makes them (`VIRTIO_VSOCK_MAX_PKT_BUF_SIZE`). */
export const LONGEST_DATA = 1 << 16;
