/**
 * The threads that sleep in `Atomics.wait`, in the order in which `Atomics.notify` wakes them: first in, first out for
 * each word (ECMAScript, "WaiterList Objects"). Nobody wakes up for no reason there, so neither does anybody here.
 *
 * A limit of time is not measured: a thread that has one may find its time over at any moment while it sleeps. But that
 * is no event that anybody may count on. Where nothing else can move the scenario is judged as if all limits were
 * endless, because a wake-up that only a timeout makes up for is lost.
 */
import { Kind, WaitResult } from './operations.ts';

/** A thread that sleeps, and the word that it sleeps on. */
export interface Sleeper {
  readonly thread: number;
  readonly address: number;
}

/** The sleepers after an operation on them, and its result. */
export interface SleeperStep {
  readonly sleepers: readonly Sleeper[];
  /** For the thread: one of {@link WaitResult}, or how many were woken. */
  readonly result: number;
}

/**
 * Does a `WAIT`, `ASLEEP` or `NOTIFY`.
 *
 * @param value content of the word
 * @param a first operand
 */
export function stepSleepers(
  sleepers: readonly Sleeper[],
  kind: Kind,
  { thread, address }: Sleeper,
  value: number,
  a: number,
): SleeperStep {
  if (kind === Kind.NOTIFY) {
    const woken = sleepers.filter((sleeper) => sleeper.address === address).slice(0, a);
    return { sleepers: sleepers.filter((sleeper) => !woken.includes(sleeper)), result: woken.length };
  }
  if (kind === Kind.WAIT) {
    if (value !== a) return { sleepers, result: WaitResult.DIFFERENT };
    return { sleepers: [...sleepers, { thread, address }], result: WaitResult.SLEEPS };
  }
  const result = isAsleep(sleepers, thread) ? WaitResult.TIMED_OUT : WaitResult.WOKEN;
  return { sleepers: sleepers.filter((sleeper) => sleeper.thread !== thread), result };
}

/** Whether a thread sleeps and has not been woken. */
export function isAsleep(sleepers: readonly Sleeper[], thread: number): boolean {
  return sleepers.some((sleeper) => sleeper.thread === thread);
}

/** Bits of a packed queue for one thread. */
const ENTRY_BITS = 4;
const ENTRY_MASK = (1 << ENTRY_BITS) - 1;
/** The most threads of a scenario that has sleepers: their queue is one number. */
export const MOST_THREADS_WITH_SLEEPERS = 8;

/** Whether a thread is in a queue that {@link packedAfter} keeps. */
export function isPackedIn(queue: number, thread: number): boolean {
  for (let rest = queue; rest !== 0; rest >>>= ENTRY_BITS)
    if ((rest & ENTRY_MASK) === thread + 1) return true;
  return false;
}

/**
 * The same as {@link stepSleepers} on a queue in one number, for the explorer. Threads are sorted by word, so that an
 * order that nobody can tell makes no states of its own.
 *
 * @param wordOf tells which word a thread sleeps on, or is about to
 * @returns the queue and the result
 */
export function packedAfter(
  queue: number,
  kind: Kind,
  thread: number,
  value: number,
  a: number,
  wordOf: (thread: number) => number,
): readonly [queue: number, result: number] {
  if (kind === Kind.NOTIFY) return notifyPacked(queue, wordOf(thread), a, wordOf);
  if (kind === Kind.WAIT) {
    if (value !== a) return [queue, WaitResult.DIFFERENT];
    return [insertPacked(queue, thread, wordOf), WaitResult.SLEEPS];
  }
  if (!isPackedIn(queue, thread)) return [queue, WaitResult.WOKEN];
  return [pack(unpack(queue).filter((other) => other !== thread)), WaitResult.TIMED_OUT];
}

function notifyPacked(
  queue: number,
  word: number,
  most: number,
  wordOf: (thread: number) => number,
): readonly [number, number] {
  if (queue === 0) return [0, 0];
  const threads = unpack(queue);
  const woken = threads.filter((thread) => wordOf(thread) === word).slice(0, most);
  return [pack(threads.filter((thread) => !woken.includes(thread))), woken.length];
}

function insertPacked(queue: number, thread: number, wordOf: (thread: number) => number): number {
  const threads = unpack(queue);
  const word = wordOf(thread);
  const behind = threads.findIndex((other) => wordOf(other) > word);
  return pack(threads.toSpliced(behind < 0 ? threads.length : behind, 0, thread));
}

function unpack(queue: number): number[] {
  const threads: number[] = [];
  for (let rest = queue; rest !== 0; rest >>>= ENTRY_BITS) threads.push((rest & ENTRY_MASK) - 1);
  return threads;
}

function pack(threads: readonly number[]): number {
  return threads.reduceRight((queue, thread) => (queue << ENTRY_BITS) | (thread + 1), 0);
}
