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

/**
 * Where the regions of some harts begin that are compiled now, as {@link hotEntry} has them, in rising order, each
 * once; the harts may run meanwhile.
 *
 * @param areas addresses of the harts in linear memory
 */
export function hotCodeOf(
  memory: WebAssembly.Memory,
  areas: readonly number[],
  codePages: number,
): Uint32Array<ArrayBuffer> {
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
  return Uint32Array.from(found).sort().slice(0, MOST_HOT);
}
