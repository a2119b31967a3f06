import { hartArea, REGION_RECORDS } from './area.ts';
import { REGION } from './interpreter/slots.ts';
import type { Depth } from './tiers/heat.ts';

/**
 * Entries that a list has at most: more than those of a busy guest, and few enough that a file of lies does no harm.
 */
export const MOST_HOT = 8192;
/** {@link REGION}'s entry of a record without a region. */
export const NO_ENTRY = -1;

/** A word for a place where a region begins. @param offset of its first instruction in RAM, in bytes: even */
export function hotEntry(offset: number, depth: Depth): number {
  return (offset + (depth === 'deep' ? 1 : 0)) | 0;
}

/** Where the harts are whose code is listed. */
export interface HotHarts {
  /** Linear memory. */
  readonly memory: WebAssembly.Memory;
  /** Addresses of the harts in it. */
  readonly areas: readonly number[];
  readonly codePages: number;
}

/**
 * Where the regions of some harts begin that are compiled now, as {@link hotEntry} has them, in rising order, each
 * once; the harts may run meanwhile.
 *
 * @param before the list that they began with: places that they have not compiled again are in the new one as well,
 *   since they may only have had no time for it. Where there is no room for all, it gives way
 */
export function hotCodeOf(
  { memory, areas, codePages }: HotHarts,
  before: Uint32Array = new Uint32Array(),
): Uint32Array<ArrayBuffer> {
  const found = regionsOf({ memory, areas, codePages });
  const places = new Set(Array.from(found, placeOf));
  for (const entry of before) {
    if (found.size >= MOST_HOT) break;
    if (!places.has(placeOf(entry))) found.add(entry);
  }
  return Uint32Array.from(found).sort().slice(0, MOST_HOT);
}

/** Without the depth. */
function placeOf(entry: number): number {
  return (entry & ~1) >>> 0;
}

function regionsOf({ memory, areas, codePages }: HotHarts): Set<number> {
  const words = new Int32Array(memory.buffer);
  const { records } = hartArea(codePages).at;
  const found = new Set<number>();
  for (const area of areas) {
    for (let number = 1; number < REGION_RECORDS; number++) {
      const record = area + records + number * REGION.bytes;
      if (words[(record + REGION.element) / 4] === 0) continue;
      const entry = words[(record + REGION.entry) / 4];
      if (entry !== NO_ENTRY) found.add(entry >>> 0);
    }
  }
  return found;
}
