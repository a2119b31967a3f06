/** The scenarios that come with hartvisor, by theme. A new one is an entry in its theme's list. */
import type { Scenario } from '../scenario.ts';
import { BROKEN_RULES } from './broken-rules.ts';
import { FENCES } from './fences.ts';
import { FILES } from './files.ts';
import { IPIS } from './ipis.ts';
import { LEVELS } from './levels.ts';
import { PCPUS } from './pcpus.ts';
import { SLEEPERS } from './sleepers.ts';

/** In the order of reports: in each list small ones come first. */
export const SCENARIOS: readonly Scenario[] = [
  ...IPIS,
  ...LEVELS,
  ...PCPUS,
  ...FENCES,
  ...SLEEPERS,
  ...FILES,
  ...BROKEN_RULES,
];
