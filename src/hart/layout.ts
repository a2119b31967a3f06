/**
 * Where a hart keeps its state in linear memory, declared once for the generated code and for TypeScript. TypeScript
 * works on the two halves of 64-bit fields, never on BigInt in paths that matter.
 */
import { REGION_EXIT } from '../jit/exits.ts';
import { align, array, f64, halves, i32, i64, row, struct, u8 } from '../layout/struct.ts';
import { EXCLUSION } from './exclusion.ts';
import { SLOT_TYPE } from './interpreter/slots.ts';

/**
 * CSRs with storage of their own. Others are views of these (sstatus of mstatus, hip of hvip, ...). Generated code
 * counts on stvec to satp having the same order as vstvec to vsatp.
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
  // Of the AIA: sie and vsie have bits of their own for interrupts that mvien and hvien turn on.
  'miselect',
  'siselect',
  'vsiselect',
  'mvien',
  'mvip',
  'sieVirtual',
  'hvien',
  'vsieVirtual',
  'hvictl',
  'hviprio1',
  'hviprio2',
  // Arrays of priorities, a byte for each interrupt.
  'miprio0',
  'miprio2',
  'miprio4',
  'miprio6',
  'miprio8',
  'miprio10',
  'miprio12',
  'miprio14',
  'siprio0',
  'siprio2',
  'siprio4',
  'siprio6',
  'siprio8',
  'siprio10',
  'siprio12',
  'siprio14',
  // Sscofpmf: of guests alone, which the hypervisor sets.
  'scountovf',
  // Counters of events, as mcycleOffset, and what they count.
  'mhpmoffset3',
  'mhpmoffset4',
  'mhpmoffset5',
  'mhpmoffset6',
  'mhpmevent3',
  'mhpmevent4',
  'mhpmevent5',
  'mhpmevent6',
] as const;

export type CsrField = (typeof CSR_FIELDS)[number];

/** The CSRs of a hart, or those that are kept for one. */
export const CSRS = row(halves, CSR_FIELDS);

/** Index of a CSR's low half in {@link HartState.csr}; the high half is at index + 1. */
export const CSR = CSRS.word;

/** Counters of the compiler of a hart. */
export const REGION_COUNTS = row(f64, [
  'live',
  'compiled',
  'bytes',
  'instructions',
  'time',
  'longest',
  'running',
  'interpreting',
  'refused',
  'evicted',
  'memory',
]);

/** A part of RAM, in whole pages: guest-physical start and size in bytes, and its address in linear memory. */
export const OPEN = struct({ base: halves, size: halves, host: i32 });

/** Addresses that {@link FIELD}.fetchList has room for. */
export const FETCH_LIST = 64;

/** Bits of a map of superpages. */
export const SUPERPAGE_BITS = 4096;

/**
 * A page of an interrupt file: its tag as that of a {@link TLB_ENTRY} for stores, the address in linear memory of the
 * file's pending bits, and how many identities it has.
 */
export const MESSAGE_ENTRY = struct({ tag: halves, pending: i32, identities: i32 });

/** Entries for such pages, by the low bits of their numbers; a power of two. */
export const MESSAGE_ENTRIES = 16;

/** Interrupt files that a hart can have: those of machine and supervisor level, and 31 of guests. */
export const OWN_FILES = 33;

/** Entries of physical memory protection; the specification allows 0, 16 or 64. */
export const PMP_ENTRIES = 16;

/** The registers of physical memory protection. */
export const PROTECTION = struct({ address: array(halves, PMP_ENTRIES), config: array(u8, PMP_ENTRIES) });

/** The largest VLEN in bytes. */
export const MOST_VLENB = 128;

/**
 * The plan by which generated code carries out a vector instruction: its bits, the vtype, and the place in the table of
 * regions of the function for both.
 */
export const VECTOR_PLAN = struct({ bits: i32, vtype: i32, element: i32, unused: i32 });

/** Entries for such instructions, by {@link VECTOR_PLAN}'s hash; a power of two. */
export const VECTOR_PLANS = 4096;

/** vill in {@link FIELD}.vtype. */
export const VILL = 1 << 31;

