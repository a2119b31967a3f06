/** One stage of address translation in generated code: Sv39, Sv48 or Sv57, on RV32 Sv32, and their G-stage forms. */
import type { Xlen } from '../../isa/index.ts';
import { type FunctionBuilder, type I32, type I64, i32, i64, type Local } from '../../wasm/index.ts';
import { FIELD, OPEN } from '../layout.ts';
import { ENTRY } from '../mmu/entry.ts';

/** Bits 63:54 of an entry: extensions and reserved. */
const EXTENSION_SHIFT = 54;
const NUMBER_SHIFT = 10;
const PAGE_SHIFT = 12;
/** The root of the G-stage has four pages, for two more address bits. */
const WIDE_BITS = 2;
const MODE_SHIFT = 60;
/** The root's page number. */
const ROOT_BITS = (1n << 44n) - 1n;

/** The page tables of a width. */
interface Tables {
  /** Numbers of MODE in satp, vsatp and hgatp that translate; each has a level more than the one before. */
  readonly firstMode: number;
  readonly lastMode: number;
  /** Position of the highest level's digit in the address in the first mode. */
  readonly rootShift: number;
  readonly levelBits: number;
  readonly entryBytes: 4 | 8;
  /** Of addresses that are translated, guest-physical ones aside. */
  readonly addressBits: number;
}

/** satp and its like are kept in the form of RV64 on both (`address-space.ts`). */
const TABLES: Readonly<Record<Xlen, Tables>> = {
  32: { firstMode: 1, lastMode: 1, rootShift: 22, levelBits: 10, entryBytes: 4, addressBits: 32 },
  64: { firstMode: 8, lastMode: 10, rootShift: 30, levelBits: 9, entryBytes: 8, addressBits: 64 },
};

/** The inputs of a stage. The conditions leave the function if they hold. */
export interface StageParts {
  readonly xlen: Xlen;
  readonly f: FunctionBuilder;
  readonly hart: Local<'i32'>;
  readonly address: Local<'i64'>;
  /** The address is guest-physical: zero-extended and two bits wider, instead of sign-extended. */
  readonly guestPhysical: boolean;
  /** Where the entry at an address is in linear memory; leaves the function if nobody here knows. */
  entryHost(address: Local<'i64'>): I32;
  faultIf(condition: I32): void;
  giveUpIf(condition: I32): void;
}

/**
 * Code of one walk: {@link StageCode.descend}, then the caller's demands of the leaf, then {@link StageCode.mark}.
 */
export class StageCode {
  readonly #parts: StageParts;
  readonly #tables: Tables;
  /** The entry looked at: its address before the stage below, where it is in linear memory, and its value. */
  readonly entryAddress: Local<'i64'>;
  readonly #entryHost: Local<'i32'>;
  readonly #entry: Local<'i64'>;
  /** Position in the address of the digit that selects the entry; 0 as long as there is none. */
  readonly shift: Local<'i64'>;

  constructor(parts: StageParts) {
    const { f } = parts;
    this.#parts = parts;
    this.#tables = TABLES[parts.xlen];
    this.entryAddress = f.local('i64');
    this.#entryHost = f.local('i32');
    this.#entry = f.local('i64');
    this.shift = f.local('i64');
  }

