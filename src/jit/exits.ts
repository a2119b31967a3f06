/** How a region is left: what its function returns. */
export const REGION_EXIT = {
  /** By a jump to the slot in the hart block. */
  near: 0,
  /** By a jump to the pc in the hart block. */
  far: 1,
  /** Before the instruction at the slot in the hart block: the region cannot go on, the interpreter must. */
  resume: 2,
  /** Before the instruction at the pc in the hart block. */
  resumeFar: 3,
} as const;

/**
 * Instructions that a region may run beyond the budget of the chunk, so that a loop is not left after each chunk. It
 * bounds the time until a kick takes effect.
 */
export const REGION_BUDGET = 8192;
