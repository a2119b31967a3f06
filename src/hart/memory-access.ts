import { ACCESS, type Access, CAUSE, type Exception } from './exceptions.ts';
import { LOAD_KINDS } from './interpreter/load-kinds.ts';
import { ATOMIC_READ } from './interpreter/memory-code.ts';
import { FIELD } from './layout.ts';
import type { Mmu } from './mmu/index.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { HartState } from './state.ts';
import type { Tlb } from './tlb.ts';

const PAGE = 0x1000;
/** Size in bytes of a cache block, for the cbo instructions. */
export const CACHE_BLOCK = 64;

/**
 * Data accesses that generated code does not do itself: TLB misses, misaligned accesses, devices.
 *
 * Addresses and values are passed in the hart's mailbox. Functions return false when the access raised an exception,
 * which is then in the shared record, and nothing was written.
 */
export class MemoryAccess {
  readonly #state: HartState;
  readonly #mmu: Mmu;
  readonly #tlb: Tlb;
  readonly #physical: PhysicalMemory;
  readonly #exception: Exception;

  constructor(state: HartState, mmu: Mmu, tlb: Tlb, physical: PhysicalMemory) {
    this.#state = state;
    this.#mmu = mmu;
    this.#tlb = tlb;
    this.#physical = physical;
    this.#exception = mmu.exception;
  }