  /** Finds the leaf of the address. @param atp satp, vsatp or hgatp, whose MODE is not 0 */
  descend(atp: Local<'i64'>): void {
    const { f, faultIf } = this.#parts;
    const { levelBits } = this.#tables;
    this.#begin(atp);
    f.loop((again) => {
      this.#load();
      f.if(i32.eqz(this.has(ENTRY.read | ENTRY.write | ENTRY.execute)), () => {
        faultIf(this.has(ENTRY.user | ENTRY.accessed | ENTRY.dirty));
        f.set(this.shift, i64.sub(this.shift, i64.const(levelBits)));
        faultIf(i64.lt_s(this.shift, i64.const(PAGE_SHIFT)));
        const digit = i64.and(this.#digits(), i64.const((1 << levelBits) - 1));
        f.set(this.entryAddress, i64.or(this.#page(), this.#entryOffset(digit)));
        f.br(again);
      });
    });
    faultIf(i64.ne(i64.and(this.#page(), this.#offsetMask()), i64.const(0)));
  }

  /** The first entry, and whether the address is one of those that can be translated. */
  #begin(atp: Local<'i64'>): void {
    const { f, address, guestPhysical, faultIf, giveUpIf } = this.#parts;
    const { firstMode, lastMode, rootShift, levelBits, addressBits } = this.#tables;
    const mode = f.let(i64.sub(i64.shr_u(atp, i64.const(MODE_SHIFT)), i64.const(firstMode)));
    giveUpIf(i64.gt_u(mode, i64.const(lastMode - firstMode)));
    // The highest level's digit begins at bit 30, 39 or 48, and has 9 bits; in Sv32 at bit 22, with 10.
    f.set(this.shift, i64.add(i64.mul(mode, i64.const(levelBits)), i64.const(rootShift)));
    const digits = f.let(this.#digits());
    const bits = guestPhysical ? levelBits + WIDE_BITS : levelBits;
    const digit = i64.and(digits, i64.const((1 << bits) - 1));
    if (guestPhysical) {
      faultIf(i64.ne(digits, digit));
    } else if (addressBits > rootShift + levelBits) {
      const unused = f.let(i64.sub(i64.const(addressBits - levelBits), this.shift));
      faultIf(i64.ne(i64.shr_s(i64.shl(address, unused), unused), address));
    }
    const root = i64.shl(i64.and(atp, i64.const(ROOT_BITS)), i64.const(PAGE_SHIFT));
    f.set(this.entryAddress, i64.or(root, this.#entryOffset(digit)));
  }

  /** Reads the entry, which must be valid. */
  #load(): void {
    const { f, entryHost, faultIf, giveUpIf } = this.#parts;
    f.set(this.#entryHost, entryHost(this.entryAddress));
    // Pairs with the stores of guests to their page tables, and with the compare-exchange below on other harts.
    f.set(this.#entry, this.#isWide ? i64.atomic.load(this.#entryHost) : narrow(this.#entryHost));
    giveUpIf(i64.ne(i64.shr_u(this.#entry, i64.const(EXTENSION_SHIFT)), i64.const(0)));
    faultIf(i32.eqz(this.has(ENTRY.valid)));
    faultIf(i32.eq(this.has(ENTRY.read | ENTRY.write), i32.const(ENTRY.write)));
  }

  /**
   * Sets A, or A and D, in the leaf.
   *
   * @param may - called where bits are to be set: code that leaves the function if that may not be done
   * @param writableHost - as `entryHost`, to write
   */
  mark(marks: I64, may: () => void, writableHost?: (address: Local<'i64'>) => I32): void {
    const { f, giveUpIf } = this.#parts;
    const marked = f.let(i64.or(this.#entry, marks));
    f.if(i64.ne(marked, this.#entry), () => {
      may();
      // The stage below may have begun to say something else.
      if (writableHost) giveUpIf(i32.ne(writableHost(this.entryAddress), this.#entryHost));
      // Atomic against stores of guests to the entry and against other harts that mark it.
      const found = this.#exchange(marked);
      giveUpIf(i64.ne(found, this.#entry));
    });
  }

  /** Puts the entry's new value in the place of the one that was read. @returns the value that was there */
  #exchange(marked: Local<'i64'>): I64 {
    const host = this.#entryHost;
    if (this.#isWide) return i64.atomic.rmwCmpxchg(host, this.#entry, marked);
    const word = i32.atomic.rmwCmpxchg(host, i32.wrap_i64(this.#entry), i32.wrap_i64(marked));
    return i64.extend_i32_u(word);
  }

  get #isWide(): boolean {
    return this.#tables.entryBytes === 8;
  }

  /** The distance of the entry of a digit from the start of its table. */
  #entryOffset(digit: I64): I64 {
    return i64.shl(digit, i64.const(Math.log2(this.#tables.entryBytes)));
  }

  /** Those of the given bits that the entry has. */
  has(bits: number | I32): I32 {
    return i32.and(i32.wrap_i64(this.#entry), typeof bits === 'number' ? i32.const(bits) : bits);
  }

  /** The translated address. */
  translated(): I64 {
    return i64.or(this.#page(), i64.and(this.#parts.address, this.#offsetMask()));
  }

  /** The address, from the digit of the current level upwards. */
  #digits(): I64 {
    return i64.shr_u(this.#parts.address, this.shift);
  }

  /** The address in an entry, whose upper bits are 0. */
  #page(): I64 {
    return i64.shl(i64.shr_u(this.#entry, i64.const(NUMBER_SHIFT)), i64.const(PAGE_SHIFT));
  }

  /** The bits of the address below the digit of the current level. */
  #offsetMask(): I64 {
    return i64.sub(i64.shl(i64.const(1), this.shift), i64.const(1));
  }
}

/** An entry of 32 bits, as the one of 64 bits that says the same. */
function narrow(host: Local<'i32'>): I64 {
  return i64.extend_i32_u(i32.atomic.load(host));
}

/** Address of the hart block, moved so that FIELD.open is that of M-mode where `isMachine` is 1. */
export function openRange(hart: Local<'i32'>, isMachine: I32): I32 {
  return i32.add(hart, i32.mul(isMachine, i32.const(OPEN.bytes)));
}

/**
 * The address in linear memory of a physical address in a page of RAM that physical memory protection leaves alone.
 *
 * @param range - see {@link openRange}
 */
export function openHost(
  f: FunctionBuilder,
  range: Local<'i32'>,
  physical: I64,
  giveUpIf: (condition: I32) => void,
): I32 {
  const offset = f.let(i64.sub(physical, i64.load(range, FIELD.open + OPEN.at.base)));
  giveUpIf(i64.ge_u(offset, i64.load(range, FIELD.open + OPEN.at.size)));
  return i32.add(i32.wrap_i64(offset), i32.load(range, FIELD.open + OPEN.at.host));
}
