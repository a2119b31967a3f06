/** Slots that are remembered; for more, all those of the page are forgotten that was first to have one. */
const MOST_NOTES = 4096;

/** Experience with compiling from a slot on. */
export interface EntryNote {
  /** Base registers, a bit for each, with too many accesses at once across pages. */
  ungroupedBases: number;
  /** Checking less at once through single registers was of no help: each access is checked by itself. */
  ungrouped: boolean;
  /** The region was full, and so much of the guest's work was done around it that it gets more room. */
  large: boolean;
  /** The code did not compile, and is left to the interpreter. */
  refused: boolean;
}

/**
 * Notes about the slots where regions begin, by the decoded page that they are in. Guests choose how many such slots
 * there are, so that the number of notes is limited.
 */
export class EntryNotes {
  readonly #pages = new Map<number, Map<number, EntryNote>>();
  #count = 0;

  /** How many slots are remembered. */
  get count(): number {
    return this.#count;
  }

  /** @param page first slot of the page */
  of(page: number, slot: number): Readonly<EntryNote> | undefined {
    return this.#pages.get(page)?.get(slot);
  }

  /** The note of a slot, to be changed. */
  change(page: number, slot: number): EntryNote {
    const known = this.#pages.get(page)?.get(slot);
    if (known !== undefined) return known;
    while (this.#count >= MOST_NOTES) this.#forgetFirst();
    const notes = this.#pages.get(page) ?? new Map<number, EntryNote>();
    const note = { ungroupedBases: 0, ungrouped: false, large: false, refused: false };
    this.#pages.set(page, notes.set(slot, note));
    this.#count++;
    return note;
  }

  /** Other code comes to a page. */
  forget(page: number): void {
    this.#count -= this.#pages.get(page)?.size ?? 0;
    this.#pages.delete(page);
  }

  /** Code that a region at a slot goes on with changes, in another page. */
  forgetSlot(page: number, slot: number): void {
    if (this.#pages.get(page)?.delete(slot) === true) this.#count--;
  }

  #forgetFirst(): void {
    for (const page of this.#pages.keys()) {
      this.forget(page);
      return;
    }
  }
}
