/**
 * Makes a predicted race happen: where the vCPU's `sync` finds that its guest has cleared VSSIP, it waits a moment for
 * a producer that wants to set it again, and then the two make their accesses in a given order.
 *
 * For demonstrations and tests: a thread of a machine loads this module when somebody asks for it, and never else. A
 * protocol that is correct stays correct under every order; one that loses an interrupt in this order loses it now, in
 * a real guest. Nothing is changed about the protocol itself: its functions run as they are, on the threads that they
 * run on anyway, and each of their accesses waits for its turn.
 */
import { IRQ_VS_SOFT } from '../../interrupts/numbers.ts';
import type { OwnerState, Protocol } from '../../interrupts/protocol.ts';
import type { VcpuWords } from '../../interrupts/words.ts';

/**
 * Words by which the two sides find each other, for each vCPU, all zero at first. Shared by the threads of a machine.
 */
type Meetings = Int32Array<ArrayBufferLike>;

/** Words of one vCPU's meeting. */
const WORD = { vcpu: 0, meeting: 1, turn: 2, finished: 3, news: 4, forced: 5, waited: 6 } as const;
const WORDS = 16;
/** As many as a domain has at most. */
const MOST_VCPUS = 64;

/** Values of the word `meeting`. */
const Meeting = { NONE: 0, VCPU_WAITS: 1, BOTH: 2 } as const;

/** One side of the race: `V` is the vCPU in `sync`, `S` a producer in `set`. */
type Side = 'V' | 'S';

/** How often the order is forced on one vCPU, and how often it waits in vain: the guest shall go on afterwards. */
const MOST_FORCED = 200;
const MOST_WAITS = 2000;
/** Milliseconds that the vCPU waits for a producer. */
const PATIENCE = 5;
/** Milliseconds after which a side that waits for its turn gives up the order, so that nothing ever hangs. */
const LONGEST_TURN = 1000;

/** Given to each thread that loads this module. */
export interface ForcedOrder {
  readonly order: string;
  readonly meetings: Meetings;
}

/**
 * Makes the words for an order that is to be forced.
 *
 * @throws RangeError when it is no order.
 */
export function forcedOrder(order: string): ForcedOrder {
  if (!isOrder(order)) throw new RangeError(`"${order}" is not an order of V and S`);
  const bytes = MOST_VCPUS * WORDS * Int32Array.BYTES_PER_ELEMENT;
  return { order, meetings: new Int32Array(new SharedArrayBuffer(bytes)) };
}

/** How often the order was forced so far, on all vCPUs. Any thread. */
export function timesForced({ meetings }: ForcedOrder): number {
  let times = 0;
  // Meets the add in `syncInOrder`.
  for (let at = 0; at < meetings.length; at += WORDS) times += Atomics.load(meetings, at + WORD.forced);
  return times;
}

/** Whether a text is an order: the letters `V` and `S`, one for each access. */
export function isOrder(text: string): boolean {
  return /^[VS]+$/.test(text);
}

/** Called by a thread of a machine that has loaded this module. */
export function extendHost(forced: ForcedOrder): { standIn(protocol: Protocol): Protocol } {
  return { standIn: (protocol) => forceOrder(protocol, forced) };
}

/**
 * The protocol, with the order of accesses forced where a `sync` and a `set` meet. Both sides run on threads that may
 * sleep, and not on the same one. A side that has no more accesses is passed over.
 */
export function forceOrder(protocol: Protocol, { order, meetings }: ForcedOrder): Protocol {
  return {
    ...protocol,
    set(words, irq) {
      const shared = meetingOf(meetings, words);
      // Meets the store in `meetProducer`: the one producer that wins takes part.
      const joins =
        irq === IRQ_VS_SOFT &&
        Atomics.compareExchange(shared, WORD.meeting, Meeting.VCPU_WAITS, Meeting.BOTH) ===
          Meeting.VCPU_WAITS;
      if (!joins) return protocol.set(words, irq);
      Atomics.notify(shared, WORD.meeting);
      return inOrder(shared, order, 'S', () => protocol.set(words, irq));
    },
    sync(words, local, hvipLo, hvipHi) {
      const sync = () => protocol.sync(words, local, hvipLo, hvipHi);
      const shared = meetingOf(meetings, words);
      if (hasCleared(local, hvipLo) && meetProducer(shared)) {
        syncInOrder(shared, order, sync);
      } else {
        sync();
      }
    },
  };
}

