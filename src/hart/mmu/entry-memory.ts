import { type GuestMemory, type GuestPhysical, physicalAddress } from '../../memory/guest-memory.ts';
import { ACCESS } from '../exceptions.ts';
import { MODE } from '../privileged/registers.ts';
import type { Pmp } from './pmp.ts';

const ENTRY_BYTES = 8;

/** Results of an attempt to set bits of an entry. */
export const UPDATE = { done: 0, changed: 1, forbidden: 2 } as const;
export type Update = (typeof UPDATE)[keyof typeof UPDATE];

/**
 * Page table entries in RAM, which other harts and the guest's own stores change at any time.
 *
 * Page tables live in RAM only: an entry anywhere else is an access fault.
 */
export class EntryMemory {
  /** The entry of the last successful {@link load}. */
  low = 0;
  high = 0;
  readonly #words: Int32Array;
  readonly #entries: BigInt64Array;
  readonly #ram: GuestMemory;
  readonly #pmp: Pmp;
  /** Index in #words of the entry in `low` and `high`. */
  #index = 0;
  #physical: GuestPhysical = 0;

  constructor(ram: GuestMemory, pmp: Pmp) {
    this.#words = new Int32Array(ram.linear.buffer);
    this.#entries = new BigInt64Array(ram.linear.buffer);
    this.#ram = ram;
    this.#pmp = pmp;
  }

  /** Reads the entry at a supervisor-physical address (a multiple of 8). False: access fault. */
  load(addressLow: number, addressHigh: number): boolean {
    const physical = physicalAddress(addressLow, addressHigh);
    const host = this.#ram.offsetOf(physical, ENTRY_BYTES);
    if (host < 0) return false;
    if (!this.#pmp.check(physical, ENTRY_BYTES, ACCESS.load, MODE.supervisor)) return false;
    this.#physical = physical;
    this.#index = host >>> 2;
    this.#loadPair(this.#index);
    return true;
  }

  /**
   * Sets bits in the low half of the entry read last, if it still has the value read.
   *
   * @returns changed: somebody else wrote the entry, read it again; forbidden: access fault
   */
  setBits(bits: number): Update {
    if (!this.#pmp.check(this.#physical, ENTRY_BYTES, ACCESS.store, MODE.supervisor)) return UPDATE.forbidden;
    const seen = (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
    // Atomic against guest stores to the entry and against setBits of other harts: all 64 bits must be as read.
    const found = Atomics.compareExchange(this.#entries, this.#index >>> 1, seen, seen | BigInt(bits));
    if (found !== seen) return UPDATE.changed;
    this.low |= bits;
    return UPDATE.done;
  }

  /**
   * Reads both halves as one value, although each load is of 32 bits: the low half is read again, and if it still is
   * the same then the high half belongs to it. Guests replace entries with single 64-bit stores.
   */
  #loadPair(index: number): void {
    // These loads pair with the 64-bit stores of guests and the compare-exchange in setBits.
    let low = Atomics.load(this.#words, index);
    for (;;) {
      const high = Atomics.load(this.#words, index + 1);
      const again = Atomics.load(this.#words, index);
      if (again === low) {
        this.low = low;
        this.high = high;
        return;
      }
      low = again;
    }
  }
}
