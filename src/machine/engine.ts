/** How a machine's harts carry out guest code: `interp` interprets it, `jit` also compiles what runs often. */
export const ENGINES = ['interp', 'jit'] as const;

export type Engine = (typeof ENGINES)[number];

export const DEFAULT_ENGINE: Engine = 'interp';
