/**
 * Entering and leaving the guest, falling asleep, kicking and requests: all that a vCPU's thread and everybody else
 * agree on through the words of `words.ts`.
 *
 * Three rules carry all of it, all of the form "write mine, then read yours":
 *
 * - Entering: the vCPU publishes `IN_GUEST` and clears the exit request, *then* looks at requests and flushes. Others
 *   write their news (an interrupt, a request) and *then* set the exit request. So news is either seen before
 *   the guest runs, or the exit request is set after it was cleared and the guest leaves at its first poll.
 * - Nudging: others write their news (a level that the hart derives) and *then* ask for a look. The hart takes that
 *   back first, and looks then. So news is either seen by that look, or another one is asked for.
 * - Sleeping: the vCPU publishes `BLOCKED`, *then* looks whether anything is pending. Others write their news and
 *   *then* look whether it is blocked. So at least one of the two sees the other.
 */
import type { RunState as State, VcpuWords } from './words.ts';
import {
  EXIT_COUNT,
  EXIT_REQUEST,
  EXIT_WAITERS,
  REQUESTS,
  RUN_STATE,
  RunState,
  WAKE_SEQUENCE,
} from './words.ts';

/** Bits of `EXIT_REQUEST`. */
const LEAVE = 1;
const LOOK = 2;

/** Puts a vCPU that became runnable on the run queue. */
export type Wake = () => void;

function leave(words: VcpuWords, from: State, to: State): boolean {
  // Meets every other `leave` and the load in `kick`: one party wins the transition.
  return Atomics.compareExchange(words, RUN_STATE, from, to) === from;
}

/** The state as it was a moment ago. Only its owner can rely on it. */
export function runState(words: VcpuWords): State {
  // Meets every write of the run state.
  return Atomics.load(words, RUN_STATE) as State;
}

/** Starts a stopped vCPU. Returns false when it was not stopped; otherwise the caller puts it on a run queue. */
export function startVcpu(words: VcpuWords): boolean {
  return leave(words, RunState.STOPPED, RunState.RUNNABLE);
}

/**
 * Claims a runnable vCPU for the calling pCPU, which took it from a run queue. Returns false when it was not runnable.
 */
export function dispatchVcpu(words: VcpuWords): boolean {
  return leave(words, RunState.RUNNABLE, RunState.OUTSIDE_GUEST);
}

/** Gives a vCPU up while it still has work. The caller has saved it, and puts it on a run queue next. */
export function yieldVcpu(words: VcpuWords): void {
  // Meets the compare-exchange in `dispatchVcpu`, which acquires everything saved before.
  Atomics.store(words, RUN_STATE, RunState.RUNNABLE);
}

/** Stops a vCPU that its pCPU has saved: interrupts stay recorded and wake it no more, only `startVcpu` does. */
export function stopVcpu(words: VcpuWords): void {
  // Meets the compare-exchange in `startVcpu`, which acquires everything saved before.
  Atomics.store(words, RUN_STATE, RunState.STOPPED);
}

/**
 * Publishes that the vCPU is about to run its guest. Flush, the write of HVIP and the entry follow without anything
 * in between, and the exit request is polled from then on.
 *
 * @returns false when requests are waiting: the vCPU is outside its guest as before, takes them and tries again.
 */
export function enterGuest(words: VcpuWords): boolean {
  // Meets the load in `waitUntilOutside`: a thread that made a request either finds us in the guest, or we find its
  // request.
  Atomics.store(words, RUN_STATE, RunState.IN_GUEST);
  // Meets the store in `requestExit`. Cleared before requests and interrupts are read: one that is set later is polled
  // later.
  Atomics.store(words, EXIT_REQUEST, 0);
  if (!hasRequests(words)) {
    return true;
  }
  exitGuest(words);
  return false;
}