  /** Loads from the mailbox address into the mailbox value, extended as `LOAD_KINDS[kindNumber]` says. */
  load(kindNumber: number): boolean {
    const kind = LOAD_KINDS[kindNumber];
    if (kind === undefined) throw new Error(`no load kind ${kindNumber}`);
    const { words } = this.#state;
    const low = words[FIELD.mailboxAddress >> 2] as number;
    const high = words[(FIELD.mailboxAddress >> 2) + 1] as number;
    const { bytes } = kind;
    if ((low & (PAGE - 1)) + bytes > PAGE) {
      if (!this.#loadAcrossPages(low, high, bytes)) return false;
    } else {
      if (!this.#mmu.translate(low, high, ACCESS.load, bytes)) return false;
      this.#fill(ACCESS.load, low, high);
      if (!this.#physical.read(this.#mmu.physical, bytes)) return this.#accessFault(ACCESS.load, low, high);
    }
    this.#deliver(bytes, kind.signed);
    return true;
  }

  /** Stores the low `bytes` bytes of the mailbox value at the mailbox address. */
  store(bytes: number): boolean {
    const { words } = this.#state;
    const low = words[FIELD.mailboxAddress >> 2] as number;
    const high = words[(FIELD.mailboxAddress >> 2) + 1] as number;
    const valueLow = words[FIELD.mailboxValue >> 2] as number;
    const valueHigh = words[(FIELD.mailboxValue >> 2) + 1] as number;
    if ((low & (PAGE - 1)) + bytes > PAGE)
      return this.#storeAcrossPages(low, high, bytes, valueLow, valueHigh);
    if (!this.#mmu.translate(low, high, ACCESS.store, bytes)) return false;
    this.#fill(ACCESS.store, low, high);
    if (this.#physical.write(this.#mmu.physical, bytes, valueLow, valueHigh)) return true;
    return this.#accessFault(ACCESS.store, low, high);
  }

  /** Translates the mailbox address for an atomic access; its address in linear memory goes to the mailbox value. */
  atomic(argument: number): boolean {
    const { words } = this.#state;
    const low = words[FIELD.mailboxAddress >> 2] as number;
    const high = words[(FIELD.mailboxAddress >> 2) + 1] as number;
    const access = (argument & ATOMIC_READ) !== 0 ? ACCESS.load : ACCESS.store;
    const bytes = argument & (ATOMIC_READ - 1);
    if (low % bytes !== 0) {
      const cause = access === ACCESS.load ? CAUSE.loadMisaligned : CAUSE.storeMisaligned;
      return this.#fault(cause, low, high);
    }
    if (!this.#mmu.translate(low, high, access, bytes)) return false;
    const host = this.#physical.hostAddress(this.#mmu.physical, bytes);
    if (host < 0) return this.#accessFault(access, low, high);
    this.#fill(access, low, high);
    words[FIELD.mailboxValue >> 2] = host;
    return true;
  }

  /** cbo.zero, and the permission checks of the other cache-block operations, which have nothing to do here. */
  cacheBlock(zero: boolean, addressLow: number, addressHigh: number): boolean {
    const low = addressLow & -CACHE_BLOCK;
    if (!zero) {
      // Either permission will do; a fault is reported as a store's.
      if (this.#mmu.translate(low, addressHigh, ACCESS.load, CACHE_BLOCK)) return true;
      return this.#mmu.translate(low, addressHigh, ACCESS.store, CACHE_BLOCK);
    }
    if (!this.#mmu.translate(low, addressHigh, ACCESS.store, CACHE_BLOCK)) return false;
    const start = this.#mmu.physical;
    for (let offset = 0; offset < CACHE_BLOCK; offset += 8) {
      if (!this.#physical.write(start + offset, 8, 0, 0))
        return this.#accessFault(ACCESS.store, low, addressHigh);
    }
    return true;
  }

  /** HLV and HLVX: a load as the guest would do it; the value goes to the mailbox. */
  guestLoad(low: number, high: number, bytes: number, signed: boolean, executable: boolean): boolean {
    if (!this.#guestTranslatable(low, bytes)) return this.#fault(CAUSE.loadMisaligned, low, high);
    if (!this.#mmu.translateGuest(low, high, ACCESS.load, bytes, executable)) return false;
    if (!this.#physical.read(this.#mmu.physical, bytes))
      return this.#guestAccessFault(ACCESS.load, low, high);
    this.#deliver(bytes, signed);
    return true;
  }

  /** HSV: a store as the guest would do it. */
  guestStore(low: number, high: number, bytes: number, valueLow: number, valueHigh: number): boolean {
    if (!this.#guestTranslatable(low, bytes)) return this.#fault(CAUSE.storeMisaligned, low, high);
    if (!this.#mmu.translateGuest(low, high, ACCESS.store, bytes, false)) return false;
    if (this.#physical.write(this.#mmu.physical, bytes, valueLow, valueHigh)) return true;
    return this.#guestAccessFault(ACCESS.store, low, high);
  }

  /** Guest accesses by HLV and HSV may be misaligned within a page; across pages they are not supported. */
  #guestTranslatable(low: number, bytes: number): boolean {
    return (low & (PAGE - 1)) + bytes <= PAGE;
  }

  /** Lets the next access to this page hit, if it is RAM that the TLB may hold. */
  #fill(access: Access, low: number, high: number): void {
    const mmu = this.#mmu;
    if (!mmu.cacheable) return;
    const page = mmu.physical - (low & (PAGE - 1));
    const host = this.#physical.hostAddress(page, PAGE);
    if (host < 0) return;
    if (access === ACCESS.load) this.#tlb.fillLoad(low, high, host, mmu.pageSize);
    else this.#tlb.fillStore(low, high, host, mmu.pageSize);
  }

  /** Puts what `physical` has read into the mailbox. */
  #deliver(bytes: number, signed: boolean): void {
    const { words } = this.#state;
    let { low, high } = this.#physical;
    if (bytes < 8) {
      const shift = 32 - bytes * 8;
      low = signed ? (low << shift) >> shift : (low << shift) >>> shift;
      high = signed ? low >> 31 : 0;
    }
    words[FIELD.mailboxValue >> 2] = low;
    words[(FIELD.mailboxValue >> 2) + 1] = high;
  }

  /** Reads byte by byte into `physical`'s result; both pages are translated before anything is read. */
  #loadAcrossPages(low: number, high: number, bytes: number): boolean {
    const addresses = this.#translateAcrossPages(low, high, bytes, ACCESS.load);
    if (addresses === undefined) return false;
    const value = new Int32Array(2);
    for (const [index, address] of addresses.entries()) {
      if (!this.#physical.read(address, 1)) return this.#accessFault(ACCESS.load, low, high);
      value[index >> 2] = (value[index >> 2] as number) | (this.#physical.low << ((index & 3) * 8));
    }
    this.#physical.low = value[0] as number;
    this.#physical.high = value[1] as number;
    return true;
  }

  #storeAcrossPages(low: number, high: number, bytes: number, valueLow: number, valueHigh: number): boolean {
    const addresses = this.#translateAcrossPages(low, high, bytes, ACCESS.store);
    if (addresses === undefined) return false;
    for (const [index, address] of addresses.entries()) {
      const byte = ((index < 4 ? valueLow : valueHigh) >>> ((index & 3) * 8)) & 0xff;
      if (!this.#physical.write(address, 1, byte, 0)) return this.#accessFault(ACCESS.store, low, high);
    }
    return true;
  }

  /** Physical addresses of the bytes of an access that crosses a page boundary. */
  #translateAcrossPages(low: number, high: number, bytes: number, access: Access): number[] | undefined {
    const first = PAGE - (low & (PAGE - 1));
    if (!this.#mmu.translate(low, high, access, first)) return undefined;
    const start = this.#mmu.physical;
    const nextLow = (low + first) | 0;
    const nextHigh = nextLow === 0 ? (high + 1) | 0 : high;
    if (!this.#mmu.translate(nextLow, nextHigh, access, bytes - first)) return undefined;
    const next = this.#mmu.physical;
    return Array.from({ length: bytes }, (_, index) =>
      index < first ? start + index : next + index - first,
    );
  }

  #accessFault(access: Access, low: number, high: number): boolean {
    return this.#fault(access === ACCESS.store ? CAUSE.storeAccess : CAUSE.loadAccess, low, high);
  }

  #guestAccessFault(access: Access, low: number, high: number): boolean {
    this.#accessFault(access, low, high);
    this.#exception.guestVirtual = true;
    return false;
  }

  #fault(cause: number, low: number, high: number): boolean {
    const exception = this.#exception;
    exception.cause = cause;
    exception.tvalLow = low;
    exception.tvalHigh = high;
    exception.tval2Low = 0;
    exception.tval2High = 0;
    exception.tinst = 0;
    exception.guestVirtual = this.#state.virtual !== 0;
    return false;
  }
}
