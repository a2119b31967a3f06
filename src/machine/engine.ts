/**
 * How a machine's harts carry out guest code: `interp` interprets it, `jit` also compiles what runs often, `lockstep`
 * does both beside each other and stops at the first difference.
 */
export const ENGINES = ['interp', 'jit', 'lockstep'] as const;

export type Engine = (typeof ENGINES)[number];

export const DEFAULT_ENGINE: Engine = 'jit';
