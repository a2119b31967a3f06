import { CODE_DIRECTORY, CODE_PAGE, REGION } from './interpreter/slots.ts';
import { HART_BYTES, TLB } from './layout.ts';

/** Regions that a hart can have at once, plus one: there is none with number 0. */
export const REGION_RECORDS = 8192;

/** Bytes of linear memory for a cache of `pages` decoded pages: they, and their directory. */
export function codeCacheBytes(pages: number): number {
  return pages * CODE_PAGE.bytes + CODE_DIRECTORY.bytes;
}

/**
 * Bytes of linear memory that a hart takes: state, TLB, code cache and the records of regions.
 *
 * It stands apart from the hart so that whoever divides memory need not load one.
 */
export function hartAreaBytes(codePages: number): number {
  return HART_BYTES + TLB.bytes + codeCacheBytes(codePages) + REGION_RECORDS * REGION.bytes;
}
