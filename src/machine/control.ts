import { Sleep, wakeSleepers } from '../hypervisor/sleep.ts';
import { array, f64, i32, struct } from '../layout/struct.ts';

/** I/O threads of a machine at most. */
const MOST_LANES = 32;

/** Whether a machine runs and how it ended, where its threads stand, and when its time began. */
export const CONTROL = struct({
  ended: i32,
  reason: i32,
  code: i32,
  notices: i32,
  pause: i32,
  standing: i32,
  /** How often the threads that stand were asked for their state. */
  asks: i32,
  /** Of each I/O thread. */
  io: array(i32, MOST_LANES),
  ioSleepers: array(i32, MOST_LANES),
  startedAt: f64,
});

const WORD = CONTROL.word;

/** Bytes of the control block. */
export const CONTROL_BYTES = CONTROL.bytes;

/** How a machine came to its end. */
export const END = {
  powerOff: 1,
  reboot: 2,
  failure: 3,
  /** The host stopped it. */
  stopped: 4,
  /** The guest can make no progress: its trap handler itself cannot be reached. */
  stuck: 5,
  /** Compiled and interpreted code do not do the same. */
  differs: 6,
} as const;
export type EndReason = (typeof END)[keyof typeof END];

/** The most notices for people that a guest can cause; the others are counted only. */
export const MOST_NOTICES = 10;
const COUNTED_NOTICES = 2 ** 30;

/**
 * The life of a machine, agreed upon by all its threads: it runs, is paused, and ends, for the first of several
 * reasons.
 */
export class Control {
  readonly #words: Int32Array;
  readonly #startedAt: Float64Array;
  /** The last of the asks that this thread has answered. */
  #answered = 0;

  constructor(memory: WebAssembly.Memory, address: number) {
    this.#words = CONTROL.over(memory.buffer, address);
    this.#startedAt = CONTROL.view('startedAt', memory.buffer, address);
  }

