/** The device that ends QEMU's `virt` machine. */
export const TEST_FINISHER = {
  compatible: ['sifive,test1', 'sifive,test0', 'syscon'],
  size: 0x1000,
} as const;
