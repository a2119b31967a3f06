/** The real-time clock as QEMU's `virt` machine places it. */
export const GOLDFISH_RTC = {
  compatible: ['google,goldfish-rtc'],
  base: 0x10_1000,
  size: 0x1000,
  /** Source number at the PLIC. */
  irq: 11,
} as const;
