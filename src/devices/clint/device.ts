import type { Halves } from '../../layout/halves.ts';
import type { AccessWidth, Clock } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { CLINT } from './facts.ts';
import { MAP } from './registers.ts';
import { clintWords, HART, WORD } from './words.ts';

const TWO_32 = 2 ** 32;

/** The wires of the device. */
export interface ClintWiring {
  readonly harts: number;
  readonly clock: Clock;
  /**
   * {@link Clint.softPending}, {@link Clint.timerPending} or {@link Clint.deadline} of a hart may have changed.
   * Called after the words are written, outside the device's lock, on the thread that made the access.
   */
  onChange(hart: number): void;
}

/**
 * The core-local interruptor of a bare machine: software interrupts between harts and the machine timer.
 *
 * MTIP is not stored: it is `mtime >= mtimecmp`, computed when asked for, in 64-bit unsigned arithmetic.
 */
export class Clint extends SharedDevice {
  readonly name = 'clint';
  readonly size = CLINT.size;
  readonly widths = 4 | 8;
  readonly #harts: number;
  readonly #clock: Clock;
  readonly #onChange: (hart: number) => void;
  /** Scratch of this thread, so that no access allocates. */
  readonly #now: Halves = { low: 0, high: 0 };

  /** Shared words for so many harts. */
  static wordsFor(harts: number): number {
    return clintWords(harts);
  }

  /**
   * @param words - `Clint.wordsFor(harts)` shared words
   * @throws RangeError unless there are 1 to 4095 harts
   */
  constructor(words: Int32Array, wiring: ClintWiring) {
    const { harts } = wiring;
    if (!Number.isInteger(harts) || harts < 1 || harts > CLINT.maxHarts) {
      throw new RangeError(`A CLINT serves 1 to ${CLINT.maxHarts} harts, not ${harts}`);
    }
    super(words, clintWords(harts), 'clint');
    this.#harts = harts;
    this.#clock = wiring.clock;
    this.#onChange = (hart) => wiring.onChange(hart);
  }

  /** True while a hart's machine software interrupt is raised. */
  softPending(hart: number): boolean {
    return this.#load(this.#hartWord(hart) + HART.MSIP) !== 0;
  }

