/** The real-time clock that QEMU's `virt` machine has. */
export const GOLDFISH_RTC = { compatible: 'google,goldfish-rtc', size: 0x1000 } as const;
