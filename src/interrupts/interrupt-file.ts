/**
 * An interrupt file of an IMSIC: the message-signaled interrupts (MSIs) that arrived for one hart at one privilege
 * level, or for one vCPU, and which of them it takes (AIA specification, "Incoming MSI Controller").
 *
 * Any thread makes identities pending. Everything else is the owner's, the hart or pCPU that has the file: it enables,
 * claims and clears. Each identity is an edge with one bit, which rises by one atomic or and falls by one atomic and,
 * so none is lost or invented. Whether the file asserts its interrupt is evaluated from pending & enabled by the thread
 * that asks, and stored nowhere: two threads that evaluate and then store would overwrite each other's news.
 *
 * Why no kick is missing: a sender sets the bit first and then looks whether the owner takes it; the owner changes the
 * state that it takes first and then looks at the bits. So at least one of the two sees the other.
 */
import { align, array, i32, struct } from '../layout/struct.ts';

/** The words of one interrupt file, each accessed by `Atomics` or WebAssembly atomics only. */
export type FileWords = Int32Array<ArrayBufferLike>;

/** Registers of an interrupt file, as `miselect`, `siselect` and `vsiselect` select them. */
export const FILE_REGISTER = {
  first: 0x70,
  delivery: 0x70,
  threshold: 0x72,
  /** `eip0`, the first of 64. */
  pending: 0x80,
  /** `eie0`, the first of 64. */
  enabled: 0xc0,
  last: 0xff,
} as const;

/** Identities of a file that is made without a number of them. */
const DEFAULT_IDENTITIES = 255;
const LARGEST_IDENTITY = 2047;
const LINE = 64;
const ARRAY_WORDS = (LARGEST_IDENTITY + 1) / 32;

/**
 * The places of all words; there is room for all identities that a file can have, so that they are the same for all
 * files. A block of zeros is a fresh file: nothing pending, nothing enabled, delivery off.
 */
export const FILE_BLOCK = align(
  LINE,
  struct({
    /** Pending bits, which senders write. */
    pending: align(LINE, array(i32, ARRAY_WORDS)),
    /** Enable bits; the owner alone writes these and the rest. */
    enabled: array(i32, ARRAY_WORDS),
    /** 1: the file asserts its interrupt if it has one to deliver. */
    delivery: i32,
    /** Not 0: identities from this one on are not taken. */
    threshold: i32,
  }),
);

const { pending: PENDING, enabled: ENABLED, delivery: DELIVERY, threshold: THRESHOLD } = FILE_BLOCK.word;

/** A 64-bit value that a register is read into. */
interface Value {
  low: number;
  high: number;
}

/** Where generated code finds a file, for its owner. */
export interface FilePlace {
  /** Byte address of the words in their buffer. */
  readonly address: number;
  /** Words of pending bits, and of enable bits. */
  readonly words: number;
}

/** One interrupt file, as one thread sees it. Each thread has its own object on the same words. */
export class InterruptFile {
  readonly words: FileWords;
  /** The largest identity; the smallest is 1. */
  readonly identities: number;
  readonly #count: number;

  /**
   * @param identities 63, 127, 191, ... 2047: one less than a multiple of 64
   * @throws RangeError for any other number, or if there are too few words
   */
  constructor(words: FileWords, identities: number = DEFAULT_IDENTITIES) {
    checkIdentities(identities);
    if (words.length < FILE_BLOCK.words) {
      throw new RangeError(
        `An interrupt file needs ${FILE_BLOCK.words} words, but ${words.length} were given`,
      );
    }
    this.words = words;
    this.identities = identities;
    this.#count = (identities + 1) / 32;
  }

  /**
   * An MSI arrives: a write of `identity` to the file's page. Any thread. Numbers that are no identity of the file are
   * ignored, as the specification wants it.
   *
   * @returns whether the owner needs a kick. If the bit was set before, the sender that set it has seen to that.
   */
  receive(identity: number): boolean {
    if (identity >>> 0 !== identity || identity === 0 || identity > this.identities) return false;
    const index = identity >>> 5;
    const bit = 1 << (identity & 31);
    // Meets the owner's loads in `top`, and its and in `claim` and `#change`.
    const rose = (Atomics.or(this.words, PENDING + index, bit) & bit) === 0;
    return rose && this.takes(identity);
  }

  /** Byte address of the pending bits in the buffer of the words: for code that carries out {@link receive} itself. */
  get pendingAt(): number {
    return this.words.byteOffset + FILE_BLOCK.at.pending;
  }

