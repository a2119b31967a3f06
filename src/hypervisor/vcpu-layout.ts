import { CSRS, MOST_VLENB } from '../hart/layout.ts';
import { VCPU_BLOCK } from '../interrupts/words.ts';
import { align, array, f64, halves, i32, i64, row, struct, u8 } from '../layout/struct.ts';
import { FIRMWARE } from './firmware-state.ts';

const CACHE_LINE = 64;

/** Counters that only the pCPU counts that has the vCPU loaded. */
const OWN_STATS = [
  'instructions',
  'exits',
  'exitYield',
  'exitSbi',
  'exitWfi',
  'exitVirtual',
  'exitOther',
  'flushedSoft',
  'flushedTimer',
  'flushedExternal',
  'deliveredSoft',
  'deliveredTimer',
  'deliveredExternal',
  'sleeps',
  'loads',
  'migrations',
] as const;

/**
 * Counters that any thread counts: software interrupts set for the vCPU, and kicks, whether they found it asleep or
 * not.
 */
const SHARED_STATS = ['setSoft', 'kicks'] as const;

export type OwnStat = (typeof OWN_STATS)[number];
export type SharedStat = (typeof SHARED_STATS)[number];
export type Stat = OwnStat | SharedStat;

/** All counters of a vCPU. */
export const STAT: readonly Stat[] = [...OWN_STATS, ...SHARED_STATS];

const OWN = row(f64, OWN_STATS);
const SHARED = row(i32, SHARED_STATS);

/** Place of each counter of the owner in their view. */
export const OWN_STAT = OWN.index;
/** Place of each shared counter in their view. */
export const SHARED_STAT = SHARED.index;

/** The guest's state of a vCPU besides its CSRs; zero before the vCPU is started. */
export const GUEST = struct({
  /** x1..x31 at their register's place, pc in place of x0. */
  x: array(halves, 32),
  f: array(halves, 32),
  fflags: i32,
  frm: i32,
  privilege: i32,
  /** Vector state as a hart has it. */
  vstart: i32,
  vl: i32,
  vtype: i32,
  vxrm: i32,
  vxsat: i32,
  v: align(CACHE_LINE, array(u8, 32 * MOST_VLENB)),
  /** 1: it has executed WFI (or a suspend call), and goes on only with an interrupt pending. */
  waiting: i32,
  /** Exceptions since its last instruction. */
  sinceProgress: i32,
  /** The first of them. */
  rowCause: i32,
  rowPc: halves,
});

/**
 * The shared area of one vCPU in linear memory: the words of interrupts/, then its hypervisor's state between runs. The
 * area is aligned to 64.
 *
 * Everything behind the interrupt words belongs to the thread that may touch the vCPU in its present run state (the
 * pCPU that has it loaded, or the one that starts a stopped one) and is handed over with that state.
 */
export const VCPU = struct({
  interrupts: VCPU_BLOCK,
  /** Number of the pCPU that had it loaded last, plus 1; 0 = none yet. */
  lastPcpu: i32,
  /** HSM state as the SBI names it. */
  hsm: i32,
  /** Where it starts, and the value for a1. */
  startAddress: halves,
  startArgument: halves,
  /** Timer deadline in ticks, for the watch over sleeping vCPUs; all ones = none. */
  deadline: i64,
  guest: align(CACHE_LINE, GUEST),
  csr: align(CACHE_LINE, CSRS),
  stats: align(CACHE_LINE, OWN),
  sharedStats: align(CACHE_LINE, SHARED),
  /** As `firmware-state.ts` describes it. */
  firmware: FIRMWARE,
});

/** Bytes of a vCPU's area. */
export const VCPU_AREA_BYTES = VCPU.bytes;

/** Requests to a vCPU, carried out before it enters its guest. */
export const REQUEST = {
  /** Forget address translations. */
  fence: 1,
  /** Instruction fetches must see all stores made so far. */
  fenceI: 2,
  /** Look for software events to deliver. */
  event: 4,
} as const;

/** HSM states (SBI specification, chapter "Hart State Management Extension"). */
export const HSM = {
  started: 0,
  stopped: 1,
  startPending: 2,
  stopPending: 3,
  suspended: 4,
} as const;
