/**
 * Where a hart keeps its state in linear memory, declared once for the generated code and for TypeScript.
 *
 * Offsets are in bytes from the hart's base. 64-bit fields are aligned to 8; TypeScript works on their two 32-bit
 * halves (low half first), never on BigInt in paths that matter.
 */

/** Fields of the hart block. */
export const FIELD = {
  /** x0..x31; x0 always holds 0. */
  x: 0x000,
  /** f0..f31, NaN-boxed singles. */
  f: 0x100,
  /** Address of the current decoded slot; valid whenever generated code has called out. */
  slot: 0x200,
  /** First slot of the current decoded page. */
  pageSlots: 0x204,
  /** Guest-virtual address of the current decoded page (i64). */
  pageAddress: 0x208,
  /** Guest-virtual pc (i64); authoritative while generated code is not running. */
  pc: 0x210,
  /** Instructions left in the current chunk, after the current one; negative ends the chunk. */
  budget: 0x218,
  /** Instructions granted to the current chunk. */
  chunk: 0x21c,
  /** Instructions that `run` may still start after this chunk. */
  fuel: 0x220,
  /** Why `run` returned: an EXIT value. */
  exit: 0x224,
  /** Instructions retired up to the start of the current chunk (i64). */
  instret: 0x228,
  /** Mailbox of slow paths: address (i64) and value (i64). */
  mailboxAddress: 0x230,
  mailboxValue: 0x238,
  /** TLB keys of the current context for loads, stores and fetches: key << 3 (i64 each). */
  loadKey: 0x240,
  storeKey: 0x248,
  fetchKey: 0x250,
  /** Address in linear memory of the TLB in use. */
  tlb: 0x258,
  /** Address in linear memory of the 32-bit word that asks the hart to leave `run`. */
  exitRequest: 0x25c,
  /** fflags and frm, one word each. */
  fflags: 0x260,
  frm: 0x264,
  /** Not 0 while floating point is disabled in the current context (FS = Off in mstatus, or in vsstatus if V=1). */
  floatOff: 0x268,
  /** Set to 1 by every write to floating-point state; folded into the FS fields when they are looked at. */
  floatDirty: 0x26c,
  /** LR reservation: address in linear memory (0 = none), width in bits, loaded value (i64). */
  reservation: 0x270,
  reservationWidth: 0x274,
  reservationValue: 0x278,
  /** Current privilege (0 U, 1 S, 3 M) and virtualization mode (0 or 1). */
  privilege: 0x280,
  virtual: 0x284,
  /** 1: the hypervisor extension's HS-mode is played by the host, so a trap to HS (or M) leaves `run`. */
  hsHost: 0x288,
  /** Changes whenever a decoded page is filled or found changed: what was derived from other pages may be stale. */
  codeGeneration: 0x28c,
  /** Address in linear memory of the records of compiled regions; 0: there are none, and none will be. */
  regions: 0x290,
  /** The record of the region that was entered last. */
  lastRegion: 0x294,
  /** Guest-virtual address of the jump by which a region was last left to an address from a register (i64). */
  jumpSite: 0x298,
  /** Address in linear memory of the directory of decoded pages. */
  codeDirectory: 0xc08,
  /**
   * A QUIET value. 1: when last looked at, no interrupt was both pending and locally enabled, and nothing has been done
   * since that could have made one pending, except that time went by. Generated code then need not look. 2: nor while
   * SIE stays 0 in S-mode, or MIE in M-mode.
   */
  quiet: 0x2a0,
  /** RAM: its address in linear memory. */
  ramOffset: 0x2a8,
  /** What refill found when it gave up: 1 if the walk is sure to end in a page fault. */
  pageFault: 0x2ac,
  /**
   * TLB keys of the contexts that the current address space has without MXR, << 3, or 0 where none is selected yet: for
   * data by privilege (0 U, 1 S) + 2 * SUM, for fetches by privilege.
   */
  dataKeys: 0x2c0,
  fetchKeys: 0x2d0,
  /** The same for M-mode without MPRV: the key of data, then that of fetches. */
  machineKeys: 0xc10,
  /** mhartid. */
  hartId: 0xc0c,
  /** Exceptions with no instruction in between: instructions retired before (i64), how many, the first's cause and pc. */
  rowRetired: 0x2d8,
  rowLength: 0x2e0,
  rowCause: 0x2e4,
  rowPc: 0x2e8,
  /** Exceptions of all rows (i64). */
  rowTotal: 0x2f0,
  /** Bits of sstatus that software may write; bits of sepc that it may not set. */
  statusBits: 0x2f8,
  epcAlignment: 0x2fc,
  /** CSRs that have storage, 8 bytes each, in the order of CSR_FIELDS. */
  csr: 0x300,
  /**
   * Where the TLB may hold parts of superpages, one bit for each 2 MiB and for each 1 GiB of the address space modulo
   * 2^12 of them: 512 bytes each. Then a word that is not 0 if it may hold parts of larger ones.
   */
  superpages: 0x800,
  gigapages: 0xa00,
  hugePages: 0xc00,
  /** How often regions were left, by REGION_EXIT (i64 each), and the instructions that they have run (i64). */
  regionExits: 0xd00,
  regionInstructions: 0xd40,
  /** Record of the region that has led to where the hart is, by a jump from {@link FIELD}.jumpSite; 0: something else did. */
  arrivedBy: 0xd48,
  /** What the compiler has done: doubles in the order of REGION_COUNTS. */
  regionCounts: 0xd50,
  /**
   * Fetch entries of the TLB filled since they were last forgotten: how many, and the addresses of the first of them.
   */
  fetchFills: 0xc04,
  fetchList: 0xe00,
  /**
   * Where the interpreter began to work, behind a region or a trap: the slot, 0 if the last sample was taken since; the
   * budget then, from which the poll makes the number of instructions since; the address of the page (i64). Then how
   * many more such instructions there are to be until a sample of where they began is taken.
   */
  stretch: 0xf00,
  stretchLength: 0xf04,
  stretchPage: 0xf08,
  stretchCredit: 0xf10,
  /**
   * The largest part of RAM in which physical memory protection refuses S- and U-mode nothing, and that for M-mode:
   * guest-physical start and size in bytes (i64 each), whole pages, and its address in linear memory.
   */
  openBase: 0xf40,
  openSize: 0xf48,
  openHost: 0xf50,
  machineOpenBase: 0xf58,
  machineOpenSize: 0xf60,
  machineOpenHost: 0xf68,
  /** The slots of an instruction that is fetched alone: its own, then two that lead back. */
  alone: 0xf80,
} as const;

