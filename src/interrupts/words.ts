import { align, array, i32, struct } from '../layout/struct.ts';

/**
 * The shared block of one vCPU: 32-bit words that producers on any thread and the vCPU's own thread both touch.
 *
 * The block lies in a `SharedArrayBuffer` or a shared `WebAssembly.Memory`, so it is self-contained and starts on a
 * cache line: generated WebAssembly polls {@link EXIT_REQUEST} by its address
 * (`base + 4 * EXIT_REQUEST`), and two vCPUs never share a line.
 *
 * Every access to one of these words is an `Atomics.*` call (or a WebAssembly atomic); a plain `words[i]` is a data
 * race. JavaScript atomics are sequentially consistent, so the comments at the atomics name the access that each of
 * them meets on another thread and need no barriers of their own.
 *
 * A block of zeros is a fresh vCPU: nothing pending, nothing requested, stopped, owned by nobody.
 */
export type VcpuWords = Int32Array<ArrayBufferLike>;

/** A block starts at a multiple of this many bytes: a cache line. */
export const VCPU_ALIGNMENT = 64;

/** Words that only some protocols use. */
const PROTOCOL = struct({
  /** Not zero while a thread is inside the lock of the protocol with a spinlock. */
  lock: i32,
  /** For protocols of a person's own, and those to come. */
  own: array(i32, 15),
});

/** The places of all words. */
export const VCPU_BLOCK = struct({
  /** Two words: the interrupts that producers announced, numbers 0-31 and 32-63. The C name is `irqs_pending`. */
  irqsPending: array(i32, 2),
  /**
   * Two words: which bits of {@link IRQS_PENDING} were written since the last flush. Only the two-bitmap protocols use
   * it.
   */
  irqsPendingMask: array(i32, 2),
  /**
   * Not zero: the thread that runs this vCPU's guest leaves it at the next poll, or only has its hart look at levels
   * that it derives (`nudge` in run-state.ts).
   */
  exitRequest: i32,
  /** One of {@link RunState}. */
  runState: i32,
  /** Work for the vCPU before it enters its guest again, one bit each; the hypervisor gives the bits their meaning. */
  requests: i32,
  /** Counts the times a waker took this vCPU out of `BLOCKED`; a thread that serves one vCPU sleeps on it. */
  wakeSequence: i32,
  /** Counts guest exits, so that a remote fence can tell "left and came back" from "never left". */
  exitCount: i32,
  /** How many threads sleep on {@link EXIT_COUNT}: an exit that nobody waits for makes no notify call. */
  exitWaiters: i32,
  /** 0 when no pCPU has the vCPU loaded, otherwise that pCPU's number + 1. */
  owner: i32,
  /**
   * How many threads sleep on {@link WAKE_SEQUENCE}; only harts of bare machines count, so that a kick need not notify.
   */
  wakeSleepers: i32,
  /** Two words: the owner's cached hvip while the vCPU is not loaded anywhere. */
  savedHvip: array(i32, 2),
  /** On a cache line of its own. */
  protocol: align(VCPU_ALIGNMENT, PROTOCOL),
});

export const {
  irqsPending: IRQS_PENDING,
  irqsPendingMask: IRQS_PENDING_MASK,
  exitRequest: EXIT_REQUEST,
  runState: RUN_STATE,
  requests: REQUESTS,
  wakeSequence: WAKE_SEQUENCE,
  exitCount: EXIT_COUNT,
  exitWaiters: EXIT_WAITERS,
  owner: OWNER,
  wakeSleepers: WAKE_SLEEPERS,
  savedHvip: SAVED_HVIP,
} = VCPU_BLOCK.word;

/** Index of the lock of the protocol with a spinlock. */
export const IRQS_PENDING_LOCK = VCPU_BLOCK.word.protocol + PROTOCOL.word.lock;

/** The first of 15 words that a protocol of a person's own may use. */
export const PROTOCOL_WORDS = VCPU_BLOCK.word.protocol + PROTOCOL.word.own;

/** Length of the block in 32-bit words: two cache lines. */
export const VCPU_WORDS = VCPU_BLOCK.words;

/** Length of the block in bytes. */
export const VCPU_BYTES = VCPU_BLOCK.bytes;

/**
 * The values of {@link RUN_STATE}, and the threads that may leave each state.
 *
 * Only one party at a time may leave `OUTSIDE_GUEST` and `IN_GUEST`, so that party stores; the other states are left
 * by compare-and-exchange because several parties race for them and one of them wins.
 */
export const RunState = {
  /** Not started; interrupts are recorded and do not wake it. Left by the thread that starts it. */
  STOPPED: 0,
  /** On a run queue. Left by the pCPU that takes it from there. */
  RUNNABLE: 1,
  /** Loaded on a pCPU, in the hypervisor. Left by that pCPU. */
  OUTSIDE_GUEST: 2,
  /** Loaded on a pCPU, in its guest or about to be. Left by that pCPU. */
  IN_GUEST: 3,
  /** Asleep in WFI. Left by the first waker, or by the pCPU that put it to sleep when it finds work after all. */
  BLOCKED: 4,
} as const;

export type RunState = (typeof RunState)[keyof typeof RunState];

/**
 * Gives the view of the block that starts at `byteOffset` of `buffer`.
 *
 * @throws RangeError when the block is misaligned or does not fit into the buffer.
 */
export function vcpuWordsAt(buffer: ArrayBufferLike, byteOffset: number): VcpuWords {
  if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset % VCPU_ALIGNMENT !== 0) {
    throw new RangeError(
      `A vCPU's words start at a multiple of ${VCPU_ALIGNMENT} bytes, but byte offset ${byteOffset} was given`,
    );
  }
  if (byteOffset + VCPU_BYTES > buffer.byteLength) {
    throw new RangeError(
      `A vCPU's words need ${VCPU_BYTES} bytes at offset ${byteOffset}, but the buffer has ${buffer.byteLength}`,
    );
  }
  return VCPU_BLOCK.over(buffer, byteOffset);
}

/** Makes a fresh vCPU's words in memory of their own. */
export function createVcpuWords(): VcpuWords {
  return vcpuWordsAt(new SharedArrayBuffer(VCPU_BYTES), 0);
}
