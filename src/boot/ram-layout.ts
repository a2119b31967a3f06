import { InputError } from '../errors/input-error.ts';

/** Bytes to be copied to a physical address before the machine starts. Memory that is not listed is zero. */
export interface LoadedPart {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Memory from `start` up to, not including, `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** Where {@link RamLayout.lowest} and {@link RamLayout.highest} look. */
export interface Search {
  /** Bytes, at least 1. */
  readonly size: number;
  /** A power of two. */
  readonly alignment: number;
  /** The first address that will do; the start of RAM by default. */
  readonly from?: number;
  /** The end of the room that will do; the end of RAM by default. */
  readonly to?: number;
}

interface Taken extends Extent {
  readonly what: string;
}

/**
 * The parts of RAM before the machine starts. All that is loaded is placed here, and nothing gets a place that
 * is outside RAM or that another part has.
 */
export class RamLayout {
  readonly ram: Extent;
  readonly #parts: LoadedPart[] = [];
  /** In order of addresses, apart from each other. */
  readonly #taken: Taken[] = [];

  /** @param ram - addresses below 2^53 */
  constructor(ram: Extent) {
    this.ram = ram;
  }

  /** The parts so far, in the order in which they were placed. */
  get parts(): readonly LoadedPart[] {
    return this.#parts;
  }

  /**
   * Places a part where it has to be.
   *
   * @param what - names it as a message begins with it: `The kernel`
   * @param memorySize - bytes that it takes, zeroed ones behind `bytes` included
   * @returns the memory that it takes
   * @throws InputError when that is not all in RAM, or taken; the message names both parts
   */
  put(what: string, address: number | bigint, bytes: Uint8Array, memorySize = bytes.length): Extent {
    const end = BigInt(address) + BigInt(Math.max(memorySize, bytes.length));
    if (address < this.ram.start || end > BigInt(this.ram.end)) {
      throw new InputError(
        `${what} wants to lie at ${describeExtent(address, end)}, but RAM is ` +
          `${describeExtent(this.ram.start, this.ram.end)}. Link it for an address in RAM or give it more ` +
          'memory; for Linux, give the Image rather than vmlinux.',
      );
    }
    const extent = { start: Number(address), end: Number(end), what };
    if (extent.end > extent.start) this.#take(extent);
    if (bytes.length > 0) this.#parts.push({ address: extent.start, bytes });
    return { start: extent.start, end: extent.end };
  }

  /** The lowest free address with room, or undefined where there is none. */
  lowest({ size, alignment, from = this.ram.start, to = this.ram.end }: Search): number | undefined {
    for (const gap of this.#gaps(from, to)) {
      const start = alignUp(gap.start, alignment);
      if (start + size <= gap.end) return start;
    }
    return undefined;
  }

  /** The highest free address with room, or undefined where there is none. */
  highest({ size, alignment, from = this.ram.start, to = this.ram.end }: Search): number | undefined {
    for (const gap of this.#gaps(from, to).reverse()) {
      const start = alignDown(gap.end - size, alignment);
      if (start >= gap.start) return start;
    }
    return undefined;
  }

  #take(part: Taken): void {
    const index = this.#firstEndingAfter(part.start);
    const other = this.#taken[index];
    if (other !== undefined && other.start < part.end) throw overlap(part, other);
    this.#taken.splice(index, 0, part);
  }

  /** The place in `#taken` of the first part that ends above an address: bisection, as there may be 65,535 parts. */
  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#taken.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#taken[middle]?.end ?? 0) > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #gaps(from: number, to: number): Extent[] {
    const last = Math.min(to, this.ram.end);
    const gaps: Extent[] = [];
    let start = Math.max(from, this.ram.start);
    for (const taken of [...this.#taken, { start: last, end: last }]) {
      const end = Math.min(taken.start, last);
      if (end > start) gaps.push({ start, end });
      start = Math.max(start, taken.end);
    }
    return gaps;
  }
}

function overlap(part: Taken, other: Taken): InputError {
  const places = `at ${describeExtent(other.start, other.end)} and ${describeExtent(part.start, part.end)}`;
  return new InputError(
    part.what === other.what
      ? `${part.what} has two segments in the same place: ${places}. Check how it was linked.`
      : `${other.what} and ${startingSmall(part.what)} lie in the same place: ${places}. ` +
          'Link one of them for another address.',
  );
}

/** `The kernel` within a sentence; names of files stay as they are. */
function startingSmall(what: string): string {
  return what.startsWith('The ') ? `the ${what.slice(4)}` : what;
}

/** Memory for people: `0x80000000 to 0x80001000`. */
function describeExtent(start: number | bigint, end: number | bigint): string {
  return `0x${start.toString(16)} to 0x${end.toString(16)}`;
}

/** The multiple of `alignment` at or below a value. */
function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}

/** The multiple of `alignment` at or above a value. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
