import { CSR_COUNT } from '../hart/layout.ts';
import { VCPU_BYTES } from '../interrupts/words.ts';
import { FIRMWARE_BYTES } from './firmware-state.ts';

/**
 * The shared area of one vCPU in linear memory: the words of interrupts/, then what its hypervisor keeps between runs.
 * Offsets in bytes from the area's start; the area is aligned to 64.
 *
 * Everything behind the interrupt words belongs to whoever may touch the vCPU in its present run state (the pCPU that
 * has it loaded, or the one that starts a stopped one) and is handed over with that state.
 */
export const VCPU = {
  interrupts: 0,
  /** Number of the pCPU that had it loaded last, plus 1; 0 = none yet. */
  lastPcpu: VCPU_BYTES,
  /** HSM state as the SBI names it (i32). */
  hsm: VCPU_BYTES + 4,
  /** Where it starts: address (two words), and the value for a1 (two words). */
  startAddress: VCPU_BYTES + 8,
  startArgument: VCPU_BYTES + 16,
  /** Timer deadline in ticks as an i64, for those who watch over sleeping vCPUs; all ones = none. */
  deadline: VCPU_BYTES + 24,
  /** x1..x31 at their register's place, pc in place of x0. */
  x: VCPU_BYTES + 64,
  f: VCPU_BYTES + 64 + 256,
  /** Words at {@link VCPU_WORD}. */
  words: VCPU_BYTES + 64 + 512,
  csr: VCPU_BYTES + 64 + 512 + 64,
  /** Counters of the owner, one double each in the order of {@link OWN_STATS}. */
  stats: VCPU_BYTES + 64 + 512 + 64 + CSR_COUNT * 8,
  /** Counters of everybody, one 32-bit word each in the order of {@link SHARED_STATS}. */
  sharedStats: VCPU_BYTES + 64 + 512 + 64 + CSR_COUNT * 8 + 128,
} as const;

/** Places of 32-bit words from {@link VCPU.words} on. */
export const VCPU_WORD = {
  fflags: 0,
  frm: 1,
  privilege: 2,
  /** 1: it has executed WFI (or a suspend call), and goes on only with an interrupt pending. */
  waiting: 3,
  /** Exceptions since its last instruction. */
  barren: 4,
  /** The first of them: cause and two words of pc. */
  barrenCause: 5,
  barrenPc: 6,
} as const;

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

/** Counters that any thread counts: software interrupts set for the vCPU, and kicks, whether they found it asleep or not. */
const SHARED_STATS = ['setSoft', 'kicks'] as const;

export type OwnStat = (typeof OWN_STATS)[number];
export type SharedStat = (typeof SHARED_STATS)[number];
export type Stat = OwnStat | SharedStat;

/** All counters of a vCPU. */
export const STAT: readonly Stat[] = [...OWN_STATS, ...SHARED_STATS];

function places<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.freeze(Object.fromEntries(names.map((name, index) => [name, index]))) as Record<Name, number>;
}

/** Where each counter of the owner is, counted in doubles. */
export const OWN_STAT = places(OWN_STATS);
/** Where each shared counter is, counted in 32-bit words. */
export const SHARED_STAT = places(SHARED_STATS);

/** Where the state of a vCPU is that `firmware-state.ts` describes. */
export const VCPU_FIRMWARE = VCPU.sharedStats + 64;

/** Bytes of a vCPU's area. */
export const VCPU_AREA_BYTES = VCPU_FIRMWARE + FIRMWARE_BYTES;

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
