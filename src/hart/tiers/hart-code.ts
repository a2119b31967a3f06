import type { Decode, Decoded } from '../../isa/index.ts';
import type { CodeSource } from '../../jit/index.ts';
import type { CodeCache } from '../code-cache.ts';
import { CODE_PAGE, OPERATION, REGION, SLOT, SLOT_SCALE } from '../interpreter/slots.ts';
import type { Tlb } from '../tlb.ts';
import type { JumpProfile } from './jump-profile.ts';

const PAGE = 4096;

/** Something that is true of a halfword of a decoded page, which is given by its slots. */
export type HalfwordTest = (slots: number, halfword: number) => boolean;

/** Where a region may begin. */
export interface Place {
  readonly slot: number;
  /** The first slot of its page. */
  readonly slots: number;
  /** Guest-virtual address of the page, as two words. */
  readonly pageLow: number;
  readonly pageHigh: number;
}

/** The parts of a hart that {@link HartCode} reads. */
export interface HartCodeOptions {
  readonly memory: WebAssembly.Memory;
  readonly tlb: Tlb;
  readonly code: CodeCache;
  readonly decode: Decode;
}

/** The guest's code around a page, as the hart has it decoded and translated now. */
export class HartCode implements CodeSource {
  readonly #options: HartCodeOptions;
  readonly #halfwords: Uint16Array;
  readonly #jumps: JumpProfile;
  /** Slots of pages by their distance from the first; 0: not in reach. */
  readonly #slots = new Map<number, number>();

  readonly #place: Place;
  readonly #isOthers: HalfwordTest | undefined;

  /** @param place of which offsets in bytes count from the page */
  constructor(options: HartCodeOptions, jumps: JumpProfile, place: Place, isOthers?: HalfwordTest) {
    this.#options = options;
    this.#place = place;
    this.#isOthers = isOthers;
    this.#jumps = jumps;
    this.#halfwords = new Uint16Array(options.memory.buffer);
    this.#slots.set(0, place.slots);
  }

  /** The slots of a page that is in reach. */
  slotsOf(page: number): number {
    return this.#slots.get(page) ?? this.#find(page);
  }

  /** The slot of an offset; 0: not in reach. */
  slotOf(offset: number): number {
    const slots = this.slotsOf(Math.floor(offset / PAGE));
    return slots === 0 ? 0 : slots + (offset & (PAGE - 2)) * SLOT_SCALE;
  }

  /** Values by slot, from values by offset. */
  bySlot(values: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
    return new Map([...values].map(([offset, value]) => [this.slotOf(offset), value]));
  }

  at(offset: number): Decoded | undefined {
    const page = Math.floor(offset / PAGE);
    const slots = this.slotsOf(page);
    if (slots === 0) return undefined;
    const { code, decode } = this.#options;
    const halfword = (offset & (PAGE - 1)) >> 1;
    // Code that a debugger wants to stop at is for the interpreter.
    if (code.isMarked(slots, halfword)) return undefined;
    let bits = code.bitsAt(slots, halfword);
    if (halfword === CODE_PAGE.halfwords - 1 && (bits & 3) === 3) {
      const next = this.slotsOf(page + 1);
      if (next === 0) return undefined;
      bits = (bits | (code.bitsAt(next, 0) << 16)) >>> 0;
    }
    return decode(bits);
  }

  targetsOf(offset: number): readonly number[] {
    const slots = this.slotsOf(Math.floor(offset / PAGE));
    if (slots === 0) return [];
    const site = slots + (offset & (PAGE - 2)) * SLOT_SCALE;
    return this.#jumps.targets(site).map((distance) => offset + distance);
  }

  isWarm(offset: number): boolean {
    const slots = this.slotsOf(Math.floor(offset / PAGE));
    if (slots === 0) return false;
    return this.#halfwords[slots / 2 + ((offset & (PAGE - 1)) >> 1) * (SLOT.bytes / 2)] !== OPERATION.decode;
  }

  isOthers(offset: number): boolean {
    if (this.#isOthers === undefined) return false;
    const slots = this.slotsOf(Math.floor(offset / PAGE));
    return slots !== 0 && this.#isOthers(slots, (offset & (PAGE - 1)) >> 1);
  }

  #find(page: number): number {
    const { pageLow, pageHigh } = this.#place;
    const address = page * PAGE + (pageLow >>> 0);
    const low = address | 0;
    const high = (pageHigh + Math.floor(address / 2 ** 32)) | 0;
    const found = this.#slots.size > REGION.mostPages ? 0 : this.#options.tlb.lookupFetch(low, high);
    if (found !== 0) this.#slots.set(page, found);
    return found;
  }
}
