import { RingWriter, type TracePlace } from './ring.ts';
import { KIND, LEAVE } from './words.ts';

/** Looked up once: the global object has it behind a getter. */
const clock = performance;

const NANOSECONDS_PER_MS = 1e6;

/** Why a vCPU has left its guest, or a bare hart its code. Numbers in records; the words are in `names.ts`. */
export const STAY_END = {
  /** Its time is over, or another thread has asked for it. */
  yield: 0,
  wfi: 1,
  sbi: 2,
  virtual: 3,
  trap: 4,
  /** A bare hart has executed WFI with nothing pending. */
  wait: 5,
} as const;

/** Modes that take interrupts, as records have them. */
export const MODE_NUMBERS = { M: 0, HS: 1, VS: 2 } as const;

export type StayEnd = (typeof STAY_END)[keyof typeof STAY_END];

/** The role of a thread's ring: it decides which tracks its records go to. */
export type RingRole =
  | { readonly kind: 'pcpu' | 'hart' | 'io'; readonly index: number }
  | { readonly kind: 'owner' };

/**
 * Writes the events of a thread into its ring. Each call costs one clock, if it is not given the time, and one atomic
 * store. A thread that is not traced has no recorder.
 */
export class Recorder {
  readonly #ring: RingWriter;
  readonly #clockOffset: number;

  /** @param clockOffset milliseconds to add to this thread's `performance.now()` for the time that all threads share */
  constructor(place: TracePlace, ring: number, clockOffset: number) {
    this.#ring = new RingWriter(place, ring);
    this.#clockOffset = clockOffset;
  }

  /** Milliseconds of the time that all threads share. */
  now(): number {
    return clock.now() + this.#clockOffset;
  }

