import type { GuestMemory } from '../memory/guest-memory.ts';
import type { HartDebug } from './debug/hart-debug.ts';
import { ACCESS, type Access, CAUSE, type Exception, fillException } from './exceptions.ts';
import { ATOMIC_READ } from './interpreter/call-outs.ts';
import { LOAD_KINDS } from './interpreter/load-kinds.ts';
import { FIELD } from './layout.ts';
import type { Mmu } from './mmu/index.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { MessagePort } from './platform.ts';
import type { HartState } from './state.ts';
import type { Tlb } from './tlb.ts';

const PAGE = 0x1000;
const MAILBOX_HIGH = (FIELD.mailboxAddress >> 2) + 1;
/** Size in bytes of a cache block, for the cbo instructions. */
const CACHE_BLOCK = 64;

/**
 * Data accesses that generated code does not do itself: TLB misses, misaligned accesses, devices.
 *
 * Addresses and values are passed in the hart's mailbox. Functions return false when the access raised an exception,
 * which is then in the shared record, or when a debugger watches what it is about; nothing was written.
 */
export class MemoryAccess {
  readonly #state: HartState;
  readonly #mmu: Mmu;
  readonly #tlb: Tlb;
  readonly #physical: PhysicalMemory;
  readonly #ram: GuestMemory;
  readonly #debug: HartDebug;
  readonly #exception: Exception;
  readonly #own: Space;
  /** Those of HLV and HSV, and of HLVX. */
  readonly #guest: Space;
  readonly #guestCode: Space;
  /** Interrupt files to which messages go in generated code, by the addresses of their pending bits. */
  readonly #ports = new Map<number, MessagePort>();
  /** Where both parts of the access that {@link MemoryAccess.#locate} found begin in linear memory. */
  #firstPart = 0;
  #secondPart = 0;
  /** The last store that raised no exception was to a device. */
  storedToDevice = false;

