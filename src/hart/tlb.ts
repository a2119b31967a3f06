import {
  CSR,
  FETCH_LIST,
  FIELD,
  HART,
  MESSAGE_ENTRIES,
  MESSAGE_ENTRY,
  SUPERPAGE_BITS,
  TLB,
  TLB_ENTRY,
} from './layout.ts';
import { maskingOf, maskings, UNPAGED } from './mmu/index.ts';
import { countsByMode } from './privileged/counting.ts';
import { MODE, STATUS } from './privileged/registers.ts';
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
  /** PMM, of loads and stores. */
  maskingShift: 7,
  bits: 512,
} as const;

const ASID_SPAN = 0x1_0000;
/** Numbers that {@link addressSpace} gives. */
const SPACES = 2 * ASID_SPAN;
const EMPTY = 0;
/** Keys that one selection can take: that of fetches, that of data, and seven that generated code will select. */
const MOST_AT_ONCE = 9;

/** Sizes of pages: small ones, and up to 1 GiB those superpages that the second map tells of. */
const PAGE_SIZE = { small: 0x1000, giga: 0x4000_0000 } as const;
/** Up to this size the first map tells where superpages are: those of Sv39 and its like, and those of Sv32. */
const MEGA_SIZE = { 32: 0x40_0000, 64: 0x20_0000 } as const;
/** The first page of the upper half of all addresses, where kernels are, and their uppermost bit. */
const UPPER_PAGE = 2 ** 51;
const UPPERMOST = 1 << 31;
/** Place of an entry's target, behind its tag. */
const DATUM = TLB_ENTRY.word.datum;

/**
 * Manages the software TLB of a hart (its layout: {@link TLB}).
 *
 * Translations are tagged with a key that stands for a context: address space, privilege, virtualization, SUM and MXR.
 * A context switch selects other keys and flushes nothing; a fence forgets keys, and the tables are cleared only when
 * the 511 keys are used up.
 *
 * Generated code reads the tables, fills in entries that it has walked itself, empties the entries of one page, and
 * selects keys that this class has chosen before for M-mode and the same address space (`dataKeys`, `fetchKeys` and
 * `machineKeys` in {@link FIELD}).
 */
export class Tlb {
  readonly #state: HartState;
  readonly #base: number;
  readonly #words: Int32Array;
  readonly #dataKeys: Int32Array;
  readonly #fetchKeys: Int32Array;
  readonly #machineKeys: Int32Array;
  readonly #superpages: Int32Array;
  readonly #gigapages: Int32Array;
  readonly #messages: Int32Array;
  readonly #mega: number;
  readonly #keys = new Map<number, number>();
  #nextKey = 1;
  /** The address space, and V, that the keys in the hart block are for. */
  #remembered = -1;
  /** Pointer masking that they are for. */
  #maskings = 0;

  /** @param base address in linear memory of {@link TLB}.bytes bytes; its content is not trusted */
  constructor(state: HartState, memory: WebAssembly.Memory, base: number) {
    this.#state = state;
    this.#base = base;
    this.#words = new Int32Array(memory.buffer, base, TLB.bytes >> 2);
    this.#dataKeys = HART.view('dataKeys', memory.buffer, state.base);
    this.#fetchKeys = HART.view('fetchKeys', memory.buffer, state.base);
    this.#machineKeys = HART.view('machineKeys', memory.buffer, state.base);
    this.#superpages = HART.view('superpages', memory.buffer, state.base);
    this.#gigapages = HART.view('gigapages', memory.buffer, state.base);
    this.#mega = MEGA_SIZE[state.xlen];
    this.#messages = HART.view('messages', memory.buffer, state.base);
    state.words[FIELD.tlb >> 2] = base;
    this.#clear();
  }

