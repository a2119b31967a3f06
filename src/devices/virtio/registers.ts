/** Registers of the transport, each 32 bits wide: virtio 1.2, section 4.2.2. */
export const REG = {
  MAGIC: 0x000,
  VERSION: 0x004,
  DEVICE_ID: 0x008,
  VENDOR_ID: 0x00c,
  /** 32 features of the device, which of them DEVICE_FEATURES_SEL says. */
  DEVICE_FEATURES: 0x010,
  DEVICE_FEATURES_SEL: 0x014,
  DRIVER_FEATURES: 0x020,
  DRIVER_FEATURES_SEL: 0x024,
  /** The queue that the registers of queues mean. */
  QUEUE_SEL: 0x030,
  /** The greatest size of the queue; 0 if there is no such queue. */
  QUEUE_NUM_MAX: 0x034,
  QUEUE_NUM: 0x038,
  QUEUE_READY: 0x044,
  /** Writing the number of a queue says that it has buffers. */
  QUEUE_NOTIFY: 0x050,
  INTERRUPT_STATUS: 0x060,
  INTERRUPT_ACK: 0x064,
  STATUS: 0x070,
  /** Addresses of a queue's three parts, the low half first. */
  QUEUE_DESC: 0x080,
  QUEUE_DRIVER: 0x090,
  QUEUE_DEVICE: 0x0a0,
  /** Shared memory regions: length and base are all ones where there is none. */
  SHM_LEN: 0x0b0,
  SHM_BASE: 0x0b8,
  CONFIG_GENERATION: 0x0fc,
  /** Here begins the configuration space of the device. */
  CONFIG: 0x100,
} as const;

/** "virt" */
export const MAGIC = 0x7472_6976;
/** Version 2 is the transport of virtio 1.0 and later. */
export const VERSION = 2;
/** "QEMU": drivers of systems do not care, xv6 and other small ones take no disk of anybody else. */
export const VENDOR = 0x554d_4551;

/** Bits of STATUS (section 2.1). */
export const DEVICE_STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  /** The device has stopped, and a reset is the way out. */
  NEEDS_RESET: 64,
  FAILED: 128,
} as const;

/** Bits of INTERRUPT_STATUS. */
export const INTERRUPT = { USED_BUFFER: 1, CONFIG_CHANGE: 2 } as const;

/** Features of the transport and its queues (section 6): bits of the first 32, and of the next 32. */
export const FEATURE = {
  INDIRECT_DESC: 1 << 28,
  EVENT_IDX: 1 << 29,
} as const;
export const FEATURE_HIGH = { VERSION_1: 1 } as const;

/** Flags of a descriptor (section 2.7.5). */
export const DESCRIPTOR = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;
/** Bytes of a descriptor. */
export const DESCRIPTOR_BYTES = 16;

/** The driver's flag: it wants no interrupts (section 2.7.6). */
export const NO_INTERRUPT = 1;
/** The device's flag: it wants no notifications (section 2.7.8). */
export const NO_NOTIFY = 1;
