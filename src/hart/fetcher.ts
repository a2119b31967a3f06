import type { Decode } from '../isa/index.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { CodeCache } from './code-cache.ts';
import type { HartDebug } from './debug/hart-debug.ts';
import { ACCESS, CAUSE } from './exceptions.ts';
import { CODE_PAGE, SLOT } from './interpreter/slots.ts';
import { FIELD } from './layout.ts';
import { LoneInstruction } from './lone-instruction.ts';
import type { Mmu, Pmp } from './mmu/index.ts';
import type { Position } from './position.ts';
import type { HartState } from './state.ts';
import type { Tlb } from './tlb.ts';

const PAGE = 4096;

/** The parts of a hart that fetch instructions. */
export interface FetchParts {
  readonly state: HartState;
  readonly position: Position;
  readonly code: CodeCache;
  readonly decode: Decode;
  readonly tlb: Tlb;
  readonly mmu: Mmu;
  readonly pmp: Pmp;
  readonly ram: GuestMemory;
  readonly debug: HartDebug;
  /** Records an exception; the MMU records its own. */
  readonly raise: (cause: number, tvalLow: number, tvalHigh: number) => void;
}

/** How a hart gets from pc to decoded code. */
export class Fetcher {
  readonly #parts: FetchParts;
  readonly #lone: LoneInstruction;

  constructor(parts: FetchParts) {
    this.#parts = parts;
    this.#lone = new LoneInstruction(parts.state.base, parts.code, parts.decode);
  }

  /** Makes the code at pc current; false: an exception was raised. */
  enter(low: number, high: number): boolean {
    const { tlb, mmu, position } = this.#parts;
    const known = tlb.lookupFetch(low, high);
    const slots = known === 0 ? this.#fetchPage(low, high) : known;
    if (slots === 0) return false;
    if (known === 0 && !mmu.cacheable) return this.#enterAlone(low, high, slots);
    position.enter(slots);
    return true;
  }

  /**
   * Makes the instruction at pc current, with no regard to its slot, beside its page; false: an exception was raised.
   *
   * @param isLast behind it the hart shall stop
   */
  alone(low: number, high: number, isLast: boolean): boolean {
    const slots = this.#fetchPage(low, high);
    return slots !== 0 && this.#enterAlone(low, high, slots, isLast);
  }

  /** Whether a slot is behind the last instruction that was made current alone. */
  isBehindAlone(slot: number): boolean {
    return this.#lone.isBehind(slot);
  }

  /**
   * Makes the instruction at pc current, which begins at the end of the current page; false: an exception was raised.
   */
  straddle(low: number, high: number): boolean {
    const { position, code } = this.#parts;
    const slots = position.pageSlots;
    const next = this.#nextPage(low, high, slots);
    if (next === 0) return false;
    position.enterAside(code.straddlingSlot(slots, next), CODE_PAGE.halfwords - 1);
    return true;
  }

  /** The encoding of the current instruction, if it is not one that stands for a region. */
  currentBits(): number {
    const { position, code } = this.#parts;
    const { slot, pageSlots } = position;
    if (code.isStraddling(slot)) return code.straddlingBits(slot);
    // The page only seems to begin there where an instruction is carried out aside.
    return this.#lone.bitsAt(slot) ?? code.bitsAt(pageSlots, (slot - pageSlots) / SLOT.bytes);
  }

  /**
   * Makes one instruction current, with nothing behind it but the next fetch, where not all of a page may be executed.
   * The MMU has just translated its first half. Halves are fetched apart: the second one raises an exception of its
   * own.
   *
   * @param slots the decoded page
   */
  #enterAlone(low: number, high: number, slots: number, isLast = false): boolean {
    const { mmu, pmp, code, state, position } = this.#parts;
    const halfword = (low & (PAGE - 2)) >> 1;
    let bits = code.bitsAt(slots, halfword);
    if ((bits & 3) !== 3) {
      bits &= 0xffff;
    } else if (halfword === CODE_PAGE.halfwords - 1) {
      const next = this.#nextPage(low, high, slots);
      if (next === 0) return false;
      bits = code.bitsAcross(slots, next);
    } else if (!pmp.check(mmu.physical + 2, 2, ACCESS.fetch, state.privilege)) {
      this.#parts.raise(CAUSE.fetchAccess, low + 2, high);
      return false;
    }
    position.enter(slots);
    position.enterAside(this.#lone.place(bits, isLast), halfword);
    return true;
  }

  /** The decoded page behind that of an instruction in its last halfword; 0: an exception was raised. */
  #nextPage(low: number, high: number, slots: number): number {
    const nextLow = (low + 2) | 0;
    const nextHigh = nextLow === 0 ? (high + 1) & this.#parts.state.upper : high;
    return this.#parts.tlb.lookupFetch(nextLow, nextHigh) || this.#fetchPage(nextLow, nextHigh, slots);
  }

  /**
   * The decoded page of an address that the TLB does not know; 0: an exception was raised. The TLB does not get to know
   * it where physical memory protection lets only parts of it be executed.
   *
   * @param keep slots of a decoded page that must stay
   */
  #fetchPage(low: number, high: number, keep = 0): number {
    const { mmu, ram, code, state, tlb, debug, raise } = this.#parts;
    if (!mmu.translate(low, high, ACCESS.fetch, 2)) return 0;
    const page = Math.floor((mmu.physical - ram.base) / PAGE);
    if (page < 0 || page >= ram.size / PAGE) {
      raise(CAUSE.fetchAccess, low, high);
      return 0;
    }
    const slots = code.slotsOf(page, keep);
    for (const halfword of debug.points.inPage(low, high)) code.mark(slots, halfword);
    state.words[FIELD.codeGeneration >> 2] = code.generation;
    if (mmu.cacheable) tlb.fillFetch(low, high, slots, mmu.pageSize);
    return slots;
  }
}