/** The hart block. */
export const HART = align(
  4096,
  struct({
    /** x0..x31; x0 always holds 0. */
    x: array(halves, 32),
    /** f0..f31, NaN-boxed singles. */
    f: array(halves, 32),
    /** Address of the current decoded slot; valid whenever generated code has called out. */
    slot: i32,
    /** First slot of the current decoded page. */
    pageSlots: i32,
    /** Guest-virtual address of the current decoded page. */
    pageAddress: halves,
    /** Guest-virtual pc; authoritative while generated code is not running. */
    pc: halves,
    /** Instructions left in the current chunk, after the current one; negative ends the chunk. */
    budget: i32,
    /** Instructions granted to the current chunk. */
    chunk: i32,
    /** Of the pseudorandom lengths of first chunks. */
    chunkSeed: i32,
    /** Instructions that `run` may still start after this chunk. */
    fuel: i32,
    /** PAUSE instructions after which the next poll leaves `run`. */
    pauses: i32,
    /** Why `run` returned: an EXIT value. */
    exit: i32,
    /** Instructions retired up to the start of the current chunk. */
    instret: halves,
    /** Mailbox of slow paths. */
    mailboxAddress: halves,
    mailboxValue: halves,
    /** TLB keys of the current context for loads, stores and fetches: key << 3. */
    loadKey: halves,
    storeKey: halves,
    fetchKey: halves,
    /** Address in linear memory of the TLB in use. */
    tlb: i32,
    /** Address in linear memory of the 32-bit word that asks the hart to leave `run`. */
    exitRequest: i32,
    fflags: i32,
    frm: i32,
    /** Not 0 while floating point is disabled in the current context (FS = Off in mstatus, or in vsstatus if V=1). */
    floatOff: i32,
    /** Set to 1 by every write to floating-point state; folded into the FS fields when they are looked at. */
    floatDirty: i32,
    /** LR reservation: address in linear memory (0 = none), width in bits, loaded value. */
    reservation: i32,
    reservationWidth: i32,
    reservationValue: halves,
    /** Current privilege (0 U, 1 S, 3 M) and virtualization mode (0 or 1). */
    privilege: i32,
    virtual: i32,
    /** 1: the hypervisor extension's HS-mode is played by the host, so a trap to HS (or M) leaves `run`. */
    hsHost: i32,
    /** Changes whenever a decoded page is filled or found changed: what was derived from other pages may be stale. */
    codeGeneration: i32,
    /** Address in linear memory of the records of compiled regions; 0: there are none, and none will be. */
    regions: i32,
    /** The record of the region that was entered last. */
    lastRegion: i32,
    /** Guest-virtual address of the jump by which a region was last left to an address from a register. */
    jumpSite: halves,
    /**
     * A QUIET value. 1: when last looked at, no interrupt was both pending and locally enabled, and nothing has been
     * done since that could have made one pending, except that time went by. Generated code then need not look. 2: nor
     * while SIE stays 0 in S-mode, or MIE in M-mode.
     */
    quiet: i32,
    /** RAM: its address in linear memory. */
    ramOffset: i32,
    /** The finding of refill when it gave up: 1 if the walk is sure to end in a page fault. */
    pageFault: i32,
    /** Not 0 if there is anything in `debugPages`. */
    debugs: i32,
    /**
     * TLB keys of the contexts that the current address space has without MXR, << 3, or 0 where none is selected yet:
     * for data by privilege (0 U, 1 S) + 2 * SUM, for fetches by privilege.
     */
    dataKeys: array(i32, 4),
    fetchKeys: array(i32, 2),
    /** The same for M-mode without MPRV: the key of data, then that of fetches. */
    machineKeys: array(i32, 2),
    /** mhartid. */
    hartId: i32,
    /** Exceptions with no instruction in between: instructions retired before, how many, the first's cause and pc. */
    rowRetired: halves,
    rowLength: i32,
    rowCause: i32,
    rowPc: halves,
    /** Exceptions of all rows. */
    rowTotal: halves,
    /** Bits of sstatus that software may write; bits of sepc that it may not set. */
    statusBits: i32,
    epcAlignment: i32,
    csr: align(64, CSRS),
    /**
     * Where the TLB may hold parts of superpages of 2 MiB and of 1 GiB: a bit for each, by the low bits of its number
     * and the uppermost of its address.
     */
    superpages: array(i32, SUPERPAGE_BITS / 32),
    gigapages: array(i32, SUPERPAGE_BITS / 32),
    /** Not 0 if it may hold parts of larger ones. */
    hugePages: i32,
    /**
     * Fetch entries of the TLB filled since they were last forgotten: how many, and the addresses of the first of them.
     */
    fetchFills: i32,
    fetchList: array(i32, FETCH_LIST),
    /** Address in linear memory of the directory of decoded pages. */
    codeDirectory: i32,
    /** Record of the region that has led to where the hart is, by a jump from `jumpSite`; 0: something else did. */
    arrivedBy: i32,
    /** How often regions were left, by REGION_EXIT, and the instructions that they have run. */
    regionExits: array(i64, Object.keys(REGION_EXIT).length),
    regionInstructions: i64,
    /** Counts of the compiler. */
    regionCounts: REGION_COUNTS,
    /**
     * Where the interpreter began to work, behind a region or a trap: the slot, 0 if the last sample was taken since;
     * the budget then, from which the poll makes the number of instructions since; the address of the page. Then how
     * many more such instructions there are to be until a sample of where they began is taken.
     */
    stretch: i32,
    stretchLength: i32,
    stretchPage: halves,
    stretchCredit: i32,
    /** Where a region was left last for the interpreter to carry out an instruction: the slot. */
    resumedAt: i32,
    /**
     * The largest part of RAM in which physical memory protection refuses S- and U-mode nothing, and that for M-mode.
     */
    open: array(OPEN, 2),
    /** The slots of an instruction that is fetched alone: its own, then two that lead back. */
    alone: array(SLOT_TYPE, 3),
    /** 0: there is nothing in the next field that holds. Every fence of data translations sets it to 0. */
    messagesHold: i32,
    /** Pages of interrupt files of other harts and vCPUs to which stores have gone. */
    messages: array(MESSAGE_ENTRY, MESSAGE_ENTRIES),
    /**
     * Addresses in linear memory of the hart's own interrupt files, as {@link Platform.interruptFile} numbers them; 0
     * where TypeScript has to look for the file.
     */
    files: array(i32, OWN_FILES),
    /** Words of pending bits, and of enable bits, that each of them has. */
    fileWords: i32,
    /** The time in ticks, without htimedelta, when the hart has looked at it last. */
    lastTicks: halves,
    /** Physical memory protection: the configuration and the address register of each entry. */
    protection: PROTECTION,
    /**
     * Pages with places at which a debugger wants the hart to stop: a bit for each page number modulo 64. Generated
     * code leaves their translation to TypeScript.
     */
    debugPages: halves,
    /** Address in linear memory of the words of {@link EXCLUSION}, of which the first asks the hart to leave, too. */
    exclusion: i32,
    /** Those of a hart that shares its memory with no other one. */
    ownExclusion: EXCLUSION,
    /** Always 1: a word that makes `run` return as soon as it looks. */
    always: i32,
    /** VLEN in bytes; 0 without vectors. */
    vlenb: i32,
    /** CSRs of vectors; of vtype the low bits, and vill as the sign. */
    vstart: i32,
    vl: i32,
    vtype: i32,
    vxrm: i32,
    vxsat: i32,
    /** v0 to v31, one behind the other: each has {@link vlenb} bytes. */
    v: align(64, array(u8, 32 * MOST_VLENB)),
    vectorPlans: array(VECTOR_PLAN, VECTOR_PLANS),
  }),
);