  constructor(state: HartState, mmu: Mmu, tlb: Tlb, physical: PhysicalMemory, debug: HartDebug) {
    this.#state = state;
    this.#debug = debug;
    this.#mmu = mmu;
    this.#tlb = tlb;
    this.#physical = physical;
    this.#ram = physical.ram;
    this.#exception = mmu.exception;
    this.#own = {
      maskedHigh: (high) => mmu.maskedHigh(high),
      translate: (...access) => mmu.translate(...access),
    };
    this.#guest = guestSpace(mmu, false);
    this.#guestCode = guestSpace(mmu, true);
  }

  /** Loads from the mailbox address into the mailbox value, extended as `LOAD_KINDS[kindNumber]` says. */
  load(kindNumber: number): boolean {
    const kind = LOAD_KINDS[kindNumber];
    if (kind === undefined) throw new Error(`no load kind ${kindNumber}`);
    const { words } = this.#state;
    const low = words[FIELD.mailboxAddress >> 2] as number;
    const high = this.#mailboxHigh();
    const { bytes } = kind;
    if (crossesPages(low, bytes)) {
      if (!this.#loadAcrossPages(low, high, bytes, this.#own)) return false;
    } else {
      if (!this.#mmu.translate(low, high, ACCESS.load, bytes)) return false;
      if (this.#debug.refuses(ACCESS.load, low, high, bytes)) return false;
      this.#fill(ACCESS.load, low, high, bytes);
      if (!this.#physical.read(this.#mmu.physical, bytes)) return this.#accessFault(ACCESS.load, low, high);
    }
    this.#deliver(bytes, kind.signed);
    return true;
  }

  /** The upper half of the address that the one in the mailbox means. */
  #mailboxHigh(): number {
    return this.#mmu.maskedHigh(this.#state.words[MAILBOX_HIGH] as number);
  }

  /** Stores the low `bytes` bytes of the mailbox value at the mailbox address. */
  store(bytes: number): boolean {
    const { words } = this.#state;
    const low = words[FIELD.mailboxAddress >> 2] as number;
    const high = this.#mailboxHigh();
    const valueLow = words[FIELD.mailboxValue >> 2] as number;
    const valueHigh = words[(FIELD.mailboxValue >> 2) + 1] as number;
    this.storedToDevice = false;
    if (crossesPages(low, bytes))
      return this.#storeAcrossPages(low, high, bytes, valueLow, valueHigh, this.#own);
    if (!this.#mmu.translate(low, high, ACCESS.store, bytes)) return false;
    if (this.#debug.refuses(ACCESS.store, low, high, bytes)) return false;
    this.storedToDevice = this.#ram.offsetOf(this.#mmu.physical, bytes) < 0;
    this.#fill(ACCESS.store, low, high, bytes);
    if (this.#physical.write(this.#mmu.physical, bytes, valueLow, valueHigh)) return true;
    return this.#accessFault(ACCESS.store, low, high);
  }

  /** Translates the mailbox address for an atomic access; its address in linear memory goes to the mailbox value. */
  atomic(argument: number): boolean {
    const { words } = this.#state;
    const low = words[FIELD.mailboxAddress >> 2] as number;
    const high = this.#mailboxHigh();
    const access = (argument & ATOMIC_READ) !== 0 ? ACCESS.load : ACCESS.store;
    const bytes = argument & (ATOMIC_READ - 1);
    if (low % bytes !== 0) {
      const cause = access === ACCESS.load ? CAUSE.loadMisaligned : CAUSE.storeMisaligned;
      return this.#fault(cause, low, high);
    }
    if (!this.#mmu.translate(low, high, access, bytes)) return false;
    if (this.#debug.refuses(access, low, high, bytes, true)) return false;
    const host = this.#ram.offsetOf(this.#mmu.physical, bytes);
    if (host < 0) return this.#accessFault(access, low, high);
    this.#fill(access, low, high, bytes);
    words[FIELD.mailboxValue >> 2] = host;
    return true;
  }

  /**
   * cbo.zero, and the permission checks of the other cache-block operations, which have nothing to do here. A fault is
   * reported with the address given, wherever it is in the block (CMO specification, "Traps").
   */
  cacheBlock(zero: boolean, low: number, writtenHigh: number): boolean {
    const high = this.#mmu.maskedHigh(writtenHigh);
    const may = (access: Access) => this.#mmu.translateBlock(low, high, access, CACHE_BLOCK);
    // To operate on a block without changing it either permission will do; a fault is reported as a store's.
    const translated = (!zero && may(ACCESS.load)) || may(ACCESS.store);
    if (!translated) return false;
    if (!zero) return true;
    if (this.#debug.refuses(ACCESS.store, low & -CACHE_BLOCK, high, CACHE_BLOCK)) return false;
    const block = this.#mmu.physical - (low & (CACHE_BLOCK - 1));
    return this.#physical.clear(block, CACHE_BLOCK) || this.#accessFault(ACCESS.store, low, high);
  }

  /** HLV and HLVX: a load as the guest would do it; the value goes to the mailbox. */
  guestLoad(low: number, writtenHigh: number, bytes: number, signed: boolean, executable: boolean): boolean {
    const mmu = this.#mmu;
    const space = executable ? this.#guestCode : this.#guest;
    const high = space.maskedHigh(writtenHigh);
    if (crossesPages(low, bytes)) {
      if (!asGuest(mmu.exception, this.#loadAcrossPages(low, high, bytes, space))) return false;
    } else {
      if (!space.translate(low, high, ACCESS.load, bytes)) return false;
      if (!this.#physical.read(mmu.physical, bytes))
        return asGuest(mmu.exception, this.#accessFault(ACCESS.load, low, high));
    }
    this.#deliver(bytes, signed);
    return true;
  }

  /** HSV: a store as the guest would do it. */
  guestStore(low: number, writtenHigh: number, bytes: number, valueLow: number, valueHigh: number): boolean {
    const mmu = this.#mmu;
    const high = this.#guest.maskedHigh(writtenHigh);
    if (crossesPages(low, bytes)) {
      const stored = this.#storeAcrossPages(low, high, bytes, valueLow, valueHigh, this.#guest);
      return asGuest(mmu.exception, stored);
    }
    if (!this.#guest.translate(low, high, ACCESS.store, bytes)) return false;
    if (this.#physical.write(mmu.physical, bytes, valueLow, valueHigh)) return true;
    return asGuest(mmu.exception, this.#accessFault(ACCESS.store, low, high));
  }

  /** Lets the next access to this page hit, if it is RAM that the TLB may hold. A device may raise an interrupt. */
  #fill(access: Access, low: number, high: number, bytes: number): void {
    const mmu = this.#mmu;
    if (this.#ram.offsetOf(mmu.physical, bytes) < 0) this.#state.words[FIELD.quiet >> 2] = 0;
    // Every access to a page that is watched comes here.
    if (!mmu.cacheable || this.#debug.points.watchesPage(low, high)) return;
    const page = mmu.physical - (low & (PAGE - 1));
    const host = this.#ram.offsetOf(page, PAGE);
    if (host < 0) {
      if (access === ACCESS.store && page === mmu.physical) this.#fillMessage(low, page);
      return;
    }
    // The TLB knows addresses as they are written, so that code which looks into it masks nothing.
    const written = this.#state.words[MAILBOX_HIGH] as number;
    if (access === ACCESS.load) this.#tlb.fillLoad(low, written, host, mmu.pageSize);
    else this.#tlb.fillStore(low, written, host, mmu.pageSize);
  }

  #fillMessage(low: number, page: number): void {
    const port = this.#physical.messagePort(page);
    if (port === undefined) return;
    this.#ports.set(port.pendingAt, port);
    const written = this.#state.words[MAILBOX_HIGH] as number;
    this.#tlb.fillMessage(low, written, port.pendingAt, port.identities);
  }

  /** Generated code has set the bit of the identity in the mailbox value, where it was 0. */
  messageArrived(pending: number): void {
    const { words } = this.#state;
    words[FIELD.quiet >> 2] = 0;
    this.#ports.get(pending)?.arrived(words[FIELD.mailboxValue >> 2] as number);
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

  #loadAcrossPages(low: number, high: number, bytes: number, space: Space): boolean {
    if (!this.#locate(low, high, bytes, ACCESS.load, space)) return false;
    this.#physical.readParts(this.#firstPart, PAGE - (low & (PAGE - 1)), this.#secondPart, bytes);
    return true;
  }

  #storeAcrossPages(
    low: number,
    high: number,
    bytes: number,
    valueLow: number,
    valueHigh: number,
    space: Space,
  ): boolean {
    if (!this.#locate(low, high, bytes, ACCESS.store, space)) return false;
    const first = PAGE - (low & (PAGE - 1));
    this.#physical.writeParts(this.#firstPart, first, this.#secondPart, bytes, valueLow, valueHigh);
    return true;
  }

  /**
   * Finds both parts of an access that crosses a page boundary. Both must be RAM: devices do not take part in
   * misaligned accesses. A fault is reported for the part that has it ("Machine Trap Value").
   */
  #locate(low: number, high: number, bytes: number, access: Access, space: Space): boolean {
    const first = PAGE - (low & (PAGE - 1));
    if (!space.translate(low, high, access, first)) return false;
    this.#firstPart = this.#ram.offsetOf(this.#mmu.physical, first);
    if (this.#firstPart < 0) return this.#accessFault(access, low, high);
    const nextLow = (low + first) | 0;
    const nextHigh = nextLow === 0 ? space.maskedHigh((high + 1) & this.#state.upper) : high;
    if (!space.translate(nextLow, nextHigh, access, bytes - first)) return false;
    this.#secondPart = this.#ram.offsetOf(this.#mmu.physical, bytes - first);
    if (this.#secondPart < 0) return this.#accessFault(access, nextLow, nextHigh);
    return !this.#debug.refuses(access, low, high, bytes);
  }

  #accessFault(access: Access, low: number, high: number): boolean {
    return this.#fault(access === ACCESS.store ? CAUSE.storeAccess : CAUSE.loadAccess, low, high);
  }

  #fault(cause: number, low: number, high: number): boolean {
    fillException(this.#exception, cause, low, high, this.#mmu.usesGuestAddresses);
    return false;
  }
}

/** Addresses of one kind, which {@link Mmu} masks and translates. */
interface Space {
  maskedHigh(high: number): number;
  translate(low: number, high: number, access: Access, width: number): boolean;
}

function guestSpace(mmu: Mmu, executable: boolean): Space {
  return {
    maskedHigh: (high) => (executable ? high : mmu.maskedGuestHigh(high)),
    translate: (...access) => mmu.translateGuest(...access, executable),
  };
}

function crossesPages(low: number, bytes: number): boolean {
  return (low & (PAGE - 1)) + bytes > PAGE;
}

/** An exception of HLV or HSV is about an address of the guest, whatever mode the hart is in. */
function asGuest(exception: Exception, done: boolean): boolean {
  if (!done) exception.guestVirtual = true;
  return done;
}
