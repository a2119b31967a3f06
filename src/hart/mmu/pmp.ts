import type { Xlen } from '../../isa/index.ts';
import { ACCESS, type Access } from '../exceptions.ts';
import { PMP_ENTRIES as ENTRIES, PROTECTION } from '../layout.ts';

const CSR_PMPCFG0 = 0x3a0;
const CSR_PMPADDR0 = 0x3b0;

/** Fields of one configuration byte. Bits 5 and 6 read as zero. */
const READ = 1;
const WRITE = 2;
const MODE_SHIFT = 3;
const LOCKED = 0x80;
const WRITABLE = 0x9f;

const MODE = { off: 0, topOfRange: 1, naturallyAligned4: 2, naturallyAligned: 3 } as const;

const MACHINE = 3;
const PAGE = 4096;
/** pmpaddr holds bits 55:2 of an address: 22 bits above the low word. On RV32 bits 33:2. */
const ADDRESS_HIGH = { 32: 0, 64: 0x3f_ffff } as const;
/** End of the addresses that there can be. */
const EVERYTHING = { 32: 2 ** 34, 64: 2 ** 56 } as const;
const TWO_32 = 2 ** 32;

/** Whole pages [start, end), in bytes, in which all accesses of one kind have the same answer. */
export interface PmpRange {
  readonly start: number;
  readonly end: number;
  /** A bit for each kind of access that is allowed: `1 << ACCESS.x`. */
  readonly permissions: number;
}

/** A 64-bit value as two words; either may be signed. */
export interface WordPair {
  low: number;
  high: number;
}

/**
 * Physical memory protection of one hart: 16 entries with a granularity of 4 bytes (privileged specification,
 * "Physical Memory Protection").
 *
 * Ranges are kept as doubles, exact below 2^53. Nothing answers at higher addresses, so there an access faults alike
 * whether the protection or the bus refuses it.
 */
export class Pmp {
  readonly #config: Uint8Array;
  /** Halves of each. */
  readonly #address: Int32Array;

  /** The entries that match anything, in order of priority: [start, end) in bytes, and the configuration. */
  readonly #start = new Float64Array(ENTRIES);
  readonly #end = new Float64Array(ENTRIES);
  readonly #flags = new Uint8Array(ENTRIES);
  #active = 0;
  /** No access of M-mode can fail. */
  #machineFree = true;
  /** No access of S- and U-mode can fail. */
  #lowerFree = false;
  readonly #xlen: Xlen;
  readonly #onChange: () => void;

  /**
   * @param onChange called after every change
   * @param buffer, address where the registers are: {@link PROTECTION}; in memory of their own unless that is given
   */
  constructor(
    xlen: Xlen = 64,
    onChange: () => void = () => undefined,
    buffer: ArrayBufferLike = new ArrayBuffer(PROTECTION.bytes),
    address = 0,
  ) {
    this.#xlen = xlen;
    this.#onChange = onChange;
    this.#config = PROTECTION.view('config', buffer, address);
    this.#address = PROTECTION.view('address', buffer, address);
  }

  /** Back to the state after reset: every entry off and unlocked, which leaves S- and U-mode without any memory. */
  reset(): void {
    this.#config.fill(0);
    this.#address.fill(0);
    this.#compile();
  }

  /** The registers were written where they are. */
  changed(): void {
    this.#compile();
  }

  /** Resets, then opens all memory to S- and U-mode with entry 0, as firmware does that protects nothing. */
  allowAll(): void {
    this.reset();
    this.#address[0] = -1;
    this.#address[1] = ADDRESS_HIGH[this.#xlen];
    this.#config[0] = (MODE.naturallyAligned << MODE_SHIFT) | READ | WRITE | 4;
    this.#compile();
  }

  /**
   * Reads pmpcfg0, pmpcfg2 (on RV32 pmpcfg0..3) or pmpaddr0..15 into `out`.
   *
   * @param csr - CSR number, 0x3a0..0x3ef
   * @returns false when there is no such CSR (also the odd pmpcfg of RV64), which is an illegal instruction
   */
  readCsr(csr: number, out: WordPair): boolean {
    const entry = csr - CSR_PMPADDR0;
    if (entry >= 0 && entry < ENTRIES) {
      out.low = this.#address[2 * entry];
      out.high = this.#address[2 * entry + 1];
      return true;
    }
    const first = this.#firstOfConfig(csr);
    if (first < 0) return false;
    out.low = this.#configWord(first);
    out.high = this.#xlen === 64 ? this.#configWord(first + 4) : 0;
    return true;
  }

