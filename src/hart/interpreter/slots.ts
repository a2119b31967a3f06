import type { Format } from '../../isa/index.ts';
import { align, array, i32, struct, u8, u16 } from '../../layout/struct.ts';

/** Bytes 4-7 of a slot in formats that have no immediate. */
const REGISTERS = struct({ rs2: u8, rs3: u8, rm: u8 });

/** See {@link SLOT}. */
export const SLOT_TYPE = align(8, struct({ operation: u16, a: u8, b: u8, c: i32 }));

/**
 * Decoded code: every halfword of a page of guest code has an 8-byte slot, so that a jump within the page is an
 * addition and no instruction is decoded twice.
 *
 *     byte 0-1  operation number; 0 = not decoded yet
 *     byte 2    A: rd * 8 (rs2 * 8 in formats without rd)
 *     byte 3    B: rs1 * 8
 *     byte 4-7  C: signed immediate, or rs2 * 8, rs3 * 8, rounding mode in bytes 4, 5, 6, or the number of a CSR and,
 *               16 bits higher, the immediate of csrrwi and the like;
 *               an immediate beside rs2 in formats that have rd, too, is in byte 6
 *
 * An immediate that is a distance to a slot of the same page is scaled to slot addresses.
 */
export const SLOT = {
  bytes: SLOT_TYPE.bytes,
  a: SLOT_TYPE.at.a,
  b: SLOT_TYPE.at.b,
  c: SLOT_TYPE.at.c,
  rs2: SLOT_TYPE.at.c + REGISTERS.at.rs2,
  rs3: SLOT_TYPE.at.c + REGISTERS.at.rs3,
  rm: SLOT_TYPE.at.c + REGISTERS.at.rm,
} as const;

/** Whether an immediate of 8 bits shares C with rs2. */
export function hasSmallImmediate({ fields }: Format): boolean {
  return fields.has('rd') && fields.has('rs2') && fields.has('imm');
}

/** Slot bytes for one byte of guest code. */
export const SLOT_SCALE = SLOT.bytes / 2;

/** Bytes of a page of guest code, and how many halfwords these are. */
const PAGE = 4096;
const HALFWORDS = PAGE / 2;

/** A page of guest code, decoded. */
export const DECODED_PAGE = struct({
  slots: array(SLOT_TYPE, HALFWORDS),
  /** Two slots that lead to the next page. */
  pageEnd: array(SLOT_TYPE, 2),
  /** FENCE.I so far when the page was last compared with memory, and not 0 if it was used since the hand came by. */
  verified: i32,
  used: i32,
  /** Slot of the instruction that begins in the last halfword and ends in the next page, then two that lead back. */
  straddling: array(SLOT_TYPE, 3),
  /**
   * For whom that one was decoded: the slots of the next page and the code generation. While both hold, it need not be
   * decoded again.
   */
  straddlingFor: array(i32, 2),
  /** The bytes that the slots were decoded from. */
  snapshot: align(64, array(u8, PAGE)),
  /** For each halfword the number of the compiled region that begins there; it counts where the slot says so. */
  regions: align(64, array(u16, HALFWORDS)),
});

/** A decoded page in linear memory. */
export const CODE_PAGE = { ...DECODED_PAGE.at, bytes: DECODED_PAGE.bytes, halfwords: HALFWORDS } as const;

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

const MOST_PAGES = 6;

/** A page that a region has code of: how many bytes behind the first page it lies for the guest, and its slots. */
export const REGION_PAGE = struct({ distance: i32, slots: i32 });

/** A compiled region. */
export const REGION_RECORD = struct({
  /** Index of its function in the table. */
  element: i32,
  /** The operation that its first slot held. */
  operation: i32,
  /** How many {@link REGION_PAGE}s there are; each must still be where it was when the region was compiled. */
  pages: i32,
  /** How often the region may be left because it could not go on before TypeScript is told. */
  patience: i32,
  firstPage: array(REGION_PAGE, MOST_PAGES),
  /**
   * Its first instruction once more, with all jumps far, for when the region cannot run; then two slots that lead back.
   */
  aside: align(32, array(SLOT_TYPE, 3)),
  /** Where it begins, as `hotEntry` has it; `NO_ENTRY` once it was dropped. */
  entry: i32,
});

/** A compiled region as the interpreter knows it: a record in linear memory. */
export const REGION = { ...REGION_RECORD.at, bytes: REGION_RECORD.bytes, mostPages: MOST_PAGES } as const;

const DIRECTORY_ENTRIES = 4096;

/** The number of a page within RAM, -1 for none, and the slots of the decoded page. */
export const DIRECTORY_ENTRY = struct({ page: i32, slots: i32 });

/** See {@link CODE_DIRECTORY}. */
export const DIRECTORY = struct({
  /** How many FENCE.I there were. */
  epoch: i32,
  /** Entries that pages share by the low bits of their number. */
  first: align(64, array(DIRECTORY_ENTRY, DIRECTORY_ENTRIES)),
});

/** Where generated code finds decoded pages by physical page. */
export const CODE_DIRECTORY = {
  ...DIRECTORY.at,
  bytes: DIRECTORY.bytes,
  entries: DIRECTORY_ENTRIES,
} as const;