  /** For generated code that carries out {@link asserts}, {@link top} and {@link claim} itself. */
  get place(): FilePlace {
    return { address: this.words.byteOffset, words: this.#count };
  }

  /** Whether the owner takes an identity now, as a sender sees it that has just set its bit. */
  takes(identity: number): boolean {
    const index = identity >>> 5;
    const bit = 1 << (identity & 31);
    // These three meet the owner's stores in `write`; after one of them it looks at the pending bits itself.
    if ((Atomics.load(this.words, ENABLED + index) & bit) === 0) return false;
    if (Atomics.load(this.words, DELIVERY) === 0) return false;
    const threshold = Atomics.load(this.words, THRESHOLD);
    return threshold === 0 || identity < threshold;
  }

  /** The file's interrupt signal: whether it has something to deliver. Never stored. Any thread. */
  asserts(): boolean {
    // Meets the owner's store in `write`.
    return Atomics.load(this.words, DELIVERY) !== 0 && this.top() !== 0;
  }

  /**
   * The smallest identity that is pending, enabled and below the threshold; 0 if there is none. Delivery does not
   * matter. It was on top at some time during the call.
   */
  top(): number {
    let top = 0;
    // Downwards: others only set bits, so when no smaller one is found afterwards, none was there when this one was
    // found. Upwards, of two MSIs the first could be missed and the second be found.
    for (let index = this.#count - 1; index >= 0; index--) {
      // Meets the or in `receive`.
      const pending = Atomics.load(this.words, PENDING + index);
      if (pending === 0) continue;
      // Meets the owner's changes in `#change`.
      const takes = pending & Atomics.load(this.words, ENABLED + index);
      if (takes !== 0) top = index * 32 + lowestBit(takes);
    }
    // Meets the owner's store in `write`.
    const threshold = top === 0 ? 0 : Atomics.load(this.words, THRESHOLD);
    return threshold === 0 || top < threshold ? top : 0;
  }

  /**
   * Clears the pending bit of the {@link top} identity, or of the one that the same instruction has read as it. Owner.
   *
   * @returns the identity, 0 if there is none
   */
  claim(top: number = this.top()): number {
    // Meets the or in `receive`: an MSI that comes before it is part of the claim, a later one is there anew.
    if (top !== 0) Atomics.and(this.words, PENDING + (top >>> 5), ~(1 << (top & 31)));
    return top;
  }

  /**
   * Reads a register, with 64 bits also the one behind it.
   *
   * @param register number from 0x70 to 0xff ({@link FILE_REGISTER})
   * @returns false if there is no such register: with 64 bits those of arrays have even numbers only
   */
  read(register: number, xlen: 32 | 64, out: Value): boolean {
    out.low = 0;
    out.high = 0;
    if (register < FILE_REGISTER.pending) {
      // Both are the owner's own.
      if (register === FILE_REGISTER.delivery) out.low = Atomics.load(this.words, DELIVERY);
      if (register === FILE_REGISTER.threshold) out.low = Atomics.load(this.words, THRESHOLD);
      return true;
    }
    if (xlen === 64 && (register & 1) !== 0) return false;
    const index = register & 0x3f;
    if (index >= this.#count) return true;
    const at = (register < FILE_REGISTER.enabled ? PENDING : ENABLED) + index;
    // Meets the or in `receive`.
    out.low = Atomics.load(this.words, at);
    if (xlen === 64) this.#readPair(at, out);
    return true;
  }

  /** Both halves as they were at one time: bits only rise meanwhile, so a low half that is the same had no change. */
  #readPair(at: number, out: Value): void {
    for (;;) {
      // Both meet the or in `receive`.
      out.high = Atomics.load(this.words, at + 1);
      const low = Atomics.load(this.words, at);
      if (low === out.low) return;
      out.low = low;
    }
  }

  /**
   * Writes a register that {@link read} knows. Owner.
   *
   * @param oldLow, oldHigh the value that the same instruction has read: only bits in which the new value differs from
   *   it change, so that an MSI between the two is not lost
   */
  write(register: number, xlen: 32 | 64, oldLow: number, oldHigh: number, low: number, high: number): void {
    if (register === FILE_REGISTER.delivery) {
      // Meets the loads in `takes` and `asserts`. The owner looks at the pending bits next.
      Atomics.store(this.words, DELIVERY, low & 1);
    } else if (register === FILE_REGISTER.threshold) {
      // Meets the load in `takes`. The owner looks at the pending bits next.
      Atomics.store(this.words, THRESHOLD, low & LARGEST_IDENTITY);
    } else if (register >= FILE_REGISTER.pending) {
      const index = register & 0x3f;
      if (index >= this.#count) return;
      const base = register < FILE_REGISTER.enabled ? PENDING : ENABLED;
      this.#change(base, index, oldLow, low);
      if (xlen === 64) this.#change(base, index + 1, oldHigh, high);
    }
  }

  #change(base: number, index: number, old: number, value: number): void {
    const legal = index === 0 ? value & ~1 : value;
    const clear = old & ~legal;
    const set = legal & ~old;
    // Both meet, for pending bits, the or in `receive`, and for enable bits, the load in `takes`.
    if (clear !== 0) Atomics.and(this.words, base + index, ~clear);
    if (set !== 0) Atomics.or(this.words, base + index, set);
  }
}

/**
 * Checks a number of identities.
 *
 * @throws RangeError unless it is one less than a multiple of 64, from 63 to 2047
 */
function checkIdentities(identities: number): void {
  const isLegal = Number.isInteger(identities) && identities >= 63 && identities <= LARGEST_IDENTITY;
  if (!isLegal || (identities + 1) % 64 !== 0) {
    throw new RangeError(
      `An interrupt file has 63, 127, 191, ... or 2047 identities, but ${identities} were given`,
    );
  }
}

/** The value of `mtopei`, `stopei` or `vstopei` for an identity: it is its own priority. */
export function topRegister(identity: number): number {
  return (identity << 16) | identity;
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