/**
 * CSRs with storage of their own. Others are views of these (sstatus of mstatus, hip of hvip, ...). Generated code counts
 * on stvec to satp having the same order as vstvec to vsatp.
 */
const CSR_FIELDS = [
  'mstatus',
  'misa',
  'medeleg',
  'mideleg',
  'mie',
  'mip',
  'mtvec',
  'mcounteren',
  'mcountinhibit',
  'menvcfg',
  'mstateen0',
  'mscratch',
  'mepc',
  'mcause',
  'mtval',
  'mtinst',
  'mtval2',
  'mcycleOffset',
  'minstretOffset',
  'scounteren',
  'senvcfg',
  'stvec',
  'sscratch',
  'sepc',
  'scause',
  'stval',
  'satp',
  'stimecmp',
  'hstatus',
  'hedeleg',
  'hideleg',
  'hie',
  'hcounteren',
  'hgeie',
  'henvcfg',
  'hstateen0',
  'htval',
  'htinst',
  'hvip',
  'hgatp',
  'htimedelta',
  'vsstatus',
  'vstvec',
  'vsscratch',
  'vsepc',
  'vscause',
  'vstval',
  'vsatp',
  'vstimecmp',
  'mstateen1',
  'mstateen2',
  'mstateen3',
  'hstateen1',
  'hstateen2',
  'hstateen3',
] as const;

export type CsrField = (typeof CSR_FIELDS)[number];

/** Index of a CSR's low half in {@link HartState.csr}; the high half is at index + 1. */
export const CSR = Object.freeze(
  Object.fromEntries(CSR_FIELDS.map((name, index) => [name, index * 2])),
) as Readonly<Record<CsrField, number>>;

/** Addresses that {@link FIELD}.fetchList has room for. */
export const FETCH_LIST = 64;

/** Number of 64-bit CSR fields. */
export const CSR_COUNT = CSR_FIELDS.length;

/** Bytes of a hart block; the CSRs end well before. */
export const HART_BYTES = 0x1000;

/** Why `run` returned. */
export const EXIT = {
  /** Fuel used up, or the exit-request word was set. */
  yield: 0,
  /** With `hsHost`: a trap to HS-mode was taken; scause, sepc, stval, htval, htinst tell. */
  trap: 1,
  /** WFI with nothing pending: the hart sleeps until an interrupt is pending. */
  wait: 2,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/**
 * The software TLB: three direct-mapped tables (loads, stores, fetches) of 16-byte entries.
 *
 * An entry is a tag (i64: guest-virtual page address | key << 3, 0 = empty) and an i32 datum. The key names the
 * context (address space, privilege, SUM, ...) for which the translation holds, so that changing context flushes
 * nothing. For loads and stores the datum is added to the low 32 bits of the virtual address and gives the address
 * in linear memory; for fetches it is the first slot of the decoded page.
 */
export const TLB = {
  /**
   * Entries of each table; a power of two, for 64 MiB: with 4096, what goes through more memory than 16 MiB at random
   * takes twice as long, and smaller tables make nothing faster.
   */
  entries: 16384,
  entryBytes: 16,
  loads: 0,
  stores: 0x40000,
  fetches: 0x80000,
  bytes: 0xc0000,
  /** Keys are 9 bits: 1..511. */
  keyShift: 3,
  lastKey: 511,
} as const;
