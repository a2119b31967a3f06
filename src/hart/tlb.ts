import { CSR, FIELD, TLB } from './layout.ts';
import { UNPAGED } from './mmu/index.ts';
import type { HartState } from './state.ts';

/** Bits of a context number below the address-space identifiers. */
const CONTEXT = {
  user: 1,
  machine: 2,
  virtual: 4,
  sum: 8,
  mxr: 16,
  /** MXR of HS-mode while V=1: unlike the guest's own, it holds in the G-stage too. */
  hostMxr: 32,
  fetch: 64,
  bits: 128,
} as const;

const MSTATUS = { mppShift: 11, mprv: 1 << 17, sum: 1 << 18, mxr: 1 << 19, mpvHigh: 1 << 7 } as const;
const MACHINE = 3;
const ASID_SPAN = 0x1_0000;
/** Numbers that {@link addressSpace} gives. */
const SPACES = 2 * ASID_SPAN;
const EMPTY = 0;

/** Virtual page numbers for which a superpage was put into the TLB, one range for each half of the address space. */
interface SuperpageRange {
  first: number;
  last: number;
}

/**
 * Manages the software TLB of a hart (its layout: {@link TLB}).
 *
 * Translations are tagged with a key that stands for a context: address space, privilege, virtualization, SUM and MXR.
 * A context switch selects other keys and flushes nothing; a fence forgets keys, and the tables are cleared only when
 * the 511 keys are used up. The generated code reads the tables; only this class writes them.
 */
