/** The core-local interruptor that QEMU's `virt` machine has. */
export const CLINT = {
  compatible: ['sifive,clint0', 'riscv,clint0'],
  size: 0x1_0000,
  /** Harts that the register map has room for. */
  maxHarts: 4095,
} as const;