/** Whether somebody asked the guest to be left since `enterGuest`. Generated code polls the same word by itself. */
export function exitRequested(words: VcpuWords): boolean {
  // Meets the store in `requestExit`.
  return Atomics.load(words, EXIT_REQUEST) !== 0;
}

/**
 * Publishes that the vCPU has left its guest. Sync follows directly, before anything looks at the vCPU's interrupts.
 */
export function exitGuest(words: VcpuWords): void {
  // Meets the load in `waitUntilOutside`.
  Atomics.store(words, RUN_STATE, RunState.OUTSIDE_GUEST);
  // Meets the first load and the wait in `waitUntilOutside`, which ends when the count differs.
  Atomics.add(words, EXIT_COUNT, 1);
  // Meets the add in `waitUntilOutside`: a waiter counted later finds the new exit count and does not sleep.
  if (Atomics.load(words, EXIT_WAITERS) !== 0) {
    Atomics.notify(words, EXIT_COUNT);
  }
}

/**
 * Publishes that the vCPU sleeps. The caller has saved it, because from here on a waker may hand it to another pCPU;
 * next it looks for pending interrupts and requests, and calls {@link cancelBlock} when there are any.
 */
export function prepareToBlock(words: VcpuWords): void {
  // Meets the load in `kick`: either the check that follows here sees the news, or the kicker sees BLOCKED.
  Atomics.store(words, RUN_STATE, RunState.BLOCKED);
}

/**
 * Takes {@link prepareToBlock} back. Or rather a later one: a vCPU that is blocked now may have been woken, run and put
 * to sleep by others since, so the caller has to load anew the state that it saved.
 *
 * @returns false when a waker was faster: the vCPU is on a run queue and no longer the caller's.
 */
export function cancelBlock(words: VcpuWords): boolean {
  return leave(words, RunState.BLOCKED, RunState.OUTSIDE_GUEST);
}

/**
 * Makes a running guest leave at its next poll, without waking a vCPU that sleeps. Its news are written before.
 */
export function requestExit(words: VcpuWords): void {
  // Meets the store in `enterGuest`, the poll in the guest and the and in `takeLook`. A look that was asked for is part
  // of leaving.
  Atomics.store(words, EXIT_REQUEST, LEAVE);
}

/**
 * Makes the vCPU look at its interrupts and requests soon, wherever it is. Its news are written before.
 *
 * A vCPU that sleeps becomes runnable, and exactly one of all concurrent kickers calls `wake` for it.
 */
export function kick(words: VcpuWords, wake: Wake): void {
  requestExit(words);
  wakeBlocked(words, wake);
}

/**
 * As {@link kick}, where all that the vCPU shall see is a level that its hart derives while the guest runs: the hart
 * looks at its next poll, and the guest need not be left. Its news are written before.
 */
export function nudge(words: VcpuWords, wake: Wake): void {
  // Meets the store in `enterGuest`, behind which the hart looks anyway, the poll in the guest and the and in
  // `takeLook`.
  Atomics.or(words, EXIT_REQUEST, LOOK);
  wakeBlocked(words, wake);
}

/**
 * The poll has found the exit request, within the guest. If nobody wants the guest to be left, the request is taken
 * back, and the hart looks at its interrupts next.
 *
 * @returns false when the guest is to be left, and when nothing was requested at all
 */
export function takeLook(words: VcpuWords): boolean {
  // Meets the or in `nudge` and the store in `requestExit`: a thread that asks after this has the hart poll once more.
  return Atomics.and(words, EXIT_REQUEST, ~LOOK) === LOOK;
}

function wakeBlocked(words: VcpuWords, wake: Wake): void {
  // Meets the store in `prepareToBlock`. Read first: most kicks find a vCPU that does not sleep.
  if (
    Atomics.load(words, RUN_STATE) === RunState.BLOCKED &&
    leave(words, RunState.BLOCKED, RunState.RUNNABLE)
  ) {
    // Meets the load in `wakeSequence` and the wait in `waitForWake`.
    Atomics.add(words, WAKE_SEQUENCE, 1);
    Atomics.notify(words, WAKE_SEQUENCE);
    wake();
  }
}

