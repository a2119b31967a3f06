/**
 * `direct`: the stop-gap of the mail, on `vcpu->hvip` in memory, which is word `pending` here. `csr_set()` of the mail
 * is atomic on the register; on memory it is `set_bit()`. Saving and restoring are a plain store and load in the
 * original.
 */
import { direct } from '../../../interrupts/field/direct.ts';
import { IRQS_PENDING as HVIP } from '../../../interrupts/words.ts';
import type { Transcription } from './transcription-type.ts';

export const DIRECT: Transcription = {
  name: 'direct',
  provenance: direct.provenance,
  set: (c, words, irq) => {
    c.set_bit(irq, words, HVIP);
    return true;
  },
  unset: (c, words, irq) => {
    c.clear_bit(irq, words, HVIP);
    return false;
  },
  sync: (c, words, local, hvipLo, hvipHi) => {
    local.hvipLo = ((local.hvipLo & ~local.guestWritableLo) | (hvipLo & local.guestWritableLo)) >>> 0;
    c.store(words, HVIP, local.hvipLo);
    if (local.wordCount === 1) return;
    local.hvipHi = ((local.hvipHi & ~local.guestWritableHi) | (hvipHi & local.guestWritableHi)) >>> 0;
    c.store(words, HVIP + 1, local.hvipHi);
  },
  flush: (c, words, local) => {
    local.hvipLo = c.load(words, HVIP) >>> 0;
    if (local.wordCount === 2) local.hvipHi = c.load(words, HVIP + 1) >>> 0;
  },
  has: (c, words, local, enabledLo, enabledHi) => {
    if ((c.load(words, HVIP) & enabledLo) !== 0) return true;
    return local.wordCount === 2 && (c.load(words, HVIP + 1) & enabledHi) !== 0;
  },
};