/** A vCPU is known by the place of its words, which is the same in all threads. */
function meetingOf(meetings: Meetings, { byteOffset }: VcpuWords): Meetings {
  for (let at = 0; at < meetings.length; at += WORDS) {
    // Meets the same on other threads: the first one takes the words for its vCPU.
    const owner = Atomics.compareExchange(meetings, at + WORD.vcpu, 0, byteOffset + 1);
    if (owner === 0 || owner === byteOffset + 1) return meetings.subarray(at, at + WORDS);
  }
  throw new RangeError(`An order can be forced on ${MOST_VCPUS} vCPUs at most`);
}

function hasCleared(local: OwnerState, hvipLo: number): boolean {
  return ((local.hvipLo & ~hvipLo) >>> IRQ_VS_SOFT) % 2 === 1;
}

/** Waits for a producer. Returns whether one came. */
function meetProducer(shared: Meetings): boolean {
  const { load, store } = Atomics;
  if (load(shared, WORD.forced) >= MOST_FORCED || load(shared, WORD.waited) >= MOST_WAITS) return false;
  store(shared, WORD.turn, 0);
  store(shared, WORD.finished, 0);
  // Meets the compare-exchange in `set`. Last: a producer that joins finds the rest ready.
  store(shared, WORD.meeting, Meeting.VCPU_WAITS);
  Atomics.wait(shared, WORD.meeting, Meeting.VCPU_WAITS, PATIENCE);
  // Meets the compare-exchange in `set`: a producer that comes now is too late.
  const found = Atomics.compareExchange(shared, WORD.meeting, Meeting.VCPU_WAITS, Meeting.NONE);
  if (found === Meeting.BOTH) return true;
  Atomics.add(shared, WORD.waited, 1);
  return false;
}

function syncInOrder(shared: Meetings, order: string, sync: () => void): void {
  inOrder(shared, order, 'V', sync);
  // The producer needs the words until it has finished as well.
  awaitNews(shared, () => (Atomics.load(shared, WORD.finished) & bitOf('S')) !== 0);
  Atomics.add(shared, WORD.forced, 1);
  Atomics.store(shared, WORD.meeting, Meeting.NONE);
}

/** Runs one side with its accesses in turn. Only the protocol's functions run meanwhile on this thread. */
function inOrder<T>(shared: Meetings, order: string, side: Side, body: () => T): T {
  const own = globalThis.Atomics;
  let at = -1;
  const step = () => {
    handOver(shared, own, at);
    at = order.indexOf(side, at + 1);
    if (at >= 0) awaitTurn(shared, own, side, at);
    else at = order.length - 1;
  };
  globalThis.Atomics = inTurn(own, step);
  try {
    return body();
  } finally {
    globalThis.Atomics = own;
    handOver(shared, own, at);
    own.or(shared, WORD.finished, bitOf(side));
    announce(shared, own);
  }
}

/** `Atomics` whose accesses call `step` first. */
function inTurn(own: typeof Atomics, step: () => void): typeof Atomics {
  return new Proxy(own, {
    get(target, name) {
      const operation: unknown = Reflect.get(target, name);
      if (typeof operation !== 'function') return operation;
      return (...operands: readonly unknown[]): unknown => {
        step();
        return Reflect.apply(operation, target, operands);
      };
    },
  });
}

/** The access numbered `at` in the order is done. */
function handOver(shared: Meetings, own: typeof Atomics, at: number): void {
  if (at < 0) return;
  own.store(shared, WORD.turn, at + 1);
  announce(shared, own);
}

function announce(shared: Meetings, own: typeof Atomics): void {
  own.add(shared, WORD.news, 1);
  own.notify(shared, WORD.news);
}

function awaitTurn(shared: Meetings, own: typeof Atomics, side: Side, at: number): void {
  const other = side === 'V' ? 'S' : 'V';
  awaitNews(
    shared,
    () => own.load(shared, WORD.turn) >= at || (own.load(shared, WORD.finished) & bitOf(other)) !== 0,
    own,
  );
}

function awaitNews(shared: Meetings, arrived: () => boolean, own: typeof Atomics = Atomics): void {
  for (;;) {
    // Read first. Meets the add in `announce`: news that comes after this ends the wait below.
    const news = own.load(shared, WORD.news);
    if (arrived() || own.wait(shared, WORD.news, news, LONGEST_TURN) === 'timed-out') return;
  }
}

function bitOf(side: Side): number {
  return side === 'V' ? 1 : 2;
}
