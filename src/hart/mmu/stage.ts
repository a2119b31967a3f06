import type { Xlen } from '../../isa/index.ts';
import {
  addressHigh,
  addressLow,
  CONTIGUOUS_OFFSET,
  ENTRY,
  isContiguous,
  isPointer,
  isReservedPointer,
  isSmallPage,
  isSuperpage,
  isUsable,
} from './entry.ts';
import { type EntryMemory, UPDATE } from './entry-memory.ts';

/** How a stage ended. */
export const WALK_RESULT = {
  done: 0,
  /** Page fault of this stage. */
  pageFault: 1,
  /** A page table is outside RAM or protected. */
  accessFault: 2,
  /** The stage below refused to read (or write, to set A or D) an entry of this stage's tables. */
  tableReadFault: 3,
  tableWriteFault: 4,
} as const;
export type WalkResult = (typeof WALK_RESULT)[keyof typeof WALK_RESULT];

/** Somebody else changed the entry: it must be read and judged again. */
const RETRY = -1;

/** The permissions that a leaf must grant; plain records that are reused. */
export interface LeafRule {
  /** One of these permission bits must be set. */
  permissions: number;
  /** The page must be a user page (U-mode, and always in the G-stage). */
  userRequired: boolean;
  /** The page must not be a user page (S-mode without SUM, or fetching). */
  userForbidden: boolean;
  /** A, or A and D: bits that must be set. */
  marks: number;
}

/** Rules for a stage's tables in the stage below: user accesses, without regard to MXR. */
const TABLE_READ: Readonly<LeafRule> = {
  permissions: ENTRY.read,
  userRequired: true,
  userForbidden: false,
  marks: ENTRY.accessed,
};
const TABLE_WRITE: Readonly<LeafRule> = {
  permissions: ENTRY.write,
  userRequired: true,
  userForbidden: false,
  marks: ENTRY.accessed | ENTRY.dirty,
};

/** The page tables of a width. */
interface Tables {
  /** MODE field of satp, vsatp and hgatp that translates, and levels in the first mode; others have one more each. */
  readonly firstMode: number;
  readonly lastMode: number;
  readonly levels: number;
  /** Bits of the address that select an entry. */
  readonly levelBits: number;
  /** Binary logarithm of the bytes of an entry. */
  readonly entryShift: number;
  /** Address bits below the translated part, for a leaf at each level (low and high word). */
  readonly offsetLow: Int32Array;
  readonly offsetHigh: Int32Array;
  /** Bytes of a leaf's page by level: doubles, because a power costs as much as a third of the walk. */
  readonly pageSizes: Float64Array;
}

/** satp and its like are kept in the form of RV64 on both (`address-space.ts`). */
const TABLES: Readonly<Record<Xlen, Tables>> = {
  32: {
    ...{ firstMode: 1, lastMode: 1, levels: 2, levelBits: 10, entryShift: 2 },
    offsetLow: Int32Array.of(0xfff, 0x3f_ffff),
    offsetHigh: Int32Array.of(0, 0),
    pageSizes: Float64Array.of(2 ** 12, 2 ** 22),
  },
  64: {
    ...{ firstMode: 8, lastMode: 10, levels: 3, levelBits: 9, entryShift: 3 },
    offsetLow: Int32Array.of(0xfff, 0x1f_ffff, 0x3fff_ffff, -1, -1),
    offsetHigh: Int32Array.of(0, 0, 0, 0x7f, 0xffff),
    pageSizes: Float64Array.of(2 ** 12, 2 ** 21, 2 ** 30, 2 ** 39, 2 ** 48),
  },
};

/** "Page size" of a stage that does not translate. */
export const UNPAGED = 2 ** 56;

/** The root of a guest-physical translation has four pages, for two more address bits. */
const WIDE_BITS = 2;
const PAGE_SHIFT = 12;

