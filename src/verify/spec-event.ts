import type { PropertyId } from './property.ts';

/** News from threads for the specification. Bits of interrupts are in hvip positions, as two words. */
export type SpecEvent =
  /** A thread begins to set or unset an interrupt. */
  | { readonly is: 'call'; readonly thread: string; readonly irq: number; readonly set: boolean }
  /** The call has returned. */
  | { readonly is: 'return'; readonly thread: string }
  /** A flush begins; `lo` and `hi` are what the guest has in HVIP. */
  | { readonly is: 'flush'; readonly lo: number; readonly hi: number }
  /** The flush is over; `lo` and `hi` are what it wants in HVIP. */
  | { readonly is: 'flushed'; readonly lo: number; readonly hi: number }
  /**
   * Whatever the vCPU reads from now on is no older than this moment; of a flush later on that is all that is known.
   * Weak memory only: without, a flush looks between its begin and its end.
   */
  | { readonly is: 'look' }
  /**
   * A store of the thread has taken effect ahead of its turn, perhaps one of a call that the thread has not come to
   * yet; and the thread has come to that store. Weak memory only.
   */
  | { readonly is: 'ahead' | 'kept'; readonly thread: string }
  /**
   * The owner of an interrupt file begins to claim; `wanted` are the identities that it takes, as numbers of messages
   * (see `messageNumber`), in rising order.
   */
  | { readonly is: 'claim'; readonly wanted: readonly number[] }
  /** The claim is over; `irq` is the message that it took, 0 for none. */
  | { readonly is: 'claimed'; readonly irq: number }
  /** An interrupt changes at this very moment: the source of a derived level, or an edge that becomes pending. */
  | { readonly is: 'effect'; readonly irq: number; readonly high: boolean };

export interface SpecViolation {
  readonly property: PropertyId;
  readonly message: string;
  /** The interrupt that it is about, if it is about one. */
  readonly irq?: number;
}
