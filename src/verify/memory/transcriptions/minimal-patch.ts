/**
 * `minimal-patch`: the C code of `published`, with the two functions changed as in `interrupts/field/minimal-patch.ts`.
 */
import { minimalPatch } from '../../../interrupts/field/minimal-patch.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK, type VcpuWords } from '../../../interrupts/words.ts';
import type { CFunction } from './c-operations.ts';
import { PUBLISHED } from './published.ts';
import { TAKE_MIRROR } from './take-mirror.ts';
import type { Transcription } from './transcription-type.ts';

function effectivePending(c: CFunction, words: VcpuWords, word: 0 | 1, hvip: number): number {
  const mask = c.READ_ONCE(words, IRQS_PENDING_MASK + word);
  c.smp_mb();
  return (c.READ_ONCE(words, IRQS_PENDING + word) & mask) | (hvip & ~mask);
}

export const MINIMAL_PATCH: Transcription = {
  ...PUBLISHED,
  name: 'minimal-patch',
  provenance: minimalPatch.provenance,
  // No access to a shared word.
  sync: TAKE_MIRROR.sync,
  has: (c, words, local, enabledLo, enabledHi) => {
    if ((effectivePending(c, words, 0, local.hvipLo) & enabledLo) !== 0) return true;
    return local.wordCount === 2 && (effectivePending(c, words, 1, local.hvipHi) & enabledHi) !== 0;
  },
};
