/** The page of an interrupt file: RISC-V AIA 1.0, section "Memory region for an interrupt file". Offsets in bytes. */
export const MAP = {
  PAGE: 0x1000,
  SETEIPNUM_LE: 0x000,
  SETEIPNUM_BE: 0x004,
} as const;