export class Tlb {
  readonly #state: HartState;
  readonly #words: Int32Array;
  readonly #keys = new Map<number, number>();
  #nextKey = 1;
  readonly #superpages: readonly [SuperpageRange, SuperpageRange] = [
    { first: Number.POSITIVE_INFINITY, last: -1 },
    { first: Number.POSITIVE_INFINITY, last: -1 },
  ];

  /** @param base address in linear memory of {@link TLB}.bytes bytes; what is there is not trusted */
  constructor(state: HartState, memory: WebAssembly.Memory, base: number) {
    this.#state = state;
    this.#words = new Int32Array(memory.buffer, base, TLB.bytes >> 2);
    state.words[FIELD.tlb >> 2] = base;
    this.#clear();
  }

  /** Selects the keys of the current context; call when privilege, V, status bits or an address space changed. */
  select(): void {
    // Both keys below must be of one generation, so room for two is made first.
    if (this.#nextKey + 1 > TLB.lastKey) this.#clear();
    const { words, csr } = this.#state;
    const privilege = this.#state.privilege;
    const virtual = this.#state.virtual;
    words[FIELD.fetchKey >> 2] = this.#key(this.#space(privilege, virtual) + CONTEXT.fetch) << TLB.keyShift;

    const status = csr[CSR.mstatus] as number;
    let dataPrivilege = privilege;
    let dataVirtual = virtual;
    if (privilege === 3 && (status & MSTATUS.mprv) !== 0) {
      dataPrivilege = (status >> MSTATUS.mppShift) & 3;
      const mpv = ((csr[CSR.mstatus + 1] as number) & MSTATUS.mpvHigh) !== 0;
      dataVirtual = mpv && dataPrivilege !== 3 ? 1 : 0;
    }
    const context = this.#space(dataPrivilege, dataVirtual) + this.#permissions(dataPrivilege, dataVirtual);
    const dataKey = this.#key(context) << TLB.keyShift;
    words[FIELD.loadKey >> 2] = dataKey;
    words[FIELD.storeKey >> 2] = dataKey;
  }

  /** Forgets every translation. */
  flushAll(): void {
    this.#keys.clear();
    for (const range of this.#superpages) {
      range.first = Number.POSITIVE_INFINITY;
      range.last = -1;
    }
    this.select();
  }

  /** Forgets the translations of V=1 (`virtual` true) or V=0; with `asid`, only those of that address space. */
  flushContexts(virtual: boolean, asid: number | undefined): void {
    for (const context of this.#keys.keys()) {
      if (((context & CONTEXT.virtual) !== 0) !== virtual) continue;
      if (asid !== undefined && Math.floor(context / CONTEXT.bits) % ASID_SPAN !== asid) continue;
      this.#keys.delete(context);
    }
    this.select();
  }

  /** Forgets instruction translations, so that decoded pages are looked up (and verified) again. */
  flushFetches(): void {
    for (const context of this.#keys.keys()) {
      if ((context & CONTEXT.fetch) !== 0) this.#keys.delete(context);
    }
    this.select();
  }

  /** Forgets the translations of the page of a virtual address, in all contexts of V. */
  flushPage(addressLow: number, addressHigh: number, virtual: boolean): void {
    const page = pageNumber(addressLow, addressHigh);
    const range = this.#superpages[addressHigh < 0 ? 1 : 0];
    if (page >= range.first && page <= range.last) {
      this.flushContexts(virtual, undefined);
      return;
    }
    const entry = entryWord(addressLow);
    for (const table of [TLB.loads, TLB.stores, TLB.fetches]) {
      this.#words[(table >> 2) + entry] = EMPTY;
      this.#words[(table >> 2) + entry + 1] = EMPTY;
    }
  }

  /** Lets loads of this page go straight to `host`, the page's address in linear memory. */
  fillLoad(addressLow: number, addressHigh: number, host: number, pageSize: number): void {
    const key = this.#state.words[FIELD.loadKey >> 2] as number;
    this.#fill(TLB.loads, addressLow, addressHigh, key, host - (addressLow & ~0xfff), pageSize);
  }

  fillStore(addressLow: number, addressHigh: number, host: number, pageSize: number): void {
    const key = this.#state.words[FIELD.storeKey >> 2] as number;
    this.#fill(TLB.stores, addressLow, addressHigh, key, host - (addressLow & ~0xfff), pageSize);
  }

  /** Lets jumps into this page go straight to its decoded slots. */
  fillFetch(addressLow: number, addressHigh: number, slots: number, pageSize: number): void {
    const key = this.#state.words[FIELD.fetchKey >> 2] as number;
    this.#fill(TLB.fetches, addressLow, addressHigh, key, slots, pageSize);
  }

  /** The first slot of the decoded page that holds this address in the current context, or 0. */
  lookupFetch(addressLow: number, addressHigh: number): number {
    const word = (TLB.fetches >> 2) + entryWord(addressLow);
    const key = this.#state.words[FIELD.fetchKey >> 2] as number;
    const hit = this.#words[word] === ((addressLow & ~0xfff) | key) && this.#words[word + 1] === addressHigh;
    return hit ? (this.#words[word + 2] as number) : 0;
  }

  #fill(table: number, low: number, high: number, key: number, datum: number, pageSize: number): void {
    // Without paging there is nothing to fence: such contexts have keys of their own.
    if (pageSize > 0x1000 && pageSize < UNPAGED) this.#noteSuperpage(low, high, pageSize);
    const word = (table >> 2) + entryWord(low);
    this.#words[word] = (low & ~0xfff) | key;
    this.#words[word + 1] = high;
    this.#words[word + 2] = datum;
  }

  #noteSuperpage(low: number, high: number, pageSize: number): void {
    const range = this.#superpages[high < 0 ? 1 : 0];
    const pages = pageSize / 0x1000;
    const first = Math.floor(pageNumber(low, high) / pages) * pages;
    range.first = Math.min(range.first, first);
    range.last = Math.max(range.last, first + pages - 1);
  }

  /** The number of a privilege, virtualization mode and address space: the context of a fetch but for its kind. */
  #space(privilege: number, virtual: number): number {
    if (privilege === MACHINE) return CONTEXT.machine;
    const { csr } = this.#state;
    const bits = privilege === 0 ? CONTEXT.user : 0;
    if (virtual === 0) return addressSpace(csr[CSR.satp + 1] as number) * CONTEXT.bits + bits;
    const space = addressSpace(csr[CSR.vsatp + 1] as number);
    const guest = guestSpace(csr[CSR.hgatp + 1] as number);
    return (guest * SPACES + space) * CONTEXT.bits + bits + CONTEXT.virtual;
  }

  /** What else decides about loads and stores. */
  #permissions(privilege: number, virtual: number): number {
    if (privilege === MACHINE) return 0;
    const { csr } = this.#state;
    const status = csr[CSR.mstatus] as number;
    const own = virtual === 0 ? status : (csr[CSR.vsstatus] as number);
    return (
      ((own & MSTATUS.sum) !== 0 ? CONTEXT.sum : 0) |
      ((own & MSTATUS.mxr) !== 0 ? CONTEXT.mxr : 0) |
      (virtual !== 0 && (status & MSTATUS.mxr) !== 0 ? CONTEXT.hostMxr : 0)
    );
  }

  #key(context: number): number {
    const known = this.#keys.get(context);
    if (known !== undefined) return known;
    const key = this.#nextKey++;
    this.#keys.set(context, key);
    return key;
  }

  #clear(): void {
    this.#keys.clear();
    this.#words.fill(EMPTY);
    this.#nextKey = 1;
  }
}

/**
 * The address space of a satp or vsatp by its high half: MODE in 63:60, ASID from bit 44. All of them share one while
 * MODE is Bare; a change of MODE must show at once ("Supervisor Address Translation and Protection").
 */
function addressSpace(high: number): number {
  return high >>> 28 === 0 ? 0 : ASID_SPAN + ((high >>> 12) & 0xffff);
}

/** The guest of an hgatp. A VMID counts while MODE is Bare, too: hosts that give guests memory as it is use it. */
function guestSpace(high: number): number {
  return (high >>> 28 === 0 ? 0 : ASID_SPAN) + ((high >>> 12) & 0x3fff);
}

/** The virtual page number: 52 bits, exact in a double. */
function pageNumber(low: number, high: number): number {
  return (high >>> 0) * 0x10_0000 + (low >>> 12);
}

/** Index in 32-bit words of the entry for an address, within a table. */
function entryWord(low: number): number {
  return ((low >>> 12) & (TLB.entries - 1)) * (TLB.entryBytes >> 2);
}
