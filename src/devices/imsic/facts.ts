/** The incoming MSI controllers that QEMU's `virt` machine has with `aia=aplic-imsic`. */
export const IMSIC = {
  compatible: 'riscv,imsics',
  /** Interrupt identities of each file, 1 to 255: the device tree's `riscv,num-ids`. */
  identities: 255,
  /** The supervisor-level files lie so many bytes behind the machine-level ones. */
  supervisorAt: 0x400_0000,
  /** Most guest interrupt files that a hart can have, as with QEMU. */
  maxGuests: 7,
  /** The identity that Linux takes for interrupts between harts: QEMU's device trees have it. */
  ipi: 1,
} as const;
