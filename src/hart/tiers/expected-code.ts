import type { Depth } from './heat.ts';

const PAGE = 4096;

/** A place in a page where a region began before. */
export interface ExpectedEntry {
  /** Of the first instruction, in halfwords from the start of the page. */
  readonly halfword: number;
  readonly depth: Depth;
}

/** Where regions began when the machine was saved, by pages of RAM. A page is asked for once. */
export class ExpectedCode {
  readonly #pages = new Map<number, ExpectedEntry[]>();

  /** @param hot as `hotCodeOf` gives it; entries that are nowhere in RAM are never asked for */
  constructor(hot: Uint32Array) {
    for (const entry of hot) {
      const page = Math.floor(entry / PAGE);
      const entries = this.#pages.get(page) ?? [];
      entries.push({ halfword: (entry % PAGE) >> 1, depth: (entry & 1) === 0 ? 'shallow' : 'deep' });
      this.#pages.set(page, entries);
    }
  }

  /** The places in a page, which are forgotten then: its code may change. */
  take(page: number): readonly ExpectedEntry[] {
    const entries = this.#pages.get(page);
    if (entries === undefined) return [];
    this.#pages.delete(page);
    return entries;
  }
}
