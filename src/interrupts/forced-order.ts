/**
 * Makes a predicted race happen: where the vCPU's `sync` finds that its guest has cleared VSSIP, it waits a moment for a
 * producer that wants to set it again, and then the two make their accesses in a given order.
 *
 * For demonstrations and tests. A protocol that is correct stays correct under every order; one that loses an
 * interrupt in this order loses it now, in a real guest. Nothing is changed about the protocol itself: its functions
 * run as they are, on the threads that they run on anyway, and each of their accesses waits for its turn.
 */
import { IRQ_VS_SOFT } from './numbers.ts';
import type { OwnerState, Protocol } from './protocol.ts';
import type { VcpuWords } from './words.ts';

/** Words of the vCPU's second cache line, behind those of the protocols. */
const MEETING = 24;
const TURN = 25;
const FINISHED = 26;
const NEWS = 27;
const FORCED = 28;
const WAITED = 29;

/** Values of the word `MEETING`. */
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

/** How often the order was forced on the vCPU of these words. Any thread. */
export function timesForced(words: VcpuWords): number {
  // Meets the add in `syncInOrder`.
  return Atomics.load(words, FORCED);
}

/** Whether a text is an order: the letters `V` and `S`. */
export function isOrder(text: string): boolean {
  return /^[VS]+$/.test(text);
}

/**
 * The protocol, with the order of accesses forced where a `sync` and a `set` meet. Both sides run on threads that may
 * sleep, and not on the same one.
 *
 * @param order one letter for each access; a side that has no more accesses is passed over.
 * @throws RangeError when it is no order.
 */
export function forceOrder(protocol: Protocol, order: string): Protocol {
  if (!isOrder(order)) throw new RangeError(`"${order}" is not an order of V and S`);
  return {
    ...protocol,
    set(words, irq) {
      // Meets the store in `meetProducer`: the one producer that wins takes part.
      const joins =
        irq === IRQ_VS_SOFT &&
        Atomics.compareExchange(words, MEETING, Meeting.VCPU_WAITS, Meeting.BOTH) === Meeting.VCPU_WAITS;
      if (!joins) return protocol.set(words, irq);
      Atomics.notify(words, MEETING);
      return inOrder(words, order, 'S', () => protocol.set(words, irq));
    },
    sync(words, local, hvipLo, hvipHi) {
      const sync = () => protocol.sync(words, local, hvipLo, hvipHi);
      if (hasCleared(local, hvipLo) && meetProducer(words)) {
        syncInOrder(words, order, sync);
      } else {
        sync();
      }
    },
  };
}

function hasCleared(local: OwnerState, hvipLo: number): boolean {
  return ((local.hvipLo & ~hvipLo) >>> IRQ_VS_SOFT) % 2 === 1;
}

/** Waits for a producer. Returns whether one came. */
function meetProducer(words: VcpuWords): boolean {
  const { load, store } = Atomics;
  if (load(words, FORCED) >= MOST_FORCED || load(words, WAITED) >= MOST_WAITS) return false;
  store(words, TURN, 0);
  store(words, FINISHED, 0);
  // Meets the compare-exchange in `set`. Last: a producer that joins finds the rest ready.
  store(words, MEETING, Meeting.VCPU_WAITS);
  Atomics.wait(words, MEETING, Meeting.VCPU_WAITS, PATIENCE);
  // Meets the compare-exchange in `set`: a producer that comes now is too late.
  const found = Atomics.compareExchange(words, MEETING, Meeting.VCPU_WAITS, Meeting.NONE);
  if (found === Meeting.BOTH) return true;
  Atomics.add(words, WAITED, 1);
  return false;
}

function syncInOrder(words: VcpuWords, order: string, sync: () => void): void {
  inOrder(words, order, 'V', sync);
  // The producer needs the words until it has finished as well.
  awaitNews(words, () => (Atomics.load(words, FINISHED) & bitOf('S')) !== 0);
  Atomics.add(words, FORCED, 1);
  Atomics.store(words, MEETING, Meeting.NONE);
}

/** Runs one side with its accesses in turn. Only the protocol's functions run meanwhile on this thread. */
function inOrder<T>(words: VcpuWords, order: string, side: Side, body: () => T): T {
  const own = globalThis.Atomics;
  let at = -1;
  const step = () => {
    handOver(words, own, at);
    at = order.indexOf(side, at + 1);
    if (at >= 0) awaitTurn(words, own, side, at);
    else at = order.length - 1;
  };
  globalThis.Atomics = inTurn(own, step);
  try {
    return body();
  } finally {
    globalThis.Atomics = own;
    handOver(words, own, at);
    own.or(words, FINISHED, bitOf(side));
    announce(words, own);
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
function handOver(words: VcpuWords, own: typeof Atomics, at: number): void {
  if (at < 0) return;
  own.store(words, TURN, at + 1);
  announce(words, own);
}

function announce(words: VcpuWords, own: typeof Atomics): void {
  own.add(words, NEWS, 1);
  own.notify(words, NEWS);
}

function awaitTurn(words: VcpuWords, own: typeof Atomics, side: Side, at: number): void {
  const other = side === 'V' ? 'S' : 'V';
  awaitNews(
    words,
    () => own.load(words, TURN) >= at || (own.load(words, FINISHED) & bitOf(other)) !== 0,
    own,
  );
}

function awaitNews(words: VcpuWords, arrived: () => boolean, own: typeof Atomics = Atomics): void {
  for (;;) {
    // Read first. Meets the add in `announce`: news that comes after this ends the wait below.
    const news = own.load(words, NEWS);
    if (arrived() || own.wait(words, NEWS, news, LONGEST_TURN) === 'timed-out') return;
  }
}

function bitOf(side: Side): number {
  return side === 'V' ? 1 : 2;
}