/**
 * One stage of address translation: page tables of three to five levels, on RV32 of two, or none.
 *
 * Addresses are pairs of 32-bit words. The tables' own addresses go through the stage `under` this one, if there is
 * one (the VS-stage's tables are in guest-physical memory).
 */
export class Stage {
  /** Result of {@link walk}, and `pageSize` in bytes. */
  low = 0;
  high = 0;
  pageSize = UNPAGED;
  /** Address, before the stage below, of the table entry looked at last. */
  entryLow = 0;
  entryHigh = 0;

  readonly #tables: Tables;
  readonly #xlen: Xlen;
  readonly #memory: EntryMemory;
  readonly #under: Stage | undefined;
  /** The address is guest-physical: zero-extended and two bits wider, instead of sign-extended. */
  readonly #guestPhysical: boolean;
  #levels = 0;
  #rootLow = 0;
  #rootHigh = 0;
  #memoryTypes = false;
  #updates = false;

  constructor(xlen: Xlen, memory: EntryMemory, guestPhysical: boolean, under?: Stage) {
    this.#xlen = xlen;
    this.#tables = TABLES[xlen];
    this.#memory = memory;
    this.#guestPhysical = guestPhysical;
    this.#under = under;
  }

  /**
   * Chooses the tables.
   *
   * @param atpLow - satp, vsatp or hgatp, both halves of the form of RV64
   * @param memoryTypes - Svpbmt is enabled for this stage
   * @param updates - A and D bits are set on the way (Svadu); otherwise an access that needs them faults (Svade)
   */
  select(atpLow: number, atpHigh: number, memoryTypes: boolean, updates: boolean): void {
    const mode = atpHigh >>> 28;
    const { firstMode, lastMode, levels } = this.#tables;
    this.#levels = mode >= firstMode && mode <= lastMode ? mode - firstMode + levels : 0;
    const aligned = this.#guestPhysical ? atpLow & ~3 : atpLow;
    this.#rootLow = aligned << PAGE_SHIFT;
    this.#rootHigh = ((atpHigh & 0xfff) << PAGE_SHIFT) | (aligned >>> (32 - PAGE_SHIFT));
    this.#memoryTypes = memoryTypes;
    this.#updates = updates;
  }

