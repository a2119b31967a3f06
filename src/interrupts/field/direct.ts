/**
 * The stop-gap: no tracking at all. The author of the Xen patch offered it on 15 January 2026, until the rest of the
 * series would be ready, as the body of the timer's expiry handler:
 *
 * ```c
 * csr_set(CSR_HVIP, IRQ_VS_TIMER);
 * vcpu->hvip = csr_read(CSR_HVIP);
 * ```
 *
 * Nobody discussed it. Earlier in the thread he gives the reason himself why tracking exists, and it is the fault of
 * this code: a producer that runs elsewhere than its vCPU writes `vcpu->hvip` in memory, and when the vCPU is switched
 * out its own processor saves the register over it (`vcpu->hvip = csr_read(CSR_HVIP)`). A bit that the producer wrote
 * in between is gone.
 *
 * How it maps to our words. The shared word is `vcpu->hvip`. `flush` is the restore: memory goes to the register.
 * `sync` is the save: the register goes to memory, over the content there. A producer never runs on the hart that has
 * the target's guest in it, so it reaches the memory and not the register. That is every cross-processor producer of
 * the original; the only good case, a handler on the vCPU's own processor, is here one that runs between `sync` and
 * `flush`.
 *
 * Two more faults of the original are left out in its favour. A handler on another processor also sets the bit in that
 * processor's HVIP, which belongs to the vCPU loaded there; a producer here knows the words of its target only. And
 * `IRQ_VS_TIMER` is a bit number, 6, so the line as written sets bits 1 and 2: VSSIP.
 */

import type { OwnerState, Protocol } from '../protocol.ts';
import type { VcpuWords } from '../words.ts';
import { IRQS_PENDING as HVIP } from '../words.ts';
import { clearBit, readOnce, setBit, writeOnce } from './bitops.ts';

function set(words: VcpuWords, irq: number): boolean {
  // Meets the read in `flush`, and the store in `sync`, which may erase it.
  setBit(irq, words, HVIP);
  return true;
}

function unset(words: VcpuWords, irq: number): boolean {
  // Meets the read in `flush`, and the store in `sync`, which may undo it.
  clearBit(irq, words, HVIP);
  return false;
}

/**
 * The save of HVIP. Bits that the guest cannot write are as `flush` left them; taking that from the cache leaves out
 * bits that the hypervisor derives and adds to the register itself.
 */
function sync(words: VcpuWords, local: OwnerState, hvipLo: number, hvipHi: number): void {
  local.hvipLo = ((local.hvipLo & ~local.guestWritableLo) | (hvipLo & local.guestWritableLo)) >>> 0;
  // Overwrites the bits that producers wrote since the read in `flush`.
  writeOnce(words, HVIP, local.hvipLo);
  if (local.wordCount === 2) {
    local.hvipHi = ((local.hvipHi & ~local.guestWritableHi) | (hvipHi & local.guestWritableHi)) >>> 0;
    // As above.
    writeOnce(words, HVIP + 1, local.hvipHi);
  }
}

/** The restore of HVIP. */
function flush(words: VcpuWords, local: OwnerState): void {
  // Meets the writes of producers.
  local.hvipLo = readOnce(words, HVIP) >>> 0;
  if (local.wordCount === 2) {
    // As above.
    local.hvipHi = readOnce(words, HVIP + 1) >>> 0;
  }
}

function has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean {
  // Meets the writes of producers.
  if ((readOnce(words, HVIP) & enabledLo) !== 0) {
    return true;
  }
  // As above.
  return local.wordCount === 2 && (readOnce(words, HVIP + 1) & enabledHi) !== 0;
}

export const direct: Protocol = {
  name: 'direct',
  provenance:
    'Oleksii Kurochko on xen-devel, 15 January 2026: a stop-gap offered in the review of "introduce tracking of pending vCPU interrupts" v1',
  set,
  unset,
  sync,
  flush,
  has,
};
