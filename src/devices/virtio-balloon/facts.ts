/** The traditional memory balloon device of virtio 1.2, section 5.5. */
export const VIRTIO_BALLOON = {
  id: 5,
  /** Of pages that are given to the host, of pages that are taken back, and of reports of free memory. */
  queues: [128, 128, 128],
  /** Bytes of a page, with any size of the guest's own ones. */
  page: 4096,
} as const;

/** Feature bits. */
export const BALLOON_FEATURE = { DEFLATE_ON_OOM: 1 << 2, PAGE_REPORTING: 1 << 5 } as const;

/**
 * The queues. Linux numbers those that there are, so that the last one has this number where those of features that are
 * not offered are absent.
 */
export const QUEUE = { INFLATE: 0, DEFLATE: 1, REPORT: 2 } as const;
