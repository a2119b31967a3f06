/** Where a program and its results lie in guest-physical memory; virtual addresses are the same. */
export const LAYOUT = {
  ram: 0x8000_0000,
  ramBytes: 32 << 20,
  /** Start, trap handlers and end of the program. */
  frame: 0x8000_0000,
  frameBytes: 0x2000,
  /** Operands: 64-bit values, then addresses; the register points to the middle. */
  pool: 0x8000_4000,
  poolMiddle: 0x8000_4800,
  /** Memory for loads and stores: four pages, addressed from the middle. */
  data: 0x8000_8000,
  dataMiddle: 0x8000_a000,
  dataBytes: 0x4000,
  /** Page tables: the root, then two tables for the identity map and two for the probed addresses. */
  tables: 0x8000_c000,
  tableBytes: 0x5000,
  /** Behind the probed addresses: a page that can be written, and one of returns. */
  probeData: 0x8001_2000,
  probeCode: 0x8001_3000,
  /** Behind a probed superpage. */
  probeLarge: 0x8100_0000,
  /** Tables of the G-stage: a root of four pages, and one table. */
  guestTables: 0x8001_8000,
  guestTableBytes: 0x5000,
  body: 0x8002_0000,
  bodyEnd: 0x8020_0000,
  /** Registers and CSRs at the end. */
  state: 0x8020_0000,
  traps: 0x8020_1000,
  trapsEnd: 0x8030_0000,
  /** One 64-bit slot for each logged result, of which integers of RV32 fill the lower half. */
  log: 0x8030_0000,
  logEnd: 0x8040_0000,
  finisher: 0x10_0000,
} as const;

/** Slots of 64 bits that a trap fills in its log, by name without the letter of the mode. */
export const TRAP_FIELDS = ['cause', 'tval', 'epc', 'status', 'tval2', 'hstatus'] as const;
export const TRAP_WORDS = TRAP_FIELDS.length;
export const TRAP_BYTES = TRAP_WORDS * 8;

/** Virtual addresses that only programs with paging use, with all kinds of permissions: Sv39, or Sv32. */
export const PROBE = {
  32: { base: 0x4000_0000, pages: 64, largePage: 0x4040_0000, misalignedPage: 0x4080_0000 },
  64: { base: 0x4000_0000, pages: 64, largePage: 0x4020_0000, misalignedPage: 0x4040_0000 },
} as const;

/** Memory that must be equal after a run, as [start, end). */
export const COMPARED: readonly (readonly [start: number, end: number])[] = [
  [LAYOUT.pool, LAYOUT.guestTables + LAYOUT.guestTableBytes],
  [LAYOUT.state, LAYOUT.logEnd],
];

/** Slots of the operand pool. */
export const POOL = { slots: 512, values: 384 } as const;

/** Registers that a program keeps for itself; which ones they are differs from program to program. */
export interface Roles {
  /** Middle of the current block of the log. */
  readonly log: number;
  /** Next entry of the trap log. */
  readonly traps: number;
  readonly temporary: number;
  readonly pool: number;
  readonly data: number;
  /** Where a fault of instruction fetch resumes. */
  readonly link: number;
  /** Loop counter; negative ends the program at the next trap. */
  readonly counter: number;
}
