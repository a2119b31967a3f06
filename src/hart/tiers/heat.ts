import type { CompileOptions } from '../../jit/index.ts';

/** Samples after which the code at a slot is compiled. */
const THRESHOLD = 512;
/** So many times as often: then it is compiled again, with all that it leads to. */
const DEEP = 3;
/**
 * After so many samples for each of the threshold, half of the counts is forgotten: otherwise all code that ever runs
 * is compiled in the end, and machine code takes more and more memory.
 */
const PERIOD = 2048;
/**
 * Samples of a slot that was hot before: until then the interpreter has met most of the code around it, which is left
 * out of regions otherwise.
 */
const KNOWN = 32;
/** Counters of samples; slots share them. */
const COUNTERS = 1 << 14;

export type Depth = CompileOptions['depth'];

/** How often samples have met the code at each slot, and when it is compiled for that. */
export class Heat {
  readonly #samples = new Uint16Array(COUNTERS);
  /** Samples after which code is compiled. */
  readonly threshold: number;
  readonly #deep: number;
  #untilCooling: number;

  /** @param threshold samples after which code is compiled */
  constructor(threshold = THRESHOLD) {
    this.threshold = threshold;
    this.#deep = DEEP * threshold;
    this.#untilCooling = PERIOD * threshold;
  }

  /** Another sample is taken. @returns whether half of them has been forgotten now, after a period */
  pass(): boolean {
    if (--this.#untilCooling > 0) return false;
    this.#untilCooling = PERIOD * this.threshold;
    for (let counter = 0; counter < COUNTERS; counter++) this.#samples[counter] >>= 1;
    return true;
  }

  /** Code that begins at a slot is not compiled again, however often samples meet it. */
  isSpent(slot: number): boolean {
    return this.#samples[counterOf(slot)] >= this.#deep;
  }

  /** Counts a sample of a slot. @returns how to compile the code that begins there, if that is due now */
  warm(slot: number): Depth | undefined {
    const counter = counterOf(slot);
    const samples = this.#samples[counter];
    if (samples >= this.#deep) return undefined;
    this.#samples[counter] = samples + 1;
    if (samples + 1 === this.threshold) return 'shallow';
    return samples + 1 === this.#deep ? 'deep' : undefined;
  }

  /** The next sample of a slot makes it due. */
  expect(slot: number, depth: Depth): void {
    this.#samples[counterOf(slot)] = (depth === 'deep' ? this.#deep : this.threshold) - 1;
  }

  /** A slot was hot in the life of another hart: few samples make it due. */
  hasten(slot: number, depth: Depth): void {
    const due = depth === 'deep' ? this.#deep : this.threshold;
    const counter = counterOf(slot);
    this.#samples[counter] = Math.max(this.#samples[counter], due - Math.min(KNOWN, due));
  }

  /** Forgets the samples of a slot. */
  forget(slot: number): void {
    this.#samples[counterOf(slot)] = 0;
  }
}

function counterOf(slot: number): number {
  return (Math.imul(slot >> 3, 0x9e37_79b1) >>> 18) & (COUNTERS - 1);
}
