/** The serial port that QEMU's `virt` machine has. */
export const UART16550 = {
  compatible: 'ns16550a',
  size: 0x100,
  /** Input clock in Hz, which drivers divide to get a baud rate; the speed of the port does not depend on it. */
  clock: 3_686_400,
} as const;
