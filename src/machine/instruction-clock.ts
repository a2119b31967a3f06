import type { Clock } from '../devices/device.ts';
import { Sleep } from '../hypervisor/sleep.ts';
import { NANOSECONDS_PER_TICK, TICKS_PER_MS } from '../time/ticks.ts';

/** Instructions that take one tick: 100 million a second. */
const PER_TICK = 10;
/** Guests under this clock are started at 2026-01-01T00:00:00Z. */
const EPOCH_NANOSECONDS = 1_767_225_600_000_000_000n;

/**
 * Guest time that goes by the instructions that the machine's only hart has retired, so that a machine does the same
 * each time that it is run. Sleep takes no time at all: {@link skip} moves the clock on.
 */
export class InstructionClock implements Clock {
  #instructions: () => number = () => 0;
  #skipped = 0;

  /** @param instructions that the hart has retired so far */
  follow(instructions: () => number): void {
    this.#instructions = instructions;
  }

  /** A pause takes no instructions, and so no time. */
  restart(): void {}

  ticks(): number {
    return Math.floor(this.#instructions() / PER_TICK) + this.#skipped;
  }

  /** Lets time pass, in milliseconds, rounded up to a tick. */
  skip(milliseconds: number): void {
    this.#skipped += Math.ceil(Math.max(milliseconds, 0) * TICKS_PER_MS);
  }

  wallNanoseconds(): bigint {
    return EPOCH_NANOSECONDS + BigInt(this.ticks() * NANOSECONDS_PER_TICK);
  }
}

/** The longest sleep that is skipped, in milliseconds: a longer sleep waits for input, not for time. */
const LONGEST_SKIP = 59_999;

/** The sleep of a thread that skips the time until there is something to do. */
export class SkippingSleep extends Sleep {
  readonly #clock: InstructionClock;

  constructor(words: Int32Array, sequence: number, sleepers: number, clock: InstructionClock) {
    super(words, sequence, sleepers);
    this.#clock = clock;
  }

  override until(sequence: number, milliseconds: number, punctual = true): boolean {
    if (this.sequence !== sequence) return true;
    if (milliseconds > LONGEST_SKIP) return super.until(sequence, milliseconds, punctual);
    this.#clock.skip(milliseconds);
    return false;
  }
}
