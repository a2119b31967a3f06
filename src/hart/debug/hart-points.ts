import { type HartPoint, POINT_KIND } from './point-list.ts';

const PAGE = 4096;
const TWO_32 = 2 ** 32;
/** The map that generated code looks at has a bit for each page number modulo this. */
const MAP_BITS = 64;

/** Watched memory that was accessed. */
export interface WatchHit {
  readonly kinds: number;
  /** The first watched byte that was accessed. */
  readonly low: number;
  readonly high: number;
}

/** The points of a debugger as one hart looks them up: code by page, watched memory one by one. */
export class HartPoints {
  /** Halfwords of pages with points in code, by page number. */
  readonly #code = new Map<number, number[]>();
  readonly #watches: readonly HartPoint[];

  constructor(points: readonly HartPoint[]) {
    this.#watches = points.filter(({ kinds }) => (kinds & POINT_KIND.code) === 0);
    for (const { low, high, kinds } of points) {
      if ((kinds & POINT_KIND.code) === 0) continue;
      const page = pageNumber(low, high);
      const halfword = (low & (PAGE - 1)) >> 1;
      this.#code.set(page, [...(this.#code.get(page) ?? []), halfword]);
    }
  }

  /** Halfwords of the page of an address at which the hart is to stop. */
  inPage(low: number, high: number): readonly number[] {
    // Asked for each page that code is fetched from.
    if (this.#code.size === 0) return NONE;
    return this.#code.get(pageNumber(low, high)) ?? NONE;
  }

  /** Whether the hart is to stop before it executes the instruction there. */
  isCode(low: number, high: number): boolean {
    return this.inPage(low, high).includes((low & (PAGE - 1)) >> 1);
  }

  /** Whether any of the page of an address is watched, for any kind of access. */
  watchesPage(low: number, high: number): boolean {
    // Asked for each translation that TypeScript enters.
    if (this.#watches.length === 0) return false;
    const start = low & -PAGE;
    return this.#watches.some((watch) => overlap(watch, start, high, PAGE));
  }

  /** Whether an access of these kinds meets a watched place. */
  find(low: number, high: number, bytes: number, kinds: number): WatchHit | undefined {
    // Asked for each access that TypeScript carries out.
    if (this.#watches.length === 0) return undefined;
    const watch = this.#watches.find((each) => (each.kinds & kinds) !== 0 && overlap(each, low, high, bytes));
    if (watch === undefined) return undefined;
    const isBefore = distance(watch, low, high) < 0;
    const first = isBefore ? watch : { low, high };
    return { kinds: watch.kinds, low: first.low, high: first.high };
  }

  /** A bit for each page with points, by its number modulo 64, in two halves: for generated code. */
  get map(): readonly [number, number] {
    const map: [number, number] = [0, 0];
    const mark = (page: number): void => {
      const bit = page % MAP_BITS;
      if (bit < 32) map[0] |= 1 << bit;
      else map[1] |= 1 << (bit - 32);
    };
    for (const page of this.#code.keys()) mark(page);
    for (const { low, high, length } of this.#watches) {
      const first = pageNumber(low, high);
      const pages = Math.ceil(((low & (PAGE - 1)) + length) / PAGE);
      for (let page = 0; page < Math.min(pages, MAP_BITS); page++) mark(first + page);
    }
    return map;
  }
}

const NONE: readonly number[] = [];

function pageNumber(low: number, high: number): number {
  return (high >>> 0) * (TWO_32 / PAGE) + (low >>> 12);
}

/** Bytes from a point's start to an address; exact where it matters, that is, where it is small. */
function distance(point: HartPoint, low: number, high: number): number {
  return ((high >>> 0) - (point.high >>> 0)) * TWO_32 + ((low >>> 0) - (point.low >>> 0));
}

function overlap(point: HartPoint, low: number, high: number, bytes: number): boolean {
  const from = distance(point, low, high);
  return from < point.length && from + bytes > 0;
}
