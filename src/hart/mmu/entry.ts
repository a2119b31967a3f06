/** Bits of a page table entry (Sv39, Sv48, Sv57 and their G-stage forms), by half. Those of Sv32 are the low half. */
export const ENTRY = {
  valid: 0x01,
  read: 0x02,
  write: 0x04,
  execute: 0x08,
  user: 0x10,
  accessed: 0x40,
  dirty: 0x80,
} as const;

/** Bits of the high half. */
const CONTIGUOUS = 1 << 31;
const MEMORY_TYPE = 3 << 29;
const RESERVED = 0x7f << 22;
const NUMBER_HIGH = 0x3f_ffff;

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;

/** A contiguous entry (Svnapot) stands for 16 pages and has 8 in the lowest digit of its page number. */
const CONTIGUOUS_DIGIT = 0xf000;
const CONTIGUOUS_64K = 0x8000;
export const CONTIGUOUS_OFFSET = 0xffff;

/** Low word of the physical address in an entry. */
export function addressLow(low: number): number {
  return (low & ~0x3ff) << 2;
}

/** High word of the physical address in an entry: 24 bits. */
export function addressHigh(low: number, high: number): number {
  return ((high & NUMBER_HIGH) << 2) | (low >>> 30);
}

/**
 * Whether an entry, pointer or leaf, may be used at all: valid, and no reserved bit or encoding.
 *
 * @param memoryTypes - Svpbmt is enabled for this stage; its types change nothing here but are not faults then
 */
export function isUsable(low: number, high: number, memoryTypes: boolean): boolean {
  if ((low & ENTRY.valid) === 0) return false;
  if ((low & (ENTRY.read | ENTRY.write)) === ENTRY.write) return false;
  if ((high & RESERVED) !== 0) return false;
  const type = high & MEMORY_TYPE;
  return type === 0 || (memoryTypes && type !== MEMORY_TYPE);
}

export function isPointer(low: number): boolean {
  return (low & PERMISSIONS) === 0;
}

/** Whether a pointer to the next table has bits that only leaves may have. */
export function isReservedPointer(low: number, high: number): boolean {
  const leafOnly = ENTRY.user | ENTRY.accessed | ENTRY.dirty;
  return (low & leafOnly) !== 0 || (high & (CONTIGUOUS | MEMORY_TYPE)) !== 0;
}

export function isContiguous(high: number): boolean {
  return (high & CONTIGUOUS) !== 0;
}

/** Whether the page number of a leaf of the lowest level is possible: one page, or the one known contiguous size. */
export function isSmallPage(low: number, high: number): boolean {
  return !isContiguous(high) || (addressLow(low) & CONTIGUOUS_DIGIT) === CONTIGUOUS_64K;
}

/** Whether a superpage is aligned; the offsets are the address bits below the translated part, by half. */
export function isSuperpage(low: number, high: number, offsetLow: number, offsetHigh: number): boolean {
  if (isContiguous(high)) return false;
  return ((addressLow(low) & offsetLow) | (addressHigh(low, high) & offsetHigh)) === 0;
}
