import { CSR_COUNT } from '../hart/layout.ts';
import { VCPU_BYTES } from '../interrupts/words.ts';

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
  /** fflags, frm, privilege, spare: one word each. */
  words: VCPU_BYTES + 64 + 512,
  csr: VCPU_BYTES + 64 + 512 + 64,
  /** Counters, see stats.ts. */
  stats: VCPU_BYTES + 64 + 512 + 64 + CSR_COUNT * 8,
} as const;

/** Counters of a vCPU, one double each. */
export const STAT = [
  'instructions',
  'exits',
  'exitYield',
  'exitSbi',
  'exitWfi',
  'exitVirtual',
  'exitOther',
  'setSoft',
  'flushedSoft',
  'flushedTimer',
  'flushedExternal',
  'deliveredSoft',
  'deliveredTimer',
  'deliveredExternal',
  'kicks',
  'sleeps',
  'loads',
  'migrations',
] as const;
export type Stat = (typeof STAT)[number];

/** Bytes of a vCPU's area. */
export const VCPU_AREA_BYTES = (VCPU.stats + STAT.length * 8 + 63) & -64;

/** Requests to a vCPU, carried out before it enters its guest. */
export const REQUEST = {
  /** Forget address translations. */
  fence: 1,
  /** Instruction fetches must see all stores made so far. */
  fenceI: 2,
} as const;

/** HSM states (SBI specification, chapter "Hart State Management Extension"). */
export const HSM = {
  started: 0,
  stopped: 1,
  startPending: 2,
  stopPending: 3,
  suspended: 4,
} as const;