  /**
   * A stay in the guest is over.
   *
   * @param began before the flush of its entry
   * @param ended behind its last instruction
   * @param hvipIn HVIP as the flush wrote it, and `hvipOut` as the guest left it; their lowest 16 bits are kept
   * @param end {@link STAY_END}
   * @param detail of the end: SBI extension, or cause; its lowest 24 bits are kept
   */
  stay(
    vcpu: number,
    began: number,
    ended: number,
    hvipIn: number,
    hvipOut: number,
    end: StayEnd,
    detail: number,
    pcLow: number,
    pcHigh: number,
  ): void {
    const hvip = (hvipIn & 0xffff) | (hvipOut << 16);
    this.#ring.write(
      KIND.stay,
      vcpu,
      ended,
      nanoseconds(ended - began),
      hvip,
      end | (detail << 8),
      pcLow,
      pcHigh,
    );
  }

  /** A flush has put these bits into HVIP, which were 0 there. */
  inject(vcpu: number, bits: number): void {
    this.#ring.write(KIND.inject, vcpu, this.now(), bits, 0, 0, 0, 0);
  }

  /**
   * An interrupt is taken.
   *
   * @param cause as the mode that takes it has it in its cause register
   * @param detail of a timer, how late it is in nanoseconds; of an external one, the identity on top of its file, or 0
   */
  taken(
    cpu: number,
    cause: number,
    mode: keyof typeof MODE_NUMBERS,
    detail: number,
    pcLow: number,
    pcHigh: number,
  ): void {
    this.#ring.write(KIND.taken, cpu, this.now(), cause, MODE_NUMBERS[mode], pcLow, pcHigh, detail);
  }

  load(vcpu: number): void {
    this.#ring.write(KIND.load, vcpu, this.now(), 0, 0, 0, 0, 0);
  }

  /**
   * Before the next thread that may touch the vCPU can know of it.
   *
   * @param enabled interrupts that wake it, as bits of HVIP
   */
  leave(vcpu: number, how: keyof typeof LEAVE, enabled = 0): void {
    this.#ring.write(KIND.leave, vcpu, this.now(), LEAVE[how], enabled, 0, 0, 0);
  }

  stayAwake(vcpu: number): void {
    this.#ring.write(KIND.stayAwake, vcpu, this.now(), 0, 0, 0, 0, 0);
  }

  ready(vcpu: number): void {
    this.#ring.write(KIND.ready, vcpu, this.now(), 0, 0, 0, 0, 0);
  }

  /** The thread's pCPU had nothing to do since `began`. */
  idle(began: number): void {
    const now = this.now();
    this.#ring.write(KIND.idle, 0, now, nanoseconds(now - began), 0, 0, 0, 0);
  }

  /** A bare hart has slept since `began`. */
  slept(hart: number, began: number): void {
    const now = this.now();
    this.#ring.write(KIND.slept, hart, now, nanoseconds(now - began), 0, 0, 0, 0);
  }

  /** The timer of a vCPU has another deadline. */
  arm(vcpu: number): void {
    this.#ring.write(KIND.arm, vcpu, this.now(), 0, 0, 0, 0, 0);
  }

  /** Before interrupts announced to a vCPU that has stopped are dropped. */
  restart(vcpu: number): void {
    this.#ring.write(KIND.restart, vcpu, this.now(), 0, 0, 0, 0, 0);
  }

  /** Before an interrupt of a vCPU is set. */
  set(vcpu: number, irq: number): void {
    this.#ring.write(KIND.set, vcpu, this.now(), irq, 0, 0, 0, 0);
  }

  /** Behind it. @param kicked whether that was news to the vCPU */
  setDone(vcpu: number, irq: number, kicked: boolean): void {
    this.#ring.write(KIND.setDone, vcpu, this.now(), irq, kicked ? 1 : 0, 0, 0, 0);
  }

  kick(cpu: number): void {
    this.#ring.write(KIND.kick, cpu, this.now(), 0, 0, 0, 0, 0);
  }

  /** The wire of a source of the interrupt controller has changed. */
  wire(source: number, level: boolean): void {
    this.#ring.write(level ? KIND.raise : KIND.lower, source, this.now(), 0, 0, 0, 0, 0);
  }

  /** A source was claimed for a hart; 0 if there was none to claim. */
  claim(hart: number, source: number): void {
    this.#ring.write(KIND.claim, hart, this.now(), source, 0, 0, 0, 0);
  }

  /** @param file number of the hart's interrupt file */
  message(hart: number, file: number, identity: number): void {
    this.#ring.write(KIND.message, hart, this.now(), identity, file, 0, 0, 0);
  }

  messageClaim(hart: number, file: number, identity: number): void {
    this.#ring.write(KIND.messageClaim, hart, this.now(), identity, file, 0, 0, 0);
  }

  /** A request of a device's queue was carried out since `began`. @param device its number among the machine's */
  request(device: number, queue: number, began: number, head: number, written: number): void {
    const now = this.now();
    this.#ring.write(KIND.request, device, now, nanoseconds(now - began), queue, head, written, 0);
  }

  /** Code was compiled for so many milliseconds, until now. */
  compiled(milliseconds: number, deep: boolean, bytes: number, pcLow: number, pcHigh: number): void {
    const now = this.now();
    this.#ring.write(KIND.compiled, 0, now, nanoseconds(milliseconds), deep ? 1 : 0, bytes, pcLow, pcHigh);
  }
}

/**
 * A span of milliseconds in nanoseconds; one that is longer than a word is long, a sleep of minutes, in microseconds.
 */
export function nanoseconds(milliseconds: number): number {
  const exact = Math.round(milliseconds * NANOSECONDS_PER_MS);
  return exact < 2 ** 31 ? Math.max(0, exact) : -Math.min(2 ** 31, Math.round(milliseconds * 1000));
}

/** The milliseconds of {@link nanoseconds}. */
export function spanOf(word: number): number {
  return word >= 0 ? word / NANOSECONDS_PER_MS : -word / 1000;
}
