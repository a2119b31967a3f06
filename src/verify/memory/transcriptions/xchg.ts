/**
 * `xchg`: the line of the mail, `*hvip |= xchg(&v->arch.irqs_pending[0], 0UL)`, with the `set_bit()` and `clear_bit()`
 * of the patch under review before it. The mail has no second bitmap, and so no barrier between two.
 */

import { xchg } from '../../../interrupts/field/xchg.ts';
import { IRQS_PENDING } from '../../../interrupts/words.ts';
import { TAKE_MIRROR } from './take-mirror.ts';
import type { Transcription } from './transcription-type.ts';

export const XCHG: Transcription = {
  name: 'xchg',
  provenance: xchg.provenance,
  set: (c, words, irq) => {
    c.set_bit(irq, words, IRQS_PENDING);
    return true;
  },
  unset: (c, words, irq) => {
    c.clear_bit(irq, words, IRQS_PENDING);
    return false;
  },
  // No access to a shared word.
  sync: TAKE_MIRROR.sync,
  flush: (c, words, local) => {
    local.hvipLo = (local.hvipLo | c.xchg(words, IRQS_PENDING, 0)) >>> 0;
    if (local.wordCount === 2) local.hvipHi = (local.hvipHi | c.xchg(words, IRQS_PENDING + 1, 0)) >>> 0;
  },
  has: (c, words, local, enabledLo, enabledHi) => {
    if (((local.hvipLo | c.READ_ONCE(words, IRQS_PENDING)) & enabledLo) !== 0) return true;
    return local.wordCount === 2 && ((local.hvipHi | c.READ_ONCE(words, IRQS_PENDING + 1)) & enabledHi) !== 0;
  },
};
