/** Numbers by which a driver knows a modern virtio device on PCI (virtio 1.2, section 4.1.2). */
export const VIRTIO_PCI = {
  vendor: 0x1af4,
  /** The device's type is added. */
  firstDevice: 0x1040,
  revision: 1,
  /** QEMU's. */
  subsystem: 0x1100,
  /** Bytes of the one window. */
  windowBytes: 0x8000,
} as const;

/** The parts of the window, where they begin; each has its own page. */
export const PART = {
  COMMON: 0x0000,
  ISR: 0x1000,
  DEVICE: 0x2000,
  NOTIFY: 0x3000,
  MSIX_TABLE: 0x4000,
  MSIX_PENDING: 0x5000,
} as const;
export const PART_BYTES = 0x1000;

/** A register of its own for each queue: so many bytes further on for each. */
export const NOTIFY_STEP = 4;

/** Kinds of the capabilities that say where a part is (section 4.1.4). */
export const CFG_TYPE = { COMMON: 1, NOTIFY: 2, ISR: 3, DEVICE: 4, PCI: 5 } as const;

/** Registers of the common part, in bytes (section 4.1.4.3). */
export const COMMON = {
  DEVICE_FEATURE_SELECT: 0,
  DEVICE_FEATURE: 4,
  DRIVER_FEATURE_SELECT: 8,
  DRIVER_FEATURE: 12,
  CONFIG_MSIX_VECTOR: 16,
  NUM_QUEUES: 18,
  DEVICE_STATUS: 20,
  CONFIG_GENERATION: 21,
  QUEUE_SELECT: 22,
  QUEUE_SIZE: 24,
  QUEUE_MSIX_VECTOR: 26,
  QUEUE_ENABLE: 28,
  QUEUE_NOTIFY_OFF: 30,
  QUEUE_DESC: 32,
  QUEUE_DRIVER: 40,
  QUEUE_DEVICE: 48,
} as const;
export const COMMON_BYTES = 56;

/** In a register of vectors: none. */
export const NO_VECTOR = 0xffff;
