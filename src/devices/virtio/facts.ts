/** The virtio transport over memory-mapped registers, as QEMU's `virt` places it: a page for each device. */
export const VIRTIO_MMIO = { compatible: 'virtio,mmio', size: 0x1000 } as const;