  /**
   * Writes pmpcfg0, pmpcfg2 (on RV32 pmpcfg0..3) or pmpaddr0..15; locked parts keep their value.
   *
   * Translations cached before may allow accesses that are now forbidden until the guest executes SFENCE.VMA.
   *
   * @returns false when there is no such CSR
   */
  writeCsr(csr: number, low: number, high: number): boolean {
    const entry = csr - CSR_PMPADDR0;
    if (entry >= 0 && entry < ENTRIES) {
      this.#writeAddress(entry, low, high);
    } else {
      const first = this.#firstOfConfig(csr);
      if (first < 0) return false;
      this.#writeConfigWord(first, low);
      if (this.#xlen === 64) this.#writeConfigWord(first + 4, high);
    }
    this.#compile();
    return true;
  }

  /**
   * Whether an access of `width` bytes at `physical` is allowed.
   *
   * @param privilege - effective privilege: 0, 1 or 3; accesses to page tables count as 1
   */
  check(physical: number, width: number, access: Access, privilege: number): boolean {
    if (privilege === MACHINE ? this.#machineFree : this.#lowerFree) return true;
    const entry = this.#firstMatch(physical, width);
    if (entry < 0) return privilege === MACHINE;
    if (!this.#covers(entry, physical, width)) return false;
    const flags = this.#flags[entry];
    if (privilege === MACHINE && (flags & LOCKED) === 0) return true;
    return (flags & (1 << access)) !== 0;
  }

  /**
   * Whether one answer of {@link check} holds for every access of a kind within the 4 KiB page that contains
   * `physical`. Fetches are of 2 bytes, which no entry divides.
   */
  uniform(physical: number, privilege: number, access: Access): boolean {
    if (privilege === MACHINE ? this.#machineFree : this.#lowerFree) return true;
    const page = Math.floor(physical / PAGE) * PAGE;
    const entry = this.#firstMatch(page, PAGE);
    if (entry < 0 || this.#covers(entry, page, PAGE)) return true;
    return access === ACCESS.fetch && this.#uniformForFetches(page, privilege);
  }

  #uniformForFetches(page: number, privilege: number): boolean {
    const answer = this.check(page, 1, ACCESS.fetch, privilege);
    for (let entry = 0; entry < this.#active; entry++) {
      for (const cut of [this.#start[entry], this.#end[entry]]) {
        const divides = cut > page && cut < page + PAGE;
        if (divides && this.check(cut, 1, ACCESS.fetch, privilege) !== answer) return false;
      }
    }
    return true;
  }

  /**
   * The largest ranges of whole pages from `start` to `end` for which {@link uniform} is true and something is allowed,
   * in ascending order. Pages that an entry divides are in none of them.
   *
   * @param start - bytes, a multiple of 4096, as is `end`
   */
  ranges(start: number, end: number, privilege: number): PmpRange[] {
    if (privilege === MACHINE ? this.#machineFree : this.#lowerFree) {
      return [{ start, end, permissions: allPermissions }];
    }
    const cuts = [start, end];
    for (let entry = 0; entry < this.#active; entry++) {
      cuts.push(...[this.#start[entry], this.#end[entry]].filter((cut) => cut > start && cut < end));
    }
    cuts.sort((a, b) => a - b);
    const ranges: PmpRange[] = [];
    for (let from = start, at = 1; at < cuts.length; at++) {
      // Entries that begin or end within another one that comes before them in priority change nothing.
      const entry = this.#firstMatch(from, 1);
      if (cuts[at] < end && this.#firstMatch(cuts[at], 1) === entry) continue;
      addRange(ranges, from, cuts[at], this.#permissions(entry, privilege));
      from = cuts[at];
    }
    return ranges;
  }

  /** The permissions of an entry, or those that hold without one. */
  #permissions(entry: number, privilege: number): number {
    if (entry < 0) return privilege === MACHINE ? allPermissions : 0;
    const flags = this.#flags[entry];
    if (privilege === MACHINE && (flags & LOCKED) === 0) return allPermissions;
    return flags & allPermissions;
  }

  #firstMatch(physical: number, width: number): number {
    const end = physical + width;
    for (let entry = 0; entry < this.#active; entry++) {
      if (this.#start[entry] < end && this.#end[entry] > physical) return entry;
    }
    return -1;
  }

  #covers(entry: number, physical: number, width: number): boolean {
    return this.#start[entry] <= physical && this.#end[entry] >= physical + width;
  }

  #firstOfConfig(csr: number): number {
    const offset = csr - CSR_PMPCFG0;
    if (this.#xlen === 32) return offset >= 0 && offset < ENTRIES / 4 ? offset * 4 : -1;
    return offset === 0 || offset === 2 ? offset * 4 : -1;
  }

  #configWord(first: number): number {
    const config = this.#config;
    return config[first] | (config[first + 1] << 8) | (config[first + 2] << 16) | (config[first + 3] << 24);
  }

  #writeConfigWord(first: number, value: number): void {
    for (let index = 0; index < 4; index++) {
      const entry = first + index;
      if (this.#isLocked(entry)) continue;
      const next = (value >>> (index * 8)) & WRITABLE;
      // Write permission without read permission is reserved.
      this.#config[entry] = (next & READ) === 0 ? next & ~WRITE : next;
    }
  }

  #writeAddress(entry: number, low: number, high: number): void {
    if (this.#isLocked(entry)) return;
    const above = entry + 1;
    if (above < ENTRIES && this.#isLocked(above) && this.#mode(above) === MODE.topOfRange) return;
    this.#address[2 * entry] = low;
    this.#address[2 * entry + 1] = high & ADDRESS_HIGH[this.#xlen];
  }

  #isLocked(entry: number): boolean {
    return (this.#config[entry] & LOCKED) !== 0;
  }

  #mode(entry: number): number {
    return (this.#config[entry] >> MODE_SHIFT) & 3;
  }

  /** pmpaddr of an entry, in bytes. */
  #addressOf(entry: number): number {
    return bytes(this.#address[2 * entry], this.#address[2 * entry + 1]);
  }

  /** Derives the list of matching entries and the two short cuts. */
  #compile(): void {
    this.#active = 0;
    this.#machineFree = true;
    for (let entry = 0; entry < ENTRIES; entry++) this.#compileEntry(entry);
    this.#lowerFree =
      this.#active > 0 &&
      this.#covers(0, 0, EVERYTHING[this.#xlen]) &&
      (this.#flags[0] & allPermissions) === allPermissions;
    this.#onChange();
  }

  #compileEntry(entry: number): void {
    const at = this.#active;
    switch (this.#mode(entry)) {
      case MODE.topOfRange:
        this.#start[at] = entry === 0 ? 0 : this.#addressOf(entry - 1);
        this.#end[at] = this.#addressOf(entry);
        break;
      case MODE.naturallyAligned4:
        this.#start[at] = this.#addressOf(entry);
        this.#end[at] = this.#start[at] + 4;
        break;
      case MODE.naturallyAligned:
        this.#compilePowerOfTwo(entry);
        break;
      default:
        return;
    }
    if (this.#start[at] >= this.#end[at]) return;
    this.#flags[at] = this.#config[entry];
    this.#active++;
    // An entry that covers part of an access refuses it even to M-mode and unlocked; ends at multiples of 8 do not
    // divide aligned accesses, and others may be seen as made of smaller ones.
    const divides = this.#start[at] % 8 !== 0 || this.#end[at] % 8 !== 0;
    if (divides || this.#isLocked(entry)) this.#machineFree = false;
  }

  /** The trailing ones of pmpaddr give the size: none 8 bytes, each doubles it. */
  #compilePowerOfTwo(entry: number): void {
    const low = this.#address[2 * entry];
    const high = this.#address[2 * entry + 1];
    const ones = low === -1 ? 32 + trailingOnes(high) : trailingOnes(low);
    const baseLow = ones < 32 ? low & -(2 << ones) : 0;
    const baseHigh = ones < 32 ? high : high & -(2 << (ones - 32));
    const start = bytes(baseLow, baseHigh);
    this.#start[this.#active] = start;
    this.#end[this.#active] = start + 8 * 2 ** ones;
  }
}

const allPermissions = (1 << ACCESS.load) | (1 << ACCESS.store) | (1 << ACCESS.fetch);

/** Adds the whole pages from one byte to another. */
function addRange(ranges: PmpRange[], from: number, to: number, permissions: number): void {
  const start = Math.ceil(from / PAGE) * PAGE;
  const end = Math.floor(to / PAGE) * PAGE;
  if (start >= end || permissions === 0) return;
  const before = ranges.at(-1);
  if (before?.end === start && before.permissions === permissions) {
    ranges[ranges.length - 1] = { start: before.start, end, permissions };
  } else {
    ranges.push({ start, end, permissions });
  }
}

function bytes(low: number, high: number): number {
  return (high * TWO_32 + (low >>> 0)) * 4;
}

function trailingOnes(word: number): number {
  const zeros = ~word;
  return 31 - Math.clz32(zeros & -zeros);
}
