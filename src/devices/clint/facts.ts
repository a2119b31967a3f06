/** The core-local interruptor as QEMU's `virt` machine places it. */
export const CLINT = {
  compatible: ['sifive,clint0', 'riscv,clint0'],
  base: 0x0200_0000,
  size: 0x1_0000,
  /** Harts that the register map has room for. */
  maxHarts: 4095,
} as const;