  /** True while mtime has reached a hart's mtimecmp. Takes no lock as a rule. */
  timerPending(hart: number): boolean {
    const version = this.guard.version();
    const due = this.#due(hart);
    return this.guard.stillAt(version) ? due : this.guard.locked(() => this.#due(hart));
  }

  /**
   * The time at which {@link timerPending} becomes true, in ticks of the clock (not of mtime, which the guest may set):
   * at or before now if it is true already, Infinity if that is 2^53 ticks away or more. Time that passes does not move
   * it: a hart that has looked at the clock before sees one that has passed as such.
   */
  deadline(hart: number): number {
    const version = this.guard.version();
    const ticks = this.#deadline(hart);
    return this.guard.stillAt(version) ? ticks : this.guard.locked(() => this.#deadline(hart));
  }

  /** The guest's counter, as the `time` CSR of a bare machine shows it. */
  readTime(into: Halves): void {
    const version = this.guard.version();
    this.#time(into);
    if (!this.guard.stillAt(version)) this.guard.locked(() => this.#time(into));
  }

  read(offset: number, _width: AccessWidth): number {
    const into: Halves = { low: 0, high: 0 };
    if (offset < MAP.MTIMECMP) {
      const hart = offset >> 2;
      return hart < this.#harts ? this.#load(this.#hartWord(hart) + HART.MSIP) : 0;
    }
    this.read64(offset & ~7, into);
    return (offset & 4) === 0 ? into.low : into.high;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    if (offset < MAP.MTIMECMP) {
      this.#setSoft(offset >> 2, value & 1);
      return;
    }
    const low = (offset & 4) === 0;
    this.#write(offset & ~7, low ? value : undefined, low ? undefined : value);
  }

  read64(offset: number, into: Halves): void {
    into.low = 0;
    into.high = 0;
    if (offset === MAP.MTIME) {
      this.readTime(into);
    } else if (offset < MAP.MTIMECMP) {
      into.low = this.read(offset, 4);
      into.high = this.read(offset + 4, 4);
    } else if (offset < MAP.END) {
      const hart = (offset - MAP.MTIMECMP) >> 3;
      if (hart < this.#harts) this.guard.locked(() => this.#compare(hart, into));
    }
  }

  write64(offset: number, low: number, high: number): void {
    if (offset < MAP.MTIMECMP) {
      this.#setSoft(offset >> 2, low & 1);
      this.#setSoft((offset >> 2) + 1, high & 1);
    } else {
      this.#write(offset, low, high);
    }
  }

  /** Nothing: harts ask for their levels. */
  protected override driveOutputs(): void {}

  protected override afterReplacement(): void {
    this.#tellAll();
  }

  #tellAll(): void {
    for (let hart = 0; hart < this.#harts; hart++) this.#onChange(hart);
  }

  #hartWord(hart: number): number {
    return WORD.HARTS + hart * HART.WORDS;
  }

  #load(index: number): number {
    // Counterpart: the stores in #store, and the exchange in #setSoft.
    return Atomics.load(this.words, index);
  }

  #store(index: number, value: number): void {
    // Counterpart: the loads in #load of readers without the lock.
    Atomics.store(this.words, index, value | 0);
  }

  #setSoft(hart: number, value: number): void {
    if (hart >= this.#harts) return;
    // Counterpart: the load in softPending, which the hart makes after it was told.
    if (Atomics.exchange(this.words, this.#hartWord(hart) + HART.MSIP, value) !== value) this.#onChange(hart);
  }

  /** Writes one half or both of mtime or of an mtimecmp; an undefined half keeps its value. */
  #write(offset: number, low: number | undefined, high: number | undefined): void {
    if (offset === MAP.MTIME) {
      this.guard.change(() => this.#setTime(low, high));
      this.#tellAll();
      return;
    }
    const hart = (offset - MAP.MTIMECMP) >> 3;
    if (hart >= this.#harts || offset >= MAP.END) return;
    const base = this.#hartWord(hart);
    this.guard.change(() => {
      if (low !== undefined) this.#store(base + HART.NEVER_LO, ~low);
      if (high !== undefined) this.#store(base + HART.NEVER_HI, ~high);
    });
    this.#onChange(hart);
  }

  #setTime(low: number | undefined, high: number | undefined): void {
    const ticks = this.#clock.ticks();
    this.#timeAt(ticks, this.#now);
    const newLo = low ?? this.#now.low;
    const newHi = high ?? this.#now.high;
    const offsetLo = newLo - (ticks >>> 0);
    const borrow = offsetLo < 0 ? 1 : 0;
    this.#store(WORD.OFFSET_LO, offsetLo);
    this.#store(WORD.OFFSET_HI, newHi - Math.floor(ticks / TWO_32) - borrow);
  }

  #time(into: Halves): void {
    this.#timeAt(this.#clock.ticks(), into);
  }

  #timeAt(ticks: number, into: Halves): void {
    const low = (ticks >>> 0) + (this.#load(WORD.OFFSET_LO) >>> 0);
    const carry = low >= TWO_32 ? 1 : 0;
    into.low = low >>> 0;
    into.high = (Math.floor(ticks / TWO_32) + this.#load(WORD.OFFSET_HI) + carry) >>> 0;
  }

  #compare(hart: number, into: Halves): void {
    const base = this.#hartWord(hart);
    into.low = ~this.#load(base + HART.NEVER_LO) >>> 0;
    into.high = ~this.#load(base + HART.NEVER_HI) >>> 0;
  }

  #due(hart: number): boolean {
    const base = this.#hartWord(hart);
    const high = ~this.#load(base + HART.NEVER_HI) >>> 0;
    const now = this.#now;
    this.#time(now);
    return now.high > high || (now.high === high && now.low >= ~this.#load(base + HART.NEVER_LO) >>> 0);
  }

  #deadline(hart: number): number {
    const base = this.#hartWord(hart);
    const ticks = this.#clock.ticks();
    const now = this.#now;
    this.#timeAt(ticks, now);
    const low = (~this.#load(base + HART.NEVER_LO) >>> 0) - now.low;
    const high = (~this.#load(base + HART.NEVER_HI) >>> 0) - now.high;
    // Both differences are exact, and so is the sum wherever it stays below 2^53.
    const away = high * TWO_32 + low;
    const at = ticks + away;
    return away > 0 && at >= Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : at;
  }
}
