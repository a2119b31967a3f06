import { array, struct } from '../layout/struct.ts';
import { DECODED_PAGE, DIRECTORY, REGION_RECORD } from './interpreter/slots.ts';
import { HART, TLB_TABLES } from './layout.ts';

/** Regions that a hart can have at once, plus one: there is none with number 0. */
export const REGION_RECORDS = 8192;

/** A cache of so many decoded pages. */
export function codeCache(pages: number) {
  return struct({ pages: array(DECODED_PAGE, pages), directory: DIRECTORY });
}

/**
 * All that a hart has in linear memory.
 *
 * It stands apart from the hart so that code that divides memory need not load one.
 */
export function hartArea(codePages: number) {
  return struct({
    hart: HART,
    tlb: TLB_TABLES,
    code: codeCache(codePages),
    records: array(REGION_RECORD, REGION_RECORDS),
  });
}

/** Bytes of linear memory that a hart takes. */
export function hartAreaBytes(codePages: number): number {
  return hartArea(codePages).bytes;
}
