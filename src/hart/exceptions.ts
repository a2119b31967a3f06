/** Exception causes (privileged specification, table of mcause values). */
export const CAUSE = {
  fetchMisaligned: 0,
  fetchAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallFromU: 8,
  ecallFromHs: 9,
  ecallFromVs: 10,
  ecallFromM: 11,
  fetchPageFault: 12,
  loadPageFault: 13,
  storePageFault: 15,
  fetchGuestPageFault: 20,
  loadGuestPageFault: 21,
  virtualInstruction: 22,
  storeGuestPageFault: 23,
} as const;

/** Kinds of memory access, for translation, protection and the choice of exception. */
export const ACCESS = { load: 0, store: 1, fetch: 2 } as const;
export type Access = (typeof ACCESS)[keyof typeof ACCESS];

/**
 * A synchronous exception on its way to a trap handler, filled in by the code that detects it.
 *
 * One such record belongs to each hart and is reused, so that raising costs no allocation: functions that can fail
 * return false (or a negative number) and leave the reason here.
 */
export interface Exception {
  cause: number;
  /** Goes to mtval, stval or vstval. */
  tvalLow: number;
  tvalHigh: number;
  /** Goes to htval or mtval2: guest-physical address >> 2 of a guest page fault, else 0. */
  tval2Low: number;
  tval2High: number;
  /** Goes to htinst or mtinst; 0 unless a pseudo-instruction (an implicit access of the page walk) must be told. */
  tinst: number;
  /** The address in tval is a guest virtual address (hstatus.GVA, mstatus.GVA). */
  guestVirtual: boolean;
}

export function noException(): Exception {
  return { cause: 0, tvalLow: 0, tvalHigh: 0, tval2Low: 0, tval2High: 0, tinst: 0, guestVirtual: false };
}

/** Fills the record in; only a guest page fault has more to say. */
export function fillException(
  exception: Exception,
  cause: number,
  tvalLow: number,
  tvalHigh: number,
  guestVirtual: boolean,
): void {
  exception.cause = cause;
  exception.tvalLow = tvalLow;
  exception.tvalHigh = tvalHigh;
  exception.tval2Low = 0;
  exception.tval2High = 0;
  exception.tinst = 0;
  exception.guestVirtual = guestVirtual;
}
