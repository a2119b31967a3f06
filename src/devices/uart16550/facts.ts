/** The serial port as QEMU's `virt` machine places it. */
export const UART16550 = {
  compatible: ['ns16550a'],
  base: 0x1000_0000,
  size: 0x100,
  /** Source number at the PLIC. */
  irq: 10,
  /** Input clock in Hz, which drivers divide to get a baud rate; the speed of the port does not depend on it. */
  clock: 3_686_400,
} as const;
