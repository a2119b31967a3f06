/**
 * Memory map of the SiFive CLINT, which the RISC-V ACLINT specification keeps as MSWI (offset 0) and MTIMER
 * (offset 0x4000): chapter "Backward Compatibility With SiFive CLINT". Offsets in bytes.
 */
export const MAP = {
  /** One 4-byte word a hart: bit 0 raises MSIP. */
  MSIP: 0x0000,
  /** One 8-byte word a hart. */
  MTIMECMP: 0x4000,
  /** The 8-byte counter that all harts share. */
  MTIME: 0xbff8,
  END: 0xc000,
} as const;
