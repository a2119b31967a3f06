import type { Decode, Decoded } from '../isa/index.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { codeCache } from './area.ts';
import { isNear, numberOf, type OperationTable } from './interpreter/operation-table.ts';
import { SLOT_CONTENT, slotShape } from './interpreter/slot-shape.ts';
import {
  CODE_DIRECTORY,
  CODE_PAGE,
  DIRECTORY_ENTRY,
  OPERATION,
  SLOT,
  SLOT_SCALE,
} from './interpreter/slots.ts';

const PAGE = 4096;
const PAGE_HALFWORDS = CODE_PAGE.halfwords;
/** How far decoding runs ahead of execution, in instructions. */
const DECODE_AHEAD = 32;
const NOWHERE = -1;
/** The words of an encoding that is remembered: itself, and those of its slots. No instruction is 0. */
const PACKED = { first: 1, second: 2, words: 3 } as const;
/** Leaves as many bits of a hash of 32 as there are places for them: 12. */
const PACKED_SHIFT = 20;

/** The parts and sizes of a code cache. */
export interface CodeCacheOptions {
  /** Byte address in linear memory of `codeCache` bytes, aligned to 64. */
  readonly base: number;
  /** Decoded pages that it holds. */
  readonly pages: number;
  readonly ram: GuestMemory;
  readonly operations: OperationTable;
  readonly decode: Decode;
  /** Compares two pages in linear memory, fast. */
  readonly samePage: (a: number, b: number) => boolean;
  /** Called when the decoded page at `slots` is dropped: translations that lead to it must be forgotten first. */
  readonly onEvict: (slots: number) => void;
  /** Called when a page of RAM, by its number, was given the slots at `slots`: none of it is decoded. */
  readonly onAdmit?: (slots: number, page: number) => void;
  /** Called before slots of the page at `slots` are dropped because memory has changed. */
  readonly onChange: (slots: number) => void;
}

/**
 * The decoded-instruction cache of a hart: a pool of decoded pages, found by physical page.
 *
 * It behaves like an instruction cache that is not coherent with stores: a decoded page keeps the bytes that it was
 * decoded from, and after FENCE.I every page is compared with memory when it is next entered; only slots whose bytes
 * have changed are decoded again. So FENCE.I costs the same for all writes of all harts and devices, and stores need
 * not be watched.
 */
export class CodeCache {
  readonly #decode: Decode;
  readonly #operations: OperationTable;
  readonly #ram: GuestMemory;
  /** Address in linear memory of the directory, which generated code reads; it may begin a new epoch, too. */
  readonly directory: number;
  readonly #base: number;
  readonly #pages: number;
  readonly #bytes: Uint8Array;
  readonly #halfwords: Uint16Array;
  readonly #words: Int32Array;
  /** Pool index of each page of RAM, or NOWHERE. */
  readonly #indexOf: Int32Array;
  /** Page of RAM that a pool entry holds, or NOWHERE. */
  readonly #holds: Int32Array;
  /** Raw bits of the straddling instruction that is decoded, per pool entry; 0 = none. */
  readonly #straddling: Int32Array;
  /** Halfwords of decoded pages that a debugger has marked, by the pages' slots. */
  readonly #marks = new Map<number, Set<number>>();
  /** Slots of encodings that were decoded lately, each in the place that it selects: see {@link PACKED}. */
  readonly #packed = new Int32Array((1 << (32 - PACKED_SHIFT)) * PACKED.words);
  #generation = 0;
  #hand = 0;
  readonly #samePage: (a: number, b: number) => boolean;
  readonly #onEvict: (slots: number) => void;
  readonly #onChange: (slots: number) => void;
  readonly #onAdmit: CodeCacheOptions['onAdmit'];

  constructor(options: CodeCacheOptions) {
    const { base, pages, ram } = options;
    const { buffer } = ram.linear;
    this.#decode = options.decode;
    this.#operations = options.operations;
    this.#ram = ram;
    this.#base = base;
    if (pages < 2) throw new Error('an instruction may take two decoded pages');
    this.#pages = pages;
    this.directory = base + codeCache(pages).at.directory;
    this.#samePage = options.samePage;
    this.#onEvict = options.onEvict;
    this.#onChange = options.onChange;
    this.#onAdmit = options.onAdmit;
    this.#bytes = new Uint8Array(buffer);
    this.#halfwords = new Uint16Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#indexOf = new Int32Array(Math.ceil(ram.size / PAGE)).fill(NOWHERE);
    this.#holds = new Int32Array(pages).fill(NOWHERE);
    this.#straddling = new Int32Array(pages);
    this.#words[(this.directory + CODE_DIRECTORY.epoch) / 4] = 0;
    const first = (this.directory + CODE_DIRECTORY.first) / 4;
    this.#words.fill(NOWHERE, first, first + CODE_DIRECTORY.entries * (DIRECTORY_ENTRY.bytes / 4));
  }

