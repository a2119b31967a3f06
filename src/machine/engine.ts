/**
 * How a machine's harts carry out guest code: `interp` interprets it, `jit` also compiles code that runs often,
 * `lockstep` does both beside each other and stops at the first difference.
 */
export const ENGINES = ['interp', 'jit', 'lockstep'] as const;

/** How guest code is carried out: by the interpreter alone, with the compiler, or by both in lock step. */
export type Engine = (typeof ENGINES)[number];

export const DEFAULT_ENGINE: Engine = 'jit';
