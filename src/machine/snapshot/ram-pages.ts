/** Bytes of a page of RAM. */
export const PAGE = 4096;
const PAGE_WORDS = PAGE / Int32Array.BYTES_PER_ELEMENT;

/** Pages of RAM one behind the other: the number of the first, and how many. */
export interface PageRun {
  readonly first: number;
  readonly count: number;
}

/**
 * The pages of RAM that are not all zeroes, in their order.
 *
 * @param ram all of it
 * @param most pages of one run
 */
export function* pagesInUse(ram: Int32Array, most: number): Generator<PageRun> {
  const pages = ram.length / PAGE_WORDS;
  for (let first = 0; first < pages; ) {
    if (isZero(ram, first)) {
      first++;
      continue;
    }
    let end = first + 1;
    while (end < pages && end - first < most && !isZero(ram, end)) end++;
    yield { first, count: end - first };
    first = end;
  }
}

function isZero(ram: Int32Array, page: number): boolean {
  const start = page * PAGE_WORDS;
  const end = start + PAGE_WORDS;
  // Most pages in use differ from zero at their start or soon behind it.
  for (let at = start; at < end; at += 4) {
    if ((ram[at] | ram[at + 1] | ram[at + 2] | ram[at + 3]) !== 0) return false;
  }
  return true;
}

/** Copies the pages in use. @param to all zeroes, and as long */
export function copyPagesInUse(from: Int32Array, to: Int32Array): void {
  for (const { first, count } of pagesInUse(from, from.length)) {
    const start = first * PAGE_WORDS;
    to.set(from.subarray(start, start + count * PAGE_WORDS), start);
  }
}
