import type { Symbols } from './timeline.ts';

/**
 * Lines of a symbol that code belongs to, as `nm -n` writes them: address, kind and name; `/proc/kallsyms` has the
 * module behind it.
 */
const LINE = /^([0-9a-f]{8}|[0-9a-f]{16}) [tTwW] (\S+)(?:\t\[\S+\])?$/;
/** Kinds of symbols that say nothing about code: mapping symbols of the assembler. */
const MAPPING = /^\$|^\.L/;
/** Addresses whose names are remembered. */
const MOST_KNOWN = 1 << 14;
const TWO_32 = 2 ** 32;

/** The functions of a kernel, by its `System.map` (or the output of `nm -n`). */
export class SystemMap implements Symbols {
  readonly #lows: Uint32Array;
  readonly #highs: Uint32Array;
  readonly #names: readonly string[];
  readonly #known = new Map<number, Map<number, string | undefined>>();
  #knownCount = 0;

  private constructor(symbols: readonly (readonly [high: number, low: number, name: string])[]) {
    this.#highs = Uint32Array.from(symbols, ([high]) => high);
    this.#lows = Uint32Array.from(symbols, ([, low]) => low);
    this.#names = symbols.map(([, , name]) => name);
  }

  /** @returns undefined if the text has no line of a function */
  static parse(text: string): SystemMap | undefined {
    const symbols: [high: number, low: number, name: string][] = [];
    for (const line of text.split('\n')) {
      const [, address, name] = LINE.exec(line.trimEnd()) ?? [];
      if (address === undefined || name === undefined || MAPPING.test(name)) continue;
      // A kernel of 32 bits has its addresses with the sign on top, as harts have them.
      const low = Number.parseInt(address.slice(-8), 16);
      const high =
        address.length === 16 ? Number.parseInt(address.slice(0, 8), 16) : low >= 2 ** 31 ? TWO_32 - 1 : 0;
      symbols.push([high, low, name]);
    }
    symbols.sort(([highA, lowA], [highB, lowB]) => highA - highB || lowA - lowB);
    return symbols.length === 0 ? undefined : new SystemMap(symbols);
  }

  /** How many functions there are. */
  get size(): number {
    return this.#names.length;
  }

  name(low: number, high: number): string | undefined {
    const page = this.#known.get(high) ?? new Map<number, string | undefined>();
    if (page.has(low)) return page.get(low);
    if (++this.#knownCount > MOST_KNOWN) {
      this.#known.clear();
      page.clear();
      this.#knownCount = 1;
    }
    const name = this.#search(low >>> 0, high >>> 0);
    this.#known.set(high, page.set(low, name));
    return name;
  }

  /** The last symbol that does not lie behind the address. */
  #search(low: number, high: number): string | undefined {
    let first = 0;
    let end = this.#names.length;
    while (first < end) {
      const middle = (first + end) >>> 1;
      const itsHigh = this.#highs[middle] as number;
      const isBehind = itsHigh > high || (itsHigh === high && (this.#lows[middle] as number) > low);
      if (isBehind) end = middle;
      else first = middle + 1;
    }
    // Programs of the guest lie in another half of the addresses.
    if (first === 0 || this.#highs[first - 1] !== high) return undefined;
    return this.#names[first - 1];
  }
}
