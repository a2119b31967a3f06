/**
 * Decoded code: every halfword of a page of guest code has an 8-byte slot, so that a jump within the page is an
 * addition and no instruction is decoded twice.
 *
 *     byte 0-1  operation number; 0 = not decoded yet
 *     byte 2    A: rd * 8 (rs2 * 8 in formats without rd)
 *     byte 3    B: rs1 * 8
 *     byte 4-7  C: signed immediate, or rs2 * 8, rs3 * 8, rounding mode in bytes 4, 5, 6, or the number of a CSR and,
 *               16 bits higher, the immediate of csrrwi and the like
 *
 * An immediate that is a distance to a slot of the same page is scaled to slot addresses.
 */
export const SLOT = { bytes: 8, a: 2, b: 3, c: 4, rs2: 4, rs3: 5, rm: 6 } as const;

/** Slot bytes for one byte of guest code. */
export const SLOT_SCALE = SLOT.bytes / 2;

/** A decoded page in linear memory. */
export const CODE_PAGE = {
  /** Slots of the page's halfwords, then two that lead to the next page. */
  halfwords: 2048,
  /** Slot number of the instruction that begins in the last halfword and ends in the next page. */
  straddling: 2052,
  /** FENCE.I so far when the page was last compared with memory (i32), and not 0 if it was used since the hand came by. */
  verified: 2050 * SLOT.bytes,
  used: 2050 * SLOT.bytes + 4,
  /**
   * Beside it, for whom it was decoded: the slots of the next page (i32) and the code generation (i32). While both
   * hold, it need not be decoded again.
   */
  straddlingFor: 2055 * SLOT.bytes,
  /** The bytes that the slots were decoded from. */
  snapshot: 2056 * SLOT.bytes,
  /** For each halfword the number of the compiled region that begins there, as a u16; it counts where the slot says so. */
  regions: 2056 * SLOT.bytes + 4096,
  bytes: 2056 * SLOT.bytes + 8192,
} as const;

/** Operation numbers that are not instructions. */
export const OPERATION = {
  /** Decode this slot, then execute it. */
  decode: 0,
  /** The code goes on in the next page. */
  pageEnd: 1,
  /** An instruction that begins in the last halfword of the page. */
  straddle: 2,
  illegal: 3,
  nop4: 4,
  nop2: 5,
  /** A compiled region begins here: {@link REGION} has the instruction itself. */
  region: 6,
  /** Behind an instruction that was carried out aside: go on in its page. */
  asideEnd: 7,
  firstInstruction: 8,
} as const;

/** What the interpreter must know of a compiled region: a record of 32-bit words in linear memory. */
export const REGION = {
  /** Index of its function in the table. */
  element: 0,
  /** The operation that its first slot held. */
  operation: 4,
  /** Pages besides the first that it has code of; each must still be where it was when the region was compiled. */
  pages: 8,
  /** How often the region may be left because it could not go on before TypeScript is told (i32). */
  patience: 12,
  /** For each of them: how many bytes behind the first page it lies in the guest's address space, and its slots. */
  firstPage: 16,
  pageBytes: 8,
  mostPages: 6,
  /** Its first instruction once more, with all jumps far, for when the region cannot run; then slots that lead back. */
  aside: 64,
  bytes: 96,
} as const;

/**
 * Where generated code finds decoded pages by physical page: how many FENCE.I there were (i32), and entries that pages
 * share by the low bits of their number: the number within RAM (i32, -1 for none) and the slots (i32).
 */
export const CODE_DIRECTORY = {
  epoch: 0,
  first: 64,
  entries: 4096,
  entryBytes: 8,
  bytes: 64 + 4096 * 8,
} as const;
