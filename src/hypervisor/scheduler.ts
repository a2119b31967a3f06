import { i32, many, struct } from '../layout/struct.ts';
import { Lock } from '../sync/lock.ts';
import { type NewSleep, Sleep } from './sleep.ts';

/**
 * The run queue of a domain, shared by its pCPUs: numbers of runnable vCPUs in the order in which they became so.
 *
 * A vCPU is in the queue exactly while its run state is RUNNABLE, so the queue never holds more than all of them.
 * An idle pCPU sleeps on SEQUENCE, which counts up with every change that it may have to see. WATCHED is when the idle
 * pCPU that watches the timers wakes up, as the low bits of its ticks, odd; 0 if none does.
 */
const QUEUE = struct({
  ...{ lock: i32, sequence: i32, head: i32, count: i32, sleepers: i32, watched: i32 },
  queue: many(i32),
});
const WORD = QUEUE.word;
/** How long {@link Scheduler.doze} takes, in milliseconds. */
const DOZE = 0.05;

export class Scheduler {
  /** The layout of its words. */
  static readonly STATE = QUEUE;
  readonly #words: Int32Array;
  readonly #vcpus: number;
  readonly #lock: Lock;
  readonly #sleep: Sleep;
  /** vCPUs that this thread has queued and told nobody about; undefined while it tells at once. */
  #untold: number | undefined;

  /** Words of shared memory for so many vCPUs; zero words are an empty queue. */
  static wordsFor(vcpus: number): number {
    return QUEUE.wordsFor(vcpus);
  }

  /** @param newSleep makes the sleep of this thread's pCPU while it is idle */
  constructor(words: Int32Array, vcpus: number, newSleep: NewSleep = (...place) => new Sleep(...place)) {
    this.#words = words;
    this.#vcpus = vcpus;
    this.#lock = new Lock(words, WORD.lock);
    this.#sleep = newSleep(words, WORD.sequence, WORD.sleepers);
  }

  /** Puts a vCPU that has become runnable at the end of the queue and wakes an idle pCPU. */
  enqueue(vcpu: number): void {
    this.#lock.acquire();
    const count = Atomics.load(this.#words, WORD.count);
    const room = count < this.#vcpus;
    if (room) {
      const tail = (Atomics.load(this.#words, WORD.head) + count) % this.#vcpus;
      Atomics.store(this.#words, WORD.queue + tail, vcpu);
      Atomics.store(this.#words, WORD.count, count + 1);
    }
    this.#lock.release();
    if (!room) throw new Error(`vCPU ${vcpu} is queued twice`);
    if (this.#untold === undefined) this.announce(1);
    else this.#untold++;
  }

  /**
   * Queues the vCPUs that `wake` finds, and takes the one that has waited longest, or -1. No idle pCPU is woken for the
   * one that is taken.
   */
  dequeueAfter(wake: () => void): number {
    this.#untold = 0;
    wake();
    const left = this.#untold;
    this.#untold = undefined;
    const vcpu = this.dequeue();
    const others = vcpu < 0 ? left : left - 1;
    if (others > 0) this.announce(others);
    return vcpu;
  }

  /** Takes the vCPU that has waited longest; -1 if none waits. */
  dequeue(): number {
    // A glance without the lock: a vCPU queued just now also moves the sequence, which the caller waits on.
    if (Atomics.load(this.#words, WORD.count) === 0) return -1;
    this.#lock.acquire();
    const count = Atomics.load(this.#words, WORD.count);
    let vcpu = -1;
    if (count > 0) {
      const head = Atomics.load(this.#words, WORD.head);
      vcpu = Atomics.load(this.#words, WORD.queue + head);
      Atomics.store(this.#words, WORD.head, (head + 1) % this.#vcpus);
      Atomics.store(this.#words, WORD.count, count - 1);
    }
    this.#lock.release();
    return vcpu;
  }

  /** Number of vCPUs that wait for a pCPU, a moment ago. */
  get waiting(): number {
    return Atomics.load(this.#words, WORD.count);
  }

  /** Read before looking for work, and given to {@link sleep} when there is none. */
  get sequence(): number {
    return this.#sleep.sequence;
  }

  /** Sleeps until the sequence differs from `sequence`, at most `milliseconds`. */
  sleep(sequence: number, milliseconds: number): void {
    this.#sleep.until(sequence, milliseconds);
  }

  /**
   * Sleeps as {@link sleep} does until `end`, when a timer of a vCPU is due; without an end while another idle pCPU
   * wakes up no later than that. A pCPU that wakes up looks at all timers anew, and takes the watch again or works.
   *
   * @param end in ticks; those of two pCPUs are less than three minutes apart
   * @param milliseconds until then
   */
  sleepUntil(sequence: number, end: number, milliseconds: number): void {
    const mine = end | 1;
    // Meets the store below, on the thread of the pCPU that watches. A word that it takes back behind this look is
    // taken back before it looks at the timers: it sees those that this pCPU knows.
    const watched = Atomics.load(this.#words, WORD.watched);
    if (watched !== 0 && ((watched - mine) | 0) <= 0) {
      this.sleep(sequence, Number.POSITIVE_INFINITY);
      return;
    }
    // Meets the load above. In the place of another pCPU's word, which sleeps no longer than it has said.
    Atomics.store(this.#words, WORD.watched, mine);
    this.sleep(sequence, milliseconds);
    // Meets the load above. The word of another pCPU stays, unless it says the same: then nobody relies on that one.
    Atomics.compareExchange(this.#words, WORD.watched, mine, 0);
  }

  /** Wakes an idle pCPU to watch the timers, if there is one and none does. */
  entrust(): void {
    // Meets the stores of `sleepUntil`: one that is missed costs a wake-up or a little time, and no timer.
    if (Atomics.load(this.#words, WORD.watched) === 0 && this.#sleep.isTaken) this.announce(1);
  }

  /** Leaves the processor of this machine to other threads for a moment. */
  doze(): void {
    // Meets the notify of `announce`, which may end it early; nothing depends on that.
    Atomics.wait(this.#words, WORD.sequence, this.sequence, DOZE);
  }

  /** Makes up to `pcpus` idle pCPUs look around: there is work, or the domain ends. */
  announce(pcpus: number): void {
    this.#sleep.wake(pcpus);
  }
}
