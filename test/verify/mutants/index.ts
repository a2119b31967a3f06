/** All mutants. A new one needs an entry in its list. */
import { FILE_MUTANTS } from './file-mutants.ts';
import { LOOP_MUTANTS } from './loop-mutants.ts';
import type { Mutant } from './mutant.ts';
import { PART_MUTANTS } from './part-mutants.ts';
import { SLEEP_MUTANTS } from './sleep-mutants.ts';
import { SPINLOCK_MUTANTS } from './spinlock-mutants.ts';
import { TAKE_MIRROR_MUTANTS } from './take-mirror-mutants.ts';
import { MINIMAL_PATCH_MUTANTS, XEN_MINIMAL_PATCH_MUTANTS } from './two-bitmap-mutants.ts';

export const MUTANTS: readonly Mutant[] = [
  ...TAKE_MIRROR_MUTANTS,
  ...MINIMAL_PATCH_MUTANTS,
  ...XEN_MINIMAL_PATCH_MUTANTS,
  ...SPINLOCK_MUTANTS,
  ...LOOP_MUTANTS,
  ...PART_MUTANTS,
  ...SLEEP_MUTANTS,
  ...FILE_MUTANTS,
];
