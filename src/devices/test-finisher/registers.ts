/** The one register, at offset 0. */
export const REG = { FINISH: 0 } as const;

/**
 * Requests in bits 15:0 of a write. `syscon-poweroff` and `syscon-reboot` nodes of the device tree carry the first
 * and the last (Linux, drivers/power/reset/syscon-poweroff.c and syscon-reboot.c).
 */
export const FINISH = {
  PASS: 0x5555,
  /** The exit code stands in bits 31:16. */
  FAIL: 0x3333,
  RESET: 0x7777,
} as const;
