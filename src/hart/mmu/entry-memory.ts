import type { Xlen } from '../../isa/index.ts';
import { type GuestMemory, type GuestPhysical, physicalAddress } from '../../memory/guest-memory.ts';
import { ACCESS } from '../exceptions.ts';
import { MODE } from '../privileged/registers.ts';
import type { Pmp } from './pmp.ts';

/** Bytes of an entry of a width. */
const ENTRY_BYTES = { 32: 4, 64: 8 } as const;

/** Results of an attempt to set bits of an entry. */
export const UPDATE = { done: 0, changed: 1, forbidden: 2 } as const;
export type Update = (typeof UPDATE)[keyof typeof UPDATE];

/**
 * Page table entries in RAM, which other harts and the guest's own stores change at any time.
 *
 * Page tables live in RAM only: an entry anywhere else is an access fault. The entries of RV32 have 32 bits, which are
 * the low ones of an entry of RV64 that says the same.
 */
export class EntryMemory {
  /** The entry of the last successful {@link load}. */
  low = 0;
  high = 0;
  readonly #words: Int32Array;
  readonly #entries: BigInt64Array;
  readonly #ram: GuestMemory;
  readonly #pmp: Pmp;
  readonly #entryBytes: 4 | 8;
  /** Index in #words of the entry in `low` and `high`. */
  #index = 0;
  #physical: GuestPhysical = 0;

  constructor(ram: GuestMemory, pmp: Pmp, xlen: Xlen) {
    this.#words = new Int32Array(ram.linear.buffer);
    this.#entries = new BigInt64Array(ram.linear.buffer);
    this.#ram = ram;
    this.#pmp = pmp;
    this.#entryBytes = ENTRY_BYTES[xlen];
  }

  /** Reads the entry at a supervisor-physical address (a multiple of its size). False: access fault. */
  load(addressLow: number, addressHigh: number): boolean {
    const physical = physicalAddress(addressLow, addressHigh);
    const host = this.#ram.offsetOf(physical, this.#entryBytes);
    if (host < 0) return false;
    if (!this.#pmp.check(physical, this.#entryBytes, ACCESS.load, MODE.supervisor)) return false;
    this.#physical = physical;
    this.#index = host >>> 2;
    if (this.#entryBytes === 8) this.#loadPair(this.#index);
    // Pairs with the stores of guests and the compare-exchange in setBits.
    else this.low = Atomics.load(this.#words, this.#index);
    return true;
  }

  /**
   * Sets bits in the low half of the entry read last, if it still has the value read.
   *
   * @returns changed: somebody else wrote the entry, read it again; forbidden: access fault
   */
  setBits(bits: number): Update {
    if (!this.#pmp.check(this.#physical, this.#entryBytes, ACCESS.store, MODE.supervisor)) {
      return UPDATE.forbidden;
    }
    if (this.#entryBytes === 4) return this.#setWordBits(bits);
    const seen = (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
    // Atomic against guest stores to the entry and against setBits of other harts: all 64 bits must be as read.
    const found = Atomics.compareExchange(this.#entries, this.#index >>> 1, seen, seen | BigInt(bits));
    if (found !== seen) return UPDATE.changed;
    this.low |= bits;
    return UPDATE.done;
  }

  #setWordBits(bits: number): Update {
    const seen = this.low;
    // Atomic against guest stores to the entry and against setBits of other harts.
    if (Atomics.compareExchange(this.#words, this.#index, seen, seen | bits) !== seen) return UPDATE.changed;
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