/** A field of the hart block. */
export type HartField = keyof typeof HART.at;

/** Where each field is in the hart block, in bytes. */
export const FIELD = HART.at;

/** Bytes of a hart block. */
export const HART_BYTES = HART.bytes;

/** Why `run` returned. */
export const EXIT = {
  /** Fuel used up, or the exit-request word was set. */
  yield: 0,
  /** With `hsHost`: a trap to HS-mode was taken; scause, sepc, stval, htval, htinst tell. */
  trap: 1,
  /** WFI with nothing pending: the hart sleeps until an interrupt is pending. */
  wait: 2,
  /** The hart has come to a point of a debugger. */
  debug: 3,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/**
 * An entry of the software TLB: a tag (guest-virtual page address | key << 3, 0 = empty) and a datum. The key names the
 * context (address space, privilege, SUM, ...) for which the translation holds, so that changing context flushes
 * nothing. For loads and stores the datum is added to the low 32 bits of the virtual address and gives the address
 * in linear memory; for fetches it is the first slot of the decoded page.
 */
export const TLB_ENTRY = struct({ tag: halves, datum: i32 });

/**
 * Entries of each table; a power of two, for 64 MiB: with 4096, what goes through more memory than 16 MiB at random
 * takes twice as long, and smaller tables make nothing faster.
 */
const TLB_ENTRIES = 16384;

/** The three direct-mapped tables of the software TLB. */
export const TLB_TABLES = struct({
  loads: array(TLB_ENTRY, TLB_ENTRIES),
  stores: array(TLB_ENTRY, TLB_ENTRIES),
  fetches: array(TLB_ENTRY, TLB_ENTRIES),
});

/** The software TLB. */
export const TLB = {
  ...TLB_TABLES.at,
  bytes: TLB_TABLES.bytes,
  entries: TLB_ENTRIES,
  entryBytes: TLB_ENTRY.bytes,
  /** Keys are 9 bits: 1..511. */
  keyShift: 3,
  lastKey: 511,
} as const;

/**
 * Instructions: fewer behind a region that the interpreter had to help are not worth another region, which would cost
 * as much to enter. Mostly they are the rest of a loop's turn, when the loop comes to a page that is not in the TLB.
 */
export const SHORT_STRETCH = 16;
