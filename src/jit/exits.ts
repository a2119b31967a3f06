/** How a region is left: results of its function. The odd ones say where to by an address. */
export const REGION_EXIT = {
  /** By a jump to the slot in the hart block. */
  near: 0,
  /** By a jump to the pc in the hart block. */
  far: 1,
  /** Not by a jump: the code goes on at the slot in the hart block. */
  next: 2,
  /** Not by a jump: the code goes on at the pc in the hart block. */
  nextFar: 3,
  /** Before the instruction at the slot in the hart block, which the interpreter must carry out. */
  resume: 4,
  /** By a jump to the pc in the hart block, which was in a register of the guest; the jump's own address is noted. */
  indirect: 5,
} as const;

export type RegionExit = (typeof REGION_EXIT)[keyof typeof REGION_EXIT];

/**
 * Instructions that a region may run beyond the budget of the chunk, so that a loop is not left after each chunk. It
 * bounds the time until a kick takes effect.
 */
export const REGION_BUDGET = 8192;
