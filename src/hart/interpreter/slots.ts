/**
 * Decoded code: every halfword of a page of guest code has an 8-byte slot, so that a jump within the page is an
 * addition and no instruction is decoded twice.
 *
 *     byte 0-1  operation number; 0 = not decoded yet
 *     byte 2    A: rd * 8 (rs2 * 8 in formats without rd)
 *     byte 3    B: rs1 * 8 (the number itself for the immediate of csrrwi)
 *     byte 4-7  C: signed immediate, or rs2 * 8, rs3 * 8, rounding mode in bytes 4, 5, 6
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
  /**
   * Beside it, for whom it was decoded: the slots of the next page (i32) and the code generation (i32). While both
   * hold, it need not be decoded again.
   */
  straddlingFor: 2055 * SLOT.bytes,
  /** The bytes that the slots were decoded from. */
  snapshot: 2056 * SLOT.bytes,
  bytes: 2056 * SLOT.bytes + 4096,
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
  firstInstruction: 6,
} as const;
