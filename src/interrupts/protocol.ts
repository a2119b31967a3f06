import type { InterruptNumbers } from './numbers.ts';
import type { VcpuWords } from './words.ts';

/**
 * The part of a vCPU's interrupts that its own thread keeps: one small plain object, so that it moves between threads
 * as a few numbers and a checker can hold, compare and restore it.
 *
 * Only the pCPU that has the vCPU loaded touches it.
 */
export interface OwnerState {
  /** The cached hvip, numbers 0-31: the last flush's HVIP, with the guest's own writes since then. */
  hvipLo: number;
  /** The cached hvip, numbers 32-63 (hviph on RV32). */
  hvipHi: number;
  /**
   * How many 32-bit words the vCPU's interrupt numbers need: 1 when it has none above 31. Each access to a shared word
   * is a call into the engine, so a word that stays zero for ever is not read.
   */
  readonly wordCount: 1 | 2;
  /** Edges: pending bits that the guest itself may set and clear through sip. */
  readonly guestWritableLo: number;
  readonly guestWritableHi: number;
}

/**
 * One way to carry pending interrupts from producers on any thread to the vCPU that takes them.
 *
 * All functions are synchronous and deterministic, reach shared words through `Atomics.*` only, keep nothing outside
 * their arguments and catch nothing: a checker suspends them at any atomic access by throwing, and runs them again
 * with the results recorded so far.
 *
 * Numbers are valid when they arrive here. `sync`, `flush` and `has` are called by the owner only.
 */
export interface Protocol {
  readonly name: string;
  /** Where the protocol comes from: project, versions, commit or mail. */
  readonly provenance: string;
  /** Makes `irq` pending. Any thread. Returns whether the vCPU needs a kick now. */
  set(words: VcpuWords, irq: number): boolean;
  /** Withdraws `irq`. Any thread. Returns whether the vCPU needs a kick now. */
  unset(words: VcpuWords, irq: number): boolean;
  /** Takes note of the guest's changes of HVIP; `hvipLo` and `hvipHi` are the register's content after the exit. */
  sync(words: VcpuWords, local: OwnerState, hvipLo: number, hvipHi: number): void;
  /** Brings `local.hvipLo` and `local.hvipHi` up to date with the producers; HVIP is written from them right after. */
  flush(words: VcpuWords, local: OwnerState): void;
  /** Whether an interrupt among the enabled ones is pending. Decides whether WFI sleeps. */
  has(words: VcpuWords, local: OwnerState, enabledLo: number, enabledHi: number): boolean;
}

/** The owner's state of a fresh vCPU. */
export function createOwnerState(numbers: InterruptNumbers): OwnerState {
  return {
    hvipLo: 0,
    hvipHi: 0,
    wordCount: numbers.allowedHi === 0 ? 1 : 2,
    guestWritableLo: numbers.guestWritableLo,
    guestWritableHi: numbers.guestWritableHi,
  };
}