  /** Selects the keys of the current context; call when privilege, V, status bits or an address space changed. */
  select(): void {
    // The keys below must be of one generation, so room for all of them is made first.
    if (this.#nextKey + MOST_AT_ONCE > TLB.lastKey) this.#clear();
    const { words, csr } = this.#state;
    const privilege = this.#state.privilege;
    const virtual = this.#state.virtual;
    const fetchKey = this.#key(this.#space(privilege, virtual) + CONTEXT.fetch) << TLB.keyShift;
    words[FIELD.fetchKey >> 2] = fetchKey;

    const status = csr[CSR.mstatus] as number;
    let dataPrivilege = privilege;
    let dataVirtual = virtual;
    if (privilege === MODE.machine && (status & STATUS.mprv) !== 0) {
      dataPrivilege = (status >> STATUS.mppShift) & 3;
      const mpv = ((csr[CSR.mstatus + 1] as number) & STATUS.mpvHigh) !== 0;
      dataVirtual = mpv && dataPrivilege !== MODE.machine ? 1 : 0;
    }
    const permissions = this.#permissions(dataPrivilege, dataVirtual);
    const data = this.#space(dataPrivilege, dataVirtual) + this.#masking(dataPrivilege, dataVirtual);
    const dataKey = this.#key(data + permissions) << TLB.keyShift;
    words[FIELD.loadKey >> 2] = dataKey;
    words[FIELD.storeKey >> 2] = dataKey;
    this.#remember(fetchKey, dataKey, permissions);
  }

  /**
   * Lets generated code select the current context again, and the usual ones of its address space: a process that has
   * just been switched to will soon be in all of them.
   */
  #remember(fetchKey: number, dataKey: number, permissions: number): void {
    const { privilege, virtual } = this.#state;
    // A host that plays HS-mode runs no code there: its guest, which goes on soon, finds its keys again.
    if (virtual === 0 && this.#state.hsHost) return;
    if (countsByMode(this.#state.csr)) {
      this.#forgetKeys();
      return;
    }
    // M-mode returns to the address space that satp names, which it may just have written.
    const space = this.#space(MODE.supervisor, virtual);
    const masking = maskings(this.#state.csr);
    if (space !== this.#remembered || masking !== this.#maskings) this.#forgetSpace();
    this.#remembered = space;
    this.#maskings = masking;
    if (this.#fetchKeys[MODE.supervisor] === 0) this.#foresee(virtual);
    if (this.#machineKeys[0] === 0) this.#foreseeMachine();
    if (privilege === MODE.machine) return;
    this.#fetchKeys[privilege] = fetchKey;
    if ((permissions & ~CONTEXT.sum) !== 0) return;
    // SUM means nothing to U-mode.
    const keys = this.#dataKeys;
    if (privilege === 0) keys[0] = keys[2] = dataKey;
    else keys[privilege + (permissions !== 0 ? 2 : 0)] = dataKey;
  }

  /** Keys of both privileges, without MXR. */
  #foresee(virtual: number): void {
    const data = this.#dataKeys;
    for (const privilege of [0, MODE.supervisor]) {
      const space = this.#space(privilege, virtual);
      this.#fetchKeys[privilege] = this.#key(space + CONTEXT.fetch) << TLB.keyShift;
      const context = space + this.#masking(privilege, virtual);
      data[privilege] = this.#key(context) << TLB.keyShift;
      const sum = privilege === 0 ? 0 : CONTEXT.sum;
      data[privilege + 2] = this.#key(context + sum) << TLB.keyShift;
    }
  }

  #foreseeMachine(): void {
    this.#machineKeys[0] = this.#key(CONTEXT.machine) << TLB.keyShift;
    this.#machineKeys[1] = this.#key(CONTEXT.machine + CONTEXT.fetch) << TLB.keyShift;
  }

  /** Generated code must have every key selected anew. */
  #forgetKeys(): void {
    this.#machineKeys.fill(0);
    this.#forgetSpace();
  }

  #forgetSpace(): void {
    this.#dataKeys.fill(0);
    this.#fetchKeys.fill(0);
  }

  /** Forgets every translation. */
  flushAll(): void {
    this.#keys.clear();
    this.#forgetKeys();
    this.#forgetSuperpages();
    this.select();
  }

  /** SFENCE.VMA, HFENCE.VVMA and HFENCE.GVMA, of all addresses or identifiers where none is given. */
  fence(
    kind: 'vma' | 'vvma' | 'gvma',
    addressLow: number | undefined,
    addressHigh: number | undefined,
    id: number | undefined,
  ): void {
    const virtual = kind !== 'vma' || this.#state.virtual !== 0;
    if (kind === 'gvma' || addressLow === undefined || addressHigh === undefined) {
      this.flushContexts(virtual, kind === 'gvma' ? undefined : id);
    } else {
      this.flushPage(addressLow, addressHigh, virtual);
    }
  }

  /** Forgets the translations of V=1 (`virtual` true) or V=0; with `asid`, only those of that address space. */
  flushContexts(virtual: boolean, asid: number | undefined): void {
    for (const context of this.#keys.keys()) {
      if (((context & CONTEXT.virtual) !== 0) !== virtual) continue;
      if (asid !== undefined && Math.floor(context / CONTEXT.bits) % ASID_SPAN !== asid) continue;
      this.#keys.delete(context);
    }
    this.#forgetKeys();
    this.select();
  }

  /**
   * Forgets instruction translations, so that decoded pages are looked up (and verified) again. Code that patches code
   * does this again and again: then few entries have been filled in between, and they are emptied one by one.
   */
  flushFetches(): void {
    const { words, addresses } = this.#state;
    const fills = words[FIELD.fetchFills >> 2] as number;
    words[FIELD.fetchFills >> 2] = 0;
    if (fills <= FETCH_LIST) {
      for (let index = 0; index < fills; index++) {
        const word = ((addresses[(FIELD.fetchList >> 2) + index] as number) - this.#base) / 4;
        this.#words[word] = EMPTY;
        this.#words[word + 1] = EMPTY;
      }
      return;
    }
    for (const context of this.#keys.keys()) {
      if ((context & CONTEXT.fetch) !== 0) this.#keys.delete(context);
    }
    this.#forgetKeys();
    this.select();
  }

  /**
   * Forgets the translations of the page of a virtual address, in all contexts of V: one page, all of a superpage of 2
   * MiB (4 MiB on RV32), or everything where there are larger ones.
   */
  flushPage(addressLow: number, addressHigh: number, virtual: boolean): void {
    const { words } = this.#state;
    const page = pageNumber(addressLow, addressHigh);
    const giga = mapPlace(page, PAGE_SIZE.giga);
    if (words[FIELD.hugePages >> 2] !== 0 || (this.#gigapages[giga.word] & giga.bit) !== 0) {
      this.flushContexts(virtual, undefined);
      return;
    }
    const mega = mapPlace(page, this.#mega);
    const isMega = (this.#superpages[mega.word] & mega.bit) !== 0;
    const index = entryIndex(addressLow);
    const entries = isMega ? this.#mega / PAGE_SIZE.small : 1;
    this.#empty(index & -entries, entries);
  }

  /** Empties entries of all tables. */
  #empty(first: number, count: number): void {
    this.#state.words[FIELD.messagesHold >> 2] = 0;
    for (const table of [TLB.loads, TLB.stores, TLB.fetches]) {
      const word = (table + first * TLB.entryBytes) >> 2;
      this.#words.fill(EMPTY, word, word + count * (TLB.entryBytes >> 2));
    }
  }

  /**
   * Lets loads of this page go straight to `host`, the page's address in linear memory. It is given as it is written:
   * bits that pointer masking ignores tell no superpages apart.
   */
  fillLoad(addressLow: number, addressHigh: number, host: number, pageSize: number): void {
    const key = this.#state.words[FIELD.loadKey >> 2] as number;
    this.#noteSize(addressLow, addressHigh, pageSize);
    this.#fill(TLB.loads, addressLow, addressHigh, key, host - (addressLow & ~0xfff));
  }

  /** As {@link fillLoad}, for stores. */
  fillStore(addressLow: number, addressHigh: number, host: number, pageSize: number): void {
    const key = this.#state.words[FIELD.storeKey >> 2] as number;
    this.#noteSize(addressLow, addressHigh, pageSize);
    this.#fill(TLB.stores, addressLow, addressHigh, key, host - (addressLow & ~0xfff));
  }

  /** Lets stores to the first word of this page set bits of an interrupt file at once. */
  fillMessage(addressLow: number, addressHigh: number, pending: number, identities: number): void {
    const { words } = this.#state;
    if (words[FIELD.messagesHold >> 2] === 0) this.#messages.fill(EMPTY);
    words[FIELD.messagesHold >> 2] = 1;
    const word = ((addressLow >>> 12) & (MESSAGE_ENTRIES - 1)) * MESSAGE_ENTRY.words;
    this.#messages[word + MESSAGE_ENTRY.word.tag] =
      (addressLow & ~0xfff) | (words[FIELD.storeKey >> 2] as number);
    this.#messages[word + MESSAGE_ENTRY.word.tag + 1] = addressHigh;
    this.#messages[word + MESSAGE_ENTRY.word.pending] = pending;
    this.#messages[word + MESSAGE_ENTRY.word.identities] = identities;
  }

  /** Lets jumps into this page go straight to its decoded slots. */
  fillFetch(addressLow: number, addressHigh: number, slots: number, pageSize: number): void {
    const key = this.#state.words[FIELD.fetchKey >> 2] as number;
    this.#noteSize(addressLow, addressHigh, pageSize);
    this.#fill(TLB.fetches, addressLow, addressHigh, key, slots);
    const { words } = this.#state;
    const fills = words[FIELD.fetchFills >> 2] as number;
    const entry = this.#base + TLB.fetches + entryWord(addressLow) * 4;
    if (fills < FETCH_LIST) words[(FIELD.fetchList >> 2) + fills] = entry;
    if (fills <= FETCH_LIST) words[FIELD.fetchFills >> 2] = fills + 1;
  }

  /** The first slot of the decoded page that holds this address in the current context, or 0. */
  lookupFetch(addressLow: number, addressHigh: number): number {
    const word = (TLB.fetches >> 2) + entryWord(addressLow);
    const key = this.#state.words[FIELD.fetchKey >> 2] as number;
    const high = addressHigh & this.#state.upper;
    const hit = this.#words[word] === ((addressLow & ~0xfff) | key) && this.#words[word + 1] === high;
    return hit ? this.#words[word + DATUM] >>> 0 : 0;
  }

  /** Without paging there is nothing to fence: such contexts have keys of their own. */
  #noteSize(low: number, high: number, pageSize: number): void {
    if (pageSize <= PAGE_SIZE.small || pageSize >= UNPAGED) return;
    this.#noteSuperpage(low, high, pageSize);
    // A fence knows the uppermost bit that the address means. Of RV32 there is nothing to mask.
    if (maskings(this.#state.csr) !== 0) this.#noteSuperpage(low, high ^ UPPERMOST, pageSize);
  }

  #fill(table: number, low: number, high: number, key: number, datum: number): void {
    const word = (table >> 2) + entryWord(low);
    this.#words[word] = (low & ~0xfff) | key;
    this.#words[word + 1] = high;
    this.#words[word + DATUM] = datum;
  }

  #noteSuperpage(low: number, high: number, pageSize: number): void {
    if (pageSize > PAGE_SIZE.giga) {
      this.#state.words[FIELD.hugePages >> 2] = 1;
      return;
    }
    const isMega = pageSize <= this.#mega;
    const map = isMega ? this.#superpages : this.#gigapages;
    const { word, bit } = mapPlace(pageNumber(low, high), isMega ? this.#mega : PAGE_SIZE.giga);
    map[word] |= bit;
  }

  #forgetSuperpages(): void {
    this.#superpages.fill(0);
    this.#gigapages.fill(0);
    this.#state.words[FIELD.hugePages >> 2] = 0;
  }

  /** The number of a privilege, virtualization mode and address space: the context of a fetch but for its kind. */
  #space(privilege: number, virtual: number): number {
    if (privilege === MODE.machine) return CONTEXT.machine;
    const { csr } = this.#state;
    const bits = privilege === 0 ? CONTEXT.user : 0;
    if (virtual === 0) return addressSpace(csr[CSR.satp + 1] as number) * CONTEXT.bits + bits;
    const space = addressSpace(csr[CSR.vsatp + 1] as number);
    const guest = guestSpace(csr[CSR.hgatp + 1] as number);
    return (guest * SPACES + space) * CONTEXT.bits + bits + CONTEXT.virtual;
  }

  /** The part of a context that says which bits of addresses mean nothing. */
  #masking(privilege: number, virtual: number): number {
    return maskingOf(this.#state.csr, privilege, virtual !== 0) << CONTEXT.maskingShift;
  }

  /** Bits of a context that decide about loads and stores besides privilege and V. */
  #permissions(privilege: number, virtual: number): number {
    if (privilege === MODE.machine) return 0;
    const { csr } = this.#state;
    const status = csr[CSR.mstatus] as number;
    const own = virtual === 0 ? status : (csr[CSR.vsstatus] as number);
    return (
      // U-mode does not care about SUM.
      ((own & STATUS.sum) !== 0 && privilege !== 0 ? CONTEXT.sum : 0) |
      ((own & STATUS.mxr) !== 0 ? CONTEXT.mxr : 0) |
      (virtual !== 0 && (status & STATUS.mxr) !== 0 ? CONTEXT.hostMxr : 0)
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
    this.#forgetKeys();
    this.#forgetSuperpages();
    this.#state.words[FIELD.fetchFills >> 2] = 0;
    this.#state.words[FIELD.messagesHold >> 2] = 0;
    this.#words.fill(EMPTY);
    this.#nextKey = 1;
  }
}

/**
 * The address space of a satp or vsatp by its high half, in the form of RV64: MODE in 63:60, ASID from bit 44. All of
 * them share one while MODE is Bare; a change of MODE must show at once ("Supervisor Address Translation and
 * Protection").
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

/** Which entry of a table an address has. */
function entryIndex(low: number): number {
  return (low >>> 12) & (TLB.entries - 1);
}

/** Index in 32-bit words of the entry for an address, within a table. */
function entryWord(low: number): number {
  return entryIndex(low) * (TLB.entryBytes >> 2);
}

/** Where a map of superpages has the bit for a page: programs, in the lower half of all addresses, have half of it. */
function mapPlace(page: number, size: number): { word: number; bit: number } {
  const half = SUPERPAGE_BITS / 2;
  const number = (Math.floor(page / (size / PAGE_SIZE.small)) % half) + (page < UPPER_PAGE ? 0 : half);
  return { word: number >> 5, bit: 1 << (number & 31) };
}