  /** Translates an address. */
  walk(low: number, high: number, rule: Readonly<LeafRule>): WalkResult {
    if (this.#levels === 0) {
      this.low = low;
      this.high = high;
      this.pageSize = UNPAGED;
      return WALK_RESULT.done;
    }
    if (!this.#inRange(high)) return WALK_RESULT.pageFault;
    return this.#descend(low, high, rule);
  }

  /** Whether the bits above the translated ones are as they must be. */
  #inRange(high: number): boolean {
    // Bits of the high word that are translated: 7, 16 or 25, and two more of a guest-physical address. In Sv32 0.
    const bits = PAGE_SHIFT + this.#tables.levelBits * this.#levels - 32;
    if (this.#guestPhysical) return high >>> (bits + WIDE_BITS) === 0;
    if (this.#xlen === 32) return true;
    const sign = high >> (bits - 1);
    return sign === 0 || sign === -1;
  }

  #descend(low: number, high: number, rule: Readonly<LeafRule>): WalkResult {
    const entry = this.#memory;
    const { levelBits, entryShift, offsetLow, offsetHigh } = this.#tables;
    const levelMask = (1 << levelBits) - 1;
    let level = this.#levels - 1;
    let tableLow = this.#rootLow;
    let tableHigh = this.#rootHigh;
    let mask = this.#guestPhysical ? (1 << (levelBits + WIDE_BITS)) - 1 : levelMask;
    for (;;) {
      this.entryLow = tableLow | ((digit(low, high, level, levelBits) & mask) << entryShift);
      this.entryHigh = tableHigh;
      const read = this.#loadEntry();
      if (read !== WALK_RESULT.done) return read;
      if (!isUsable(entry.low, entry.high, this.#memoryTypes)) return WALK_RESULT.pageFault;
      if (isPointer(entry.low)) {
        if (level === 0 || isReservedPointer(entry.low, entry.high)) return WALK_RESULT.pageFault;
        tableLow = addressLow(entry.low);
        tableHigh = addressHigh(entry.low, entry.high);
        mask = levelMask;
        level--;
        continue;
      }
      const fits =
        level === 0
          ? isSmallPage(entry.low, entry.high)
          : isSuperpage(entry.low, entry.high, offsetLow[level], offsetHigh[level]);
      if (!fits || !allows(entry.low, rule)) return WALK_RESULT.pageFault;
      // Setting A or D changes the entry in RAM only; the entry that was read keeps its address.
      const leafLow = entry.low;
      const leafHigh = entry.high;
      const missing = rule.marks & ~leafLow;
      if (missing !== 0) {
        const marked = this.#mark(missing);
        if (marked === RETRY) continue;
        if (marked !== WALK_RESULT.done) return marked;
      }
      this.#finish(low, high, level, leafLow, leafHigh);
      return WALK_RESULT.done;
    }
  }

  /** Reads the entry at entryLow/entryHigh. */
  #loadEntry(): WalkResult {
    const under = this.#under;
    if (under === undefined) return this.#loadPhysical(this.entryLow, this.entryHigh);
    const result = under.walk(this.entryLow, this.entryHigh, TABLE_READ);
    if (result === WALK_RESULT.done) return this.#loadPhysical(under.low, under.high);
    return result === WALK_RESULT.pageFault ? WALK_RESULT.tableReadFault : result;
  }

  #loadPhysical(low: number, high: number): WalkResult {
    return this.#memory.load(low, high) ? WALK_RESULT.done : WALK_RESULT.accessFault;
  }

  /** Sets A or D in the entry read last. */
  #mark(bits: number): WalkResult | typeof RETRY {
    if (!this.#updates) return WALK_RESULT.pageFault;
    const under = this.#under;
    if (under !== undefined) {
      const seenLow = this.#memory.low;
      const seenHigh = this.#memory.high;
      const result = under.walk(this.entryLow, this.entryHigh, TABLE_WRITE);
      if (result !== WALK_RESULT.done)
        return result === WALK_RESULT.pageFault ? WALK_RESULT.tableWriteFault : result;
      if (!this.#memory.load(under.low, under.high)) return WALK_RESULT.accessFault;
      if (this.#memory.low !== seenLow || this.#memory.high !== seenHigh) return RETRY;
    }
    const update = this.#memory.setBits(bits);
    if (update === UPDATE.forbidden) return WALK_RESULT.accessFault;
    return update === UPDATE.changed ? RETRY : WALK_RESULT.done;
  }

  /** Puts together the page's address and the offset within it. */
  #finish(low: number, high: number, level: number, leafLow: number, leafHigh: number): void {
    const tables = this.#tables;
    const contiguous = isContiguous(leafHigh);
    const offsetLow = contiguous ? CONTIGUOUS_OFFSET : tables.offsetLow[level];
    const offsetHigh = tables.offsetHigh[level];
    this.low = (addressLow(leafLow) & ~offsetLow) | (low & offsetLow);
    this.high = (addressHigh(leafLow, leafHigh) & ~offsetHigh) | (high & offsetHigh);
    this.pageSize = contiguous ? CONTIGUOUS_OFFSET + 1 : tables.pageSizes[level];
  }
}

/** Bits of the address that select the entry at a level, with more significant bits above them. */
function digit(low: number, high: number, level: number, levelBits: number): number {
  const shift = PAGE_SHIFT + levelBits * level;
  return shift < 32 ? (low >>> shift) | (high << (32 - shift)) : high >>> (shift - 32);
}

function allows(entryLow: number, rule: Readonly<LeafRule>): boolean {
  const user = (entryLow & ENTRY.user) !== 0;
  if (user ? rule.userForbidden : rule.userRequired) return false;
  return (entryLow & rule.permissions) !== 0;
}
