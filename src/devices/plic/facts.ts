/** The interrupt controller as QEMU's `virt` machine places it. */
export const PLIC = {
  compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
  base: 0x0c00_0000,
  size: 0x60_0000,
  /** Interrupt sources, 1 to 95: the device tree's `riscv,ndev`. Source 0 means "none". */
  sources: 95,
  /** Contexts that fit into the window. */
  maxContexts: 1024,
} as const;
