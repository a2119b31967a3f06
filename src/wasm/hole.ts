/**
 * Stands in recorded code for a number that is known only when the code is written. Bits 24 and up tell the kind,
 * bits 23:8 the slot of the number, and bits 7:0 are added to an index.
 */
export const HOLE = {
  /** An index of a local, an offset, or the distance of a label: unsigned. */
  index: 1 << 24,
  /** A 32-bit constant, also of an i64. */
  signed: 2 << 24,
  /** A constant of an i64: 65536 times the number in the slot plus that in the next. */
  wide: 3 << 24,
  /** Nothing, but the branch that follows is hardly ever taken. */
  unlikely: 4 << 24,
  /** The index of an imported function, by its number. */
  callee: 5 << 24,
  kinds: 0x7f00_0000,
} as const;

/** Slots of holes: those before are for users, then come locals of the code itself, then imported functions. */
export const SLOTS = { temporaries: 16, callees: 48, all: 64 } as const;

/** The hole for an unsigned number: as the index of a local, as an offset, or as the depth of a label (negated). */
export function indexHole(slot: number): number {
  return HOLE.index | (slot << 8);
}
