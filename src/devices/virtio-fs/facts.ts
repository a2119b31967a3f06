/** The file system of virtio 1.2, section 5.11. */
export const VIRTIO_FS = {
  id: 26,
  /** For requests that must not wait, and for all others. Linux makes as large requests as descriptors fit here. */
  queues: [64, 512],
} as const;

/** Places of the fields of its configuration, in bytes. */
export const FS_CONFIG = { TAG: 0, TAG_BYTES: 36, REQUEST_QUEUES: 36, BYTES: 40 } as const;