  /** How many FENCE.I there were. */
  get #epoch(): number {
    return this.#words[(this.directory + CODE_DIRECTORY.epoch) / 4] as number;
  }

  /**
   * FENCE.I: instructions decoded before must be verified before it is used again. The caller forgets fetch
   * translations.
   */
  invalidate(): void {
    this.#words[(this.directory + CODE_DIRECTORY.epoch) / 4] = (this.#epoch + 1) | 0;
  }

  /**
   * The first slot of the decoded page for a page of RAM, up to date with memory as of the last {@link invalidate}.
   *
   * @param page number of the page within RAM
   * @param keep slots of a decoded page that must not make room for it
   */
  slotsOf(page: number, keep = 0): number {
    let index = this.#indexOf[page] as number;
    if (index === NOWHERE)
      index = this.#admit(page, keep === 0 ? NOWHERE : (keep - this.#base) / CODE_PAGE.bytes);
    const slots = this.#base + index * CODE_PAGE.bytes;
    if (this.#words[(slots + CODE_PAGE.verified) / 4] !== this.#epoch) this.#verify(index, page);
    this.#words[(slots + CODE_PAGE.used) / 4] = 1;
    const entry = this.#entryOf(page);
    this.#words[entry] = page;
    this.#words[entry + 1] = slots;
    return slots;
  }

  /** Index in #words of the directory's entry for a page. */
  #entryOf(page: number): number {
    const number = page & (CODE_DIRECTORY.entries - 1);
    return (this.directory + CODE_DIRECTORY.first + number * DIRECTORY_ENTRY.bytes) / 4;
  }

  /** First slot of the decoded page that a slot is of; 0: it is of none. */
  pageOf(slot: number): number {
    const index = Math.floor((slot - this.#base) / CODE_PAGE.bytes);
    return index >= 0 && index < this.#pages ? this.#base + index * CODE_PAGE.bytes : 0;
  }

  /** The number of the page of RAM whose slots begin at `slots`. */
  ramPageOf(slots: number): number {
    return this.#holds[(slots - this.#base) / CODE_PAGE.bytes] as number;
  }

  /** The encoding at a slot, as it was when the page was decoded: 32 bits, of which a compressed one uses 16. */
  bitsAt(slots: number, halfword: number): number {
    const at = (slots + CODE_PAGE.snapshot) / 2 + halfword;
    const low = this.#halfwords[at] as number;
    const high = halfword + 1 < PAGE_HALFWORDS ? (this.#halfwords[at + 1] as number) : 0;
    return (low | (high << 16)) >>> 0;
  }

  /** The encoding of the instruction that begins in the last halfword of a page and ends in another. */
  bitsAcross(slots: number, nextSlots: number): number {
    return (this.bitsAt(slots, PAGE_HALFWORDS - 1) | (this.bitsAt(nextSlots, 0) << 16)) >>> 0;
  }

  /** Decodes from `slot` on, up to the end of the page, a jump, or code that is decoded already. */
  decodeFrom(slots: number, slot: number): void {
    let halfword = (slot - slots) / SLOT.bytes;
    const marks = this.#marks.get(slots);
    const words = this.#words;
    const packed = this.#packed;
    for (let count = 0; count < DECODE_AHEAD && halfword < PAGE_HALFWORDS; count++) {
      const at = slots + halfword * SLOT.bytes;
      if (this.#halfwords[at / 2] !== OPERATION.decode) return;
      if (marks?.has(halfword) === true) {
        this.#halfwords[at / 2] = OPERATION.illegal;
        return;
      }
      const bits = this.bitsAt(slots, halfword);
      const compressed = (bits & 3) !== 3;
      if (!compressed && halfword === PAGE_HALFWORDS - 1) {
        this.#halfwords[at / 2] = OPERATION.straddle;
        return;
      }
      const key = compressed ? bits & 0xffff : bits | 0;
      const memo = (Math.imul(key, 0x9e37_79b1) >>> PACKED_SHIFT) * PACKED.words;
      if (packed[memo] === key && key !== 0) {
        words[at / 4] = packed[memo + PACKED.first] as number;
        words[at / 4 + 1] = packed[memo + PACKED.second] as number;
      } else {
        const decoded = this.#decode(bits);
        this.#pack(at, decoded, halfword);
        if (decoded === undefined) return;
        const { placed, endsRun } = slotShape(decoded.instruction);
        if (endsRun) return;
        if (!placed) {
          packed[memo] = key;
          packed[memo + PACKED.first] = words[at / 4] as number;
          packed[memo + PACKED.second] = words[at / 4 + 1] as number;
        }
      }
      halfword += compressed ? 1 : 2;
    }
  }

  /**
   * Decodes the instruction that begins in the last halfword of a page and ends in the next page.
   *
   * @param nextSlots the decoded page that follows in the guest's address space
   * @returns the slot to execute; its position lies as far behind the page's slots as the instruction is in the page
   */
  straddlingSlot(slots: number, nextSlots: number): number {
    const index = (slots - this.#base) / CODE_PAGE.bytes;
    const bits = this.bitsAcross(slots, nextSlots) | 0;
    const slot = slots + CODE_PAGE.straddling;
    if (this.#straddling[index] !== bits) {
      this.#pack(slot, this.#decode(bits >>> 0), NOWHERE);
      this.#halfwords[slot / 2 + SLOT.bytes] = OPERATION.pageEnd;
      this.#straddling[index] = bits;
    }
    const record = (slots + CODE_PAGE.straddlingFor) / 4;
    this.#words[record] = nextSlots;
    this.#words[record + 1] = this.#generation;
    return slot;
  }

  /**
   * Decodes an instruction to a slot outside of its page, with the way back behind it.
   *
   * @param slot address of 24 bytes
   * @param decoded undefined: an illegal instruction
   * @param isLast behind it the interpreter shall ask TypeScript, as at an illegal instruction
   */
  packAside(slot: number, decoded: Decoded | undefined, isLast = false): void {
    this.#pack(slot, decoded, NOWHERE);
    const end = isLast ? OPERATION.illegal : OPERATION.asideEnd;
    for (const behind of [1, 2]) this.#halfwords[(slot + behind * SLOT.bytes) / 2] = end;
  }

  /**
   * Has the interpreter ask TypeScript, as at an illegal instruction, when it comes to a halfword of a decoded page,
   * and keeps compiled code away from it: until {@link unmarkAll}, or until the page is dropped.
   */
  mark(slots: number, halfword: number): void {
    const marks = this.#marks.get(slots) ?? new Set();
    if (marks.has(halfword)) return;
    this.#onChange(slots);
    this.#marks.set(slots, marks.add(halfword));
    this.#halfwords[(slots + halfword * SLOT.bytes) / 2] = OPERATION.illegal;
  }

  unmarkAll(): void {
    for (const [slots, marks] of this.#marks) {
      this.#onChange(slots);
      for (const halfword of marks) this.#halfwords[(slots + halfword * SLOT.bytes) / 2] = OPERATION.decode;
    }
    this.#marks.clear();
  }

  isMarked(slots: number, halfword: number): boolean {
    return this.#marks.get(slots)?.has(halfword) === true;
  }

  isMarkedSlot(slot: number): boolean {
    const slots = this.pageOf(slot);
    return slots !== 0 && this.isMarked(slots, (slot - slots) / SLOT.bytes);
  }

  /** Whether a slot is the one of its page for the instruction that ends in the next page. */
  isStraddling(slot: number): boolean {
    // Slots aside of other kinds may lie as far behind where a page would begin.
    const slots = this.pageOf(slot);
    return slots !== 0 && slot - slots === CODE_PAGE.straddling;
  }

  /** The full encoding of the instruction at a straddling slot. */
  straddlingBits(slot: number): number {
    return (this.#straddling[Math.floor((slot - this.#base) / CODE_PAGE.bytes)] as number) >>> 0;
  }

  /** Counts the times that a decoded page was filled or found changed. */
  get generation(): number {
    return this.#generation;
  }

  #admit(page: number, keep: number): number {
    this.#generation = (this.#generation + 1) | 0;
    const index = this.#victim(keep);
    const old = this.#holds[index] as number;
    if (old !== NOWHERE) {
      this.#onEvict(this.#base + index * CODE_PAGE.bytes);
      this.#indexOf[old] = NOWHERE;
      if (this.#words[this.#entryOf(old)] === old) this.#words[this.#entryOf(old)] = NOWHERE;
    }
    this.#holds[index] = page;
    this.#indexOf[page] = index;
    this.#straddling[index] = 0;
    const slots = this.#base + index * CODE_PAGE.bytes;
    this.#marks.delete(slots);
    this.#bytes.fill(0, slots, slots + CODE_PAGE.snapshot);
    this.#words[(slots + CODE_PAGE.verified) / 4] = this.#epoch;
    for (let halfword = PAGE_HALFWORDS; halfword < PAGE_HALFWORDS + 2; halfword++) {
      this.#halfwords[(slots + halfword * SLOT.bytes) / 2] = OPERATION.pageEnd;
    }
    const source = this.#ram.offsetOfPage(page);
    this.#bytes.copyWithin(slots + CODE_PAGE.snapshot, source, source + PAGE);
    this.#onAdmit?.(slots, page);
    return index;
  }

  /** A free pool entry, or one that was not used for a whole turn of the clock's hand. */
  #victim(keep: number): number {
    for (;;) {
      const index = this.#hand;
      this.#hand = (this.#hand + 1) % this.#pages;
      if (index === keep) continue;
      const used = (this.#base + index * CODE_PAGE.bytes + CODE_PAGE.used) / 4;
      if (this.#holds[index] === NOWHERE || this.#words[used] === 0) return index;
      this.#words[used] = 0;
    }
  }

  /** Drops the slots of a page whose bytes have changed. */
  #verify(index: number, page: number): void {
    const slots = this.#base + index * CODE_PAGE.bytes;
    this.#words[(slots + CODE_PAGE.verified) / 4] = this.#epoch;
    if (this.#samePage(slots + CODE_PAGE.snapshot, this.#ram.offsetOfPage(page))) return;
    this.#onChange(slots);
    const snapshot = (slots + CODE_PAGE.snapshot) / 4;
    const source = this.#ram.offsetOfPage(page) / 4;
    const words = this.#words;
    for (let word = 0; word < PAGE / 4; word++) {
      const now = words[source + word] as number;
      if (words[snapshot + word] === now) continue;
      words[snapshot + word] = now;
      this.#generation = (this.#generation + 1) | 0;
      // An instruction of 4 bytes may begin one halfword earlier.
      const first = Math.max(0, word * 2 - 1);
      this.#bytes.fill(0, slots + first * SLOT.bytes, slots + (word * 2 + 2) * SLOT.bytes);
    }
  }

  /** Writes a slot. `halfword` is its place in the page, or NOWHERE: then every jump is a far one. */
  #pack(at: number, decoded: Decoded | undefined, halfword: number): void {
    if (decoded === undefined) {
      this.#halfwords[at / 2] = OPERATION.illegal;
      return;
    }
    const { instruction, length, rd, rs1, rs2, rs3, imm, csr, rm } = decoded;
    const { hasRd, content, pure } = slotShape(instruction);
    const target = halfword + imm / 2;
    const near = halfword !== NOWHERE && target >= 0 && target < PAGE_HALFWORDS;
    const operation = this.#operations.find(instruction.id, length, near, hasRd && rd === 0);
    this.#bytes[at + SLOT.a] = (hasRd ? rd : rs2) * 8;
    this.#bytes[at + SLOT.b] = rs1 * 8;
    if (content === SLOT_CONTENT.registers) {
      this.#bytes[at + SLOT.rs2] = rs2 * 8;
      this.#bytes[at + SLOT.rs3] = rs3 * 8;
      this.#bytes[at + SLOT.rm] = rm | imm;
    } else if (content === SLOT_CONTENT.immediate) {
      this.#words[at / 4 + 1] = isNear(operation) ? imm * SLOT_SCALE : imm;
    } else {
      this.#words[at / 4 + 1] = content === SLOT_CONTENT.csr ? csr | (imm << 16) : decoded.bits;
    }
    const nop = length === 4 ? OPERATION.nop4 : OPERATION.nop2;
    this.#halfwords[at / 2] = rd === 0 && pure ? nop : numberOf(operation);
  }
}
