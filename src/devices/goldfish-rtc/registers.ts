/**
 * Registers of the goldfish timer: GOLDFISH-VIRTUAL-HARDWARE.TXT of the Android emulator, and their use in Linux,
 * drivers/rtc/rtc-goldfish.c. All are 32 bits wide, times are in nanoseconds since 1970.
 */
export const REG = {
  /** Reading gives the low half and latches the high half; writing sets the low half of the time. */
  TIME_LOW: 0x00,
  /** Reading gives the latched half; writing sets the high half of the time. */
  TIME_HIGH: 0x04,
  /** Writing sets the low half of the alarm and arms it. */
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  /** Bit 0 lets the alarm raise the interrupt. */
  IRQ_ENABLED: 0x10,
  /** Writing disarms the alarm. */
  CLEAR_ALARM: 0x14,
  /** 1 while the alarm is armed. */
  ALARM_STATUS: 0x18,
  /** Writing acknowledges the interrupt. */
  CLEAR_INTERRUPT: 0x1c,
} as const;
