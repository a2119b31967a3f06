/**
 * Control region of an interrupt domain: RISC-V AIA 1.0, section "Memory-mapped control region for an interrupt
 * domain". Offsets and strides in bytes; every register has 32 bits.
 */
export const MAP = {
  DOMAINCFG: 0x0000,
  /** One word a source, that of source 0 would be `DOMAINCFG`. */
  SOURCECFG: 0x0000,
  SOURCECFG_END: 0x1000,
  /** `mmsiaddrcfg`, `mmsiaddrcfgh`, `smsiaddrcfg`, `smsiaddrcfgh`. */
  MSIADDRCFG: 0x1bc0,
  MSIADDRCFG_END: 0x1bd0,
  /**
   * Four banks that work on bits of sources: a word for each 32 of them, and a register that names one by its number.
   */
  SETIP: 0x1c00,
  CLRIP: 0x1d00,
  SETIE: 0x1e00,
  CLRIE: 0x1f00,
  BANK_STRIDE: 0x100,
  BANK_END: 0x80,
  BY_NUMBER: 0xdc,
  SETIPNUM_LE: 0x2000,
  SETIPNUM_BE: 0x2004,
  GENMSI: 0x3000,
  /** One word a source, that of source 0 would be `GENMSI`. */
  TARGET: 0x3000,
  TARGET_END: 0x4000,
  /** For each hart the structure that controls direct delivery (section "Interrupt delivery control"). */
  IDC: 0x4000,
  IDC_STRIDE: 0x20,
  IDELIVERY: 0x00,
  IFORCE: 0x04,
  ITHRESHOLD: 0x08,
  TOPI: 0x18,
  CLAIMI: 0x1c,
} as const;

/** Fields of `domaincfg`. */
export const DOMAINCFG = { FIXED: 0x8000_0000, IE: 1 << 8, DM: 1 << 2 } as const;

/** Fields of `sourcecfg`. */
export const SOURCECFG = { DELEGATE: 1 << 10, MODE: 7 } as const;

/** Source modes, in which bit 0 says that the wire is inverted: table "Encoding of the SM field". */
export const MODE = { INACTIVE: 0, DETACHED: 1, EDGE1: 4, EDGE0: 5, LEVEL1: 6, LEVEL0: 7 } as const;

/** Fields of `target` and `genmsi`. */
export const TARGET = {
  HART_SHIFT: 18,
  PRIORITY: 0xff,
  GUEST_SHIFT: 12,
  GUEST: 0x3f,
  IDENTITY: 0x7ff,
} as const;

/** Fields of `topi` and `claimi`. */
export const TOPI = { SOURCE_SHIFT: 16 } as const;