  /** False once the machine has ended; a machine that is paused runs. */
  get running(): boolean {
    // Meets the exchange in `end`.
    return Atomics.load(this.#words, WORD.ended) === 0;
  }

  /** Ends the machine. @returns false if it had ended already, for another reason */
  end(reason: EndReason, code = 0): boolean {
    // Meets itself: one of several reasons wins, and the loads in `reason` and `code` come after the winner's stores.
    if (Atomics.compareExchange(this.#words, WORD.reason, 0, reason) !== 0) return false;
    Atomics.store(this.#words, WORD.code, code);
    // Meets the load in `running`.
    Atomics.store(this.#words, WORD.ended, 1);
    // Both meet the waits for a pause to begin and to be over, which the end is, too.
    Atomics.notify(this.#words, WORD.standing);
    Atomics.notify(this.#words, WORD.pause);
    this.#wakeAllIo();
    return true;
  }

  /**
   * Shared time in milliseconds at which guest time was 0, moved on by each pause. Written by the owner while no thread
   * works for the guest: before they start, and before {@link resume}.
   */
  get startedAt(): number {
    return this.#startedAt[0];
  }

  set startedAt(milliseconds: number) {
    this.#startedAt[0] = milliseconds;
  }

  /** Threads are to leave their guest, and to go to {@link stand}. */
  get pausing(): boolean {
    // Meets the store in `pause` and the one in `resume`.
    return (Atomics.load(this.#words, WORD.pause) & 1) !== 0;
  }

  /**
   * For a thread that is outside its guest: stands still while the machine is paused.
   *
   * @param answer gives the thread's state, when it is asked for that; it does not count as standing meanwhile
   * @returns whether it stood, and {@link startedAt} has to be read anew
   */
  stand(answer?: () => void): boolean {
    let stood = false;
    for (;;) {
      const pause = Atomics.load(this.#words, WORD.pause);
      if ((pause & 1) === 0 || !this.running) return stood;
      stood = true;
      this.#answer(answer);
      // Meets the loads in `allStand`.
      Atomics.add(this.#words, WORD.standing, 1);
      Atomics.notify(this.#words, WORD.standing);
      // Meets the notifies in `resume` and `end`.
      while (Atomics.load(this.#words, WORD.pause) === pause && this.running) {
        Atomics.wait(this.#words, WORD.pause, pause, LONGEST_STAND_MS);
      }
      // Before the next look at `pause`: a thread that is counted and sees another pause begin stands again without
      // entering.
      Atomics.sub(this.#words, WORD.standing, 1);
    }
  }

  #answer(answer: (() => void) | undefined): void {
    // Meets the add in `ask`.
    const asks = Atomics.load(this.#words, WORD.asks);
    if (answer === undefined || asks === this.#answered) return;
    this.#answered = asks;
    answer();
  }

  /**
   * Asks the threads that stand for their state: each answers, and stands again. For the owner of a paused machine,
   * which waits for {@link allStand} then.
   */
  ask(): void {
    // Meets the load in `#answer`.
    Atomics.add(this.#words, WORD.asks, 1);
    // Meets the loads in `stand`, and leaves the machine paused: the lowest bit says so.
    Atomics.add(this.#words, WORD.pause, 2);
    Atomics.notify(this.#words, WORD.pause);
  }

  /** For a thread that is outside its guest: waits for so many milliseconds, or until a pause or the end. */
  rest(milliseconds: number): void {
    const pause = Atomics.load(this.#words, WORD.pause);
    if ((pause & 1) !== 0 || !this.running) return;
    // Meets the notifies in `pause` and `end`.
    Atomics.wait(this.#words, WORD.pause, pause, milliseconds);
  }

  /** Makes an I/O thread look around: there is work, a pause or the end. @param lane its number */
  wakeIo(lane: number): void {
    wakeSleepers(this.#words, WORD.io + lane, WORD.ioSleepers + lane);
  }

  /** The sleep of an I/O thread. @param lane its number */
  ioSleep(lane: number): Sleep {
    return new Sleep(this.#words, WORD.io + lane, WORD.ioSleepers + lane);
  }

  #wakeAllIo(): void {
    for (let lane = 0; lane < MOST_LANES; lane++) this.wakeIo(lane);
  }

  /** Begins a pause; threads with harts are woken by the caller. For the owner, while the machine is not paused. */
  pause(): void {
    // Meets the loads in `pausing` and `stand`.
    Atomics.add(this.#words, WORD.pause, 1);
    // Meets the wait in `rest`.
    Atomics.notify(this.#words, WORD.pause);
    this.#wakeAllIo();
  }

  /** Waits until so many threads stand still. @returns false if the machine ended, or the pause was over, before */
  async allStand(threads: number): Promise<boolean> {
    for (;;) {
      // Meets the add in `stand`.
      const standing = Atomics.load(this.#words, WORD.standing);
      if (!this.running || !this.pausing) return false;
      if (standing >= threads) return true;
      await Atomics.waitAsync(this.#words, WORD.standing, standing, LONGEST_STAND_MS).value;
    }
  }

  /** Ends a pause. For the owner. */
  resume(): void {
    // Meets the loads in `pausing` and `stand`.
    Atomics.add(this.#words, WORD.pause, 1);
    Atomics.notify(this.#words, WORD.pause);
    Atomics.notify(this.#words, WORD.standing);
  }

  /** Counts a notice for people. @returns whether it may be sent: one of the first {@link MOST_NOTICES} */
  countNotice(): boolean {
    // Both meet each other on other threads, and the load in `unsentNotices`. The count stops long before it would
    // wrap.
    if (Atomics.load(this.#words, WORD.notices) >= COUNTED_NOTICES) return false;
    return Atomics.add(this.#words, WORD.notices, 1) < MOST_NOTICES;
  }

  /** Notices that were not sent. */
  get unsentNotices(): number {
    // Meets the add in `countNotice`.
    return Math.max(0, Atomics.load(this.#words, WORD.notices) - MOST_NOTICES);
  }

  get reason(): EndReason | 0 {
    return Atomics.load(this.#words, WORD.reason) as EndReason | 0;
  }

  get code(): number {
    return Atomics.load(this.#words, WORD.code);
  }
}

/** A thread that waits looks again after this time, in milliseconds; nothing depends on it. */
const LONGEST_STAND_MS = 60_000;
