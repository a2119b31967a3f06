/** The entropy device of virtio 1.2, section 5.4, with the queue that QEMU's has. */
export const VIRTIO_RNG = { id: 4, queues: [8] } as const;