/** The wake sequence of the moment. A thread that serves this vCPU alone reads it before {@link prepareToBlock}. */
export function wakeSequence(words: VcpuWords): number {
  // Meets the add in `kick`.
  return Atomics.load(words, WAKE_SEQUENCE);
}

/**
 * Sleeps until a kick wakes the blocked vCPU. For a thread that serves this vCPU alone; pCPUs that share vCPUs sleep
 * on their run queue instead.
 *
 * @param sequence the result of {@link wakeSequence} before {@link prepareToBlock}, so that no wake is missed.
 * @param timeoutMs milliseconds, for example until the vCPU's timer deadline; `Infinity` for no limit.
 * @returns whether the vCPU was woken. If not, because its time is over or because the kick before was late with its
 * news, the caller calls {@link cancelBlock}, which may still lose against a waker, and looks again.
 */
export function waitForWake(words: VcpuWords, sequence: number, timeoutMs: number): boolean {
  // Meets the add and the notify in `kick`: returns at once when the sequence has moved already.
  Atomics.wait(words, WAKE_SEQUENCE, sequence, timeoutMs);
  // Both come after the change of the state there, and may come when the vCPU sleeps again already.
  return runState(words) !== RunState.BLOCKED;
}

/**
 * Leaves work for the vCPU to do before it runs its guest again, and makes a running guest leave. A vCPU that sleeps
 * stays asleep: it has no guest running that could notice. A request that shall wake it is followed by {@link kick}.
 *
 * @param bits one or more bits, whose meaning is the hypervisor's.
 */
export function makeRequest(words: VcpuWords, bits: number): void {
  // Meets the loads in `enterGuest` and the exchange in `takeRequests`.
  Atomics.or(words, REQUESTS, bits);
  requestExit(words);
}

/** Whether requests are waiting. */
export function hasRequests(words: VcpuWords): boolean {
  // Meets the or in `makeRequest`.
  return Atomics.load(words, REQUESTS) !== 0;
}

/** Takes all requests at once; the caller carries them out before it enters the guest. */
export function takeRequests(words: VcpuWords): number {
  // Meets the or in `makeRequest`: each bit goes to exactly one taker.
  return hasRequests(words) ? Atomics.exchange(words, REQUESTS, 0) : 0;
}

/**
 * Waits until the vCPU has left the guest that it may be running, after {@link makeRequest}: from then on no
 * instruction of that guest runs before the request is carried out. Remote fences use this.
 *
 * A waiting vCPU is itself outside its guest, so vCPUs that wait for each other all go on.
 *
 * @param timeoutMs milliseconds; a guest polls its exit request every few microseconds, so a second is plenty.
 * @returns false when the guest was still running at the end of that time.
 */
export function waitUntilOutside(words: VcpuWords, timeoutMs: number): boolean {
  // Meets the add in `exitGuest`. Read before the state: any exit after this read is one after the request.
  const exits = Atomics.load(words, EXIT_COUNT);
  // Meets the store in `enterGuest`: a vCPU that is not in its guest here finds the request when it enters. If it has
  // taken it already, it carried it out outside, and may have cleared the exit request without leaving again.
  if (Atomics.load(words, RUN_STATE) !== RunState.IN_GUEST || !hasRequests(words)) {
    return true;
  }
  // Meets the load in `exitGuest`.
  Atomics.add(words, EXIT_WAITERS, 1);
  // Meets the add and the notify in `exitGuest`: returns at once when the count has moved already.
  Atomics.wait(words, EXIT_COUNT, exits, timeoutMs);
  // Meets the load in `exitGuest`.
  Atomics.sub(words, EXIT_WAITERS, 1);
  return Atomics.load(words, EXIT_COUNT) !== exits;
}
