/**
 * A protocol for pending interrupts with a mistake: what it has given to the guest once it does not give again. A guest
 * that is left before it has looked, because it had interrupts disabled, never hears of them.
 */
import {
  IRQS_PENDING,
  type OwnerState,
  type Protocol,
  protocolByName,
  type VcpuWords,
} from 'hartvisor/verify';

/** Interrupts that the guest itself may clear are taken from the word, all others are copied. */
function flushWord(words: VcpuWords, index: number, edges: number): number {
  return Atomics.and(words, index, ~edges) >>> 0;
}

export const forgetful: Protocol = {
  ...protocolByName('take-mirror'),
  name: 'forgetful',
  provenance: 'the examples of hartvisor',
  flush(words: VcpuWords, local: OwnerState): void {
    local.hvipLo = flushWord(words, IRQS_PENDING, local.guestWritableLo);
    if (local.wordCount === 2) local.hvipHi = flushWord(words, IRQS_PENDING + 1, local.guestWritableHi);
  },
};
