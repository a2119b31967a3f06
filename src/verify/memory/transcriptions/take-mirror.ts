/**
 * `take-mirror` as `c/vcpu_irqs.h` has it in C: a set publishes what came before it, and the take acquires that. The
 * load of `flush` is ordered by the entry around it, that of `has` by the sleep around it, and what set and unset do
 * before the kick by the barrier that a kick begins with.
 */
import { takeMirror } from '../../../interrupts/take-mirror.ts';
import { IRQS_PENDING, type VcpuWords } from '../../../interrupts/words.ts';
import type { CFunction } from './c-operations.ts';
import type { Transcription } from './transcription-type.ts';

function flushWord(c: CFunction, words: VcpuWords, index: number, hvip: number, edges: number): number {
  let word = c.READ_ONCE(words, index);
  if ((word & edges) !== 0) word = c.atomic_fetch_andnot_acquire(edges, words, index);
  return ((hvip & edges) | word) >>> 0;
}

export const TAKE_MIRROR: Transcription = {
  name: 'take-mirror',
  provenance: takeMirror.provenance,
  asksForBarriers: true,
  set: (c, words, irq) => {
    const bit = 1 << (irq & 31);
    return (c.atomic_fetch_or_release(bit, words, IRQS_PENDING + (irq >> 5)) & bit) === 0;
  },
  unset: (c, words, irq) => {
    const bit = 1 << (irq & 31);
    return (c.atomic_fetch_andnot_relaxed(bit, words, IRQS_PENDING + (irq >> 5)) & bit) !== 0;
  },
  sync: (_c, _words, local, hvipLo, hvipHi) => {
    local.hvipLo = ((local.hvipLo & ~local.guestWritableLo) | (hvipLo & local.guestWritableLo)) >>> 0;
    local.hvipHi = ((local.hvipHi & ~local.guestWritableHi) | (hvipHi & local.guestWritableHi)) >>> 0;
  },
  flush: (c, words, local) => {
    local.hvipLo = flushWord(c, words, IRQS_PENDING, local.hvipLo, local.guestWritableLo);
    if (local.wordCount === 1) return;
    local.hvipHi = flushWord(c, words, IRQS_PENDING + 1, local.hvipHi, local.guestWritableHi);
  },
  has: (c, words, local, enabledLo, enabledHi) => {
    const lo = c.READ_ONCE(words, IRQS_PENDING) | (local.hvipLo & local.guestWritableLo);
    if ((lo & enabledLo) !== 0) return true;
    if (local.wordCount === 1) return false;
    const hi = c.READ_ONCE(words, IRQS_PENDING + 1) | (local.hvipHi & local.guestWritableHi);
    return (hi & enabledHi) !== 0;
  },
};
