/** The host bridge of QEMU's `virt` (hw/riscv/virt.c), with one bus and one function in each of its slots. */
export const PCI = {
  compatible: 'pci-host-ecam-generic',
  /** Bytes of all its addresses: configuration spaces, then memory. */
  size: 0x5000_0000,
  /** Bytes of the configuration spaces of 256 buses. */
  ecamSize: 0x1000_0000,
  /** PCI address of the memory in which functions have their windows. */
  memory: 0x4000_0000,
  memorySize: 0x4000_0000,
  slots: 32,
  /** Wires to the interrupt controller, which the pins of all slots share in turn. */
  wires: 4,
} as const;
