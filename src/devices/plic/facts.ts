/** The interrupt controller that QEMU's `virt` machine has. */
export const PLIC = {
  compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
  size: 0x60_0000,
  /** Interrupt sources, 1 to 95: the device tree's `riscv,ndev`. Source 0 means "none". */
  sources: 95,
  /** Contexts that fit into the window. */
  maxContexts: 1024,
} as const;
