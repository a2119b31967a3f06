/** The device that ends the machine, as QEMU's `virt` machine places it. */
export const TEST_FINISHER = {
  compatible: ['sifive,test1', 'sifive,test0', 'syscon'],
  base: 0x10_0000,
  size: 0x1000,
} as const;
