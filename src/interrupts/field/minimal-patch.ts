/**
 * `published.ts` with two lines changed, so that it loses nothing and needs no lock. Paolo Bonzini asked in October
 * 2019, in the review of the ninth version of KVM's RISC-V series, whether `sync` could not simply refresh the cached
 * register; the answer was no, because WFI looks at `irqs_pending`. That idea lacked the second line.
 *
 * 1. `sync` writes only the cached hvip, which no other thread touches, and never the bitmaps.
 * 2. A reader takes from `irqs_pending` only the bits that the mask covers, and the rest from the cached hvip.
 *
 * Why it is right. Producers alone write pending bits, the vCPU alone writes the cached hvip, and the mask bit says
 * which of the two is newer. A producer's last write of a pending bit is followed by its mask bit; the exchange that
 * takes this mask bit is followed by a read of the pending bit, which returns that write or a newer one. So the value
 * is in force from the write of the mask bit on: through `has` until the flush, and in hvip after it, until the guest
 * changes it. The pending bit of VSSIP stays 1 for good once it was set; its mask bit is the edge. So every thread that
 * reads `irqs_pending` has to look at the mask too, which `VcpuInterrupts` does by asking `has` only.
 *
 * As in `published`, `unset` asks for no kick. Unlike there, guest-writable bits other than VSSIP are folded both ways.
 */

import type { OwnerState, Protocol } from '../protocol.ts';
import type { VcpuWords } from '../words.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK } from '../words.ts';
import { readOnce } from './bitops.ts';
import { published } from './published.ts';

/** The first changed line: no shared access, as only the vCPU's own thread reads or writes the cached hvip. */
function sync(_words: VcpuWords, local: OwnerState, hvipLo: number, hvipHi: number): void {
  local.hvipLo = ((local.hvipLo & ~local.guestWritableLo) | (hvipLo & local.guestWritableLo)) >>> 0;
  local.hvipHi = ((local.hvipHi & ~local.guestWritableHi) | (hvipHi & local.guestWritableHi)) >>> 0;
}

/** The second changed line: the pending bits of one word. */
function effectivePending(words: VcpuWords, word: 0 | 1, hvip: number): number {
  // Meets the mask writes of producers: a mask bit that is seen here has its pending bit written.
  const mask = readOnce(words, IRQS_PENDING_MASK + word);
  // smp_mb() in C. Meets the pending writes of producers.
  return (readOnce(words, IRQS_PENDING + word) & mask) | (hvip & ~mask);
}

function has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean {
  if ((effectivePending(words, 0, local.hvipLo) & enabledLo) !== 0) {
    return true;
  }
  return local.wordCount === 2 && (effectivePending(words, 1, local.hvipHi) & enabledHi) !== 0;
}

export const minimalPatch: Protocol = {
  ...published,
  name: 'minimal-patch',
  provenance:
    'published, with sync and has changed by hartvisor; after a question of Paolo Bonzini on linux-kvm, 21 October 2019',
  sync,
  has,
};
