import { SLOT, SLOT_SCALE } from './interpreter/slots.ts';
import { FIELD } from './layout.ts';
import type { HartState } from './state.ts';

const PAGE = 4096;
const SLOT_FIELD = FIELD.slot >> 2;
const PAGE_SLOTS = FIELD.pageSlots >> 2;
const PAGE_ADDRESS = FIELD.pageAddress >> 2;

/** Where a hart is: pc, and the decoded slot that generated code goes by instead of it. */
export class Position {
  readonly #state: HartState;
  readonly #words: Int32Array;
  readonly #addresses: Uint32Array;

  constructor(state: HartState) {
    this.#state = state;
    this.#words = state.words;
    this.#addresses = state.addresses;
  }

  /** The current slot. */
  get slot(): number {
    return this.#addresses[SLOT_FIELD] as number;
  }

  /** The first slot of the current page. */
  get pageSlots(): number {
    return this.#addresses[PAGE_SLOTS] as number;
  }

  /** Makes the slot of pc current, in the decoded page that begins at `slots`. */
  enter(slots: number): void {
    const { pcLow, pcHigh } = this.#state;
    this.#set(slots, slots + (pcLow & (PAGE - 2)) * SLOT_SCALE, pcLow & -PAGE, pcHigh);
  }

  /** Makes a slot outside of the halfwords of its page current, which stands for the one of that number. */
  enterAside(slot: number, halfword: number): void {
    // The page appears to begin so far before the slot that the slot's distance gives the right pc.
    this.#words[PAGE_SLOTS] = slot - halfword * SLOT.bytes;
    this.#words[SLOT_FIELD] = slot;
  }

  /** For when no decoded code has been found for pc: {@link savePc} then finds pc itself. */
  enterNothing(): void {
    this.#set(0, 0, this.#state.pcLow, this.#state.pcHigh);
  }

  /** Sets pc to the address of the current slot. */
  savePc(): void {
    const words = this.#words;
    // Where a slot aside lies low in memory, its page appears to begin below 0, that is, at the upper end.
    const distance = (this.slot - this.pageSlots) >>> 0;
    const low = ((words[PAGE_ADDRESS] as number) >>> 0) + distance / SLOT_SCALE;
    const carry = low >= 0x1_0000_0000 ? 1 : 0;
    this.#state.setPc(low | 0, ((words[PAGE_ADDRESS + 1] as number) + carry) | 0);
  }

  /** Moves pc behind an instruction of `length` bytes. */
  skip(length: number): void {
    const low = (this.#state.pcLow + length) | 0;
    const carry = low >= 0 && low < length ? 1 : 0;
    this.#state.setPc(low, (this.#state.pcHigh + carry) | 0);
  }

  #set(pageSlots: number, slot: number, addressLow: number, addressHigh: number): void {
    const words = this.#words;
    words[PAGE_SLOTS] = pageSlots;
    words[SLOT_FIELD] = slot;
    words[PAGE_ADDRESS] = addressLow;
    words[PAGE_ADDRESS + 1] = addressHigh;
  }
}
