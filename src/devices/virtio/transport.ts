import type { GuestMemory } from '../../memory/guest-memory.ts';
import { afterChanges } from '../../sync/guarded-words.ts';
import { Lock } from '../../sync/lock.ts';
import type { Backends } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import type { AccessWidth, RequestWitness } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import type { Chain } from './chain.ts';
import type { Buffers, QueueAccess, VirtioFunction } from './function.ts';
import { VirtQueue } from './queue.ts';
import { DEVICE_STATUS, FEATURE, FEATURE_HIGH } from './registers.ts';
import { RingError } from './ring-error.ts';
import { QUEUE_WORD, QUEUE_WORDS, virtioWords, WORD } from './words.ts';

/** Bits of a status byte that a driver sets. */
const DRIVER_BITS = 0xff & ~DEVICE_STATUS.NEEDS_RESET;
/** The driver works, and the device may. */
const LIVE = DEVICE_STATUS.FEATURES_OK | DEVICE_STATUS.DRIVER_OK;
/** Requests that are carried out together: a driver that resets its device waits for them. */
const BATCH = 16;
/** Milliseconds for which requests may keep the thread of a hart, or one another. */
const LONGEST_STAY_MS = 2;
/** Notifications that are left to the I/O thread behind a request that was not short after all. */
const DISTRUST = 64;

/** How a virtio device is connected. */
export interface VirtioWiring {
  readonly memory: GuestMemory;
  /** Makes the I/O thread call {@link VirtioTransport.work}; without it, requests are carried out at once. */
  readonly wakeIo?: (() => void) | undefined;
  /** Traces requests. */
  readonly witness?: RequestWitness | undefined;
}

/** A request that was taken from a queue, and the function that carries it out. */
interface Taken {
  readonly chain: Chain;
  readonly carryOut: () => number;
}

/** A request that was carried out. */
interface Done {
  readonly chain: Chain;
  /** For the trace. */
  readonly began: number;
  /** See {@link outcomeOf}. */
  readonly result: () => number;
}

/** Says how this thread carries out a request of a queue; undefined if it does not. */
type Taker = (chain: Chain, index: number) => (() => number) | undefined;

/** Requests that were taken from a queue. */
interface Batch {
  readonly index: number;
  readonly taken: readonly Taken[];
}

/**
 * One virtio device as all transports have it: status, features, queues, and the threads that carry out requests
 * (virtio 1.2, chapters 2 and 3). A transport gives it registers and interrupts.
 *
 * A driver that breaks the rules of a queue stops its device: DEVICE_NEEDS_RESET, and the interrupt of a change of
 * configuration. Everything works again after a reset.
 */
export abstract class VirtioTransport extends SharedDevice implements QueueAccess {
  readonly name: string;
  protected readonly function: VirtioFunction;
  readonly #wakeIo: (() => void) | undefined;
  readonly #witness: RequestWitness | undefined;
  readonly #io: Lock;
  readonly #sizes: readonly number[];
  readonly #queues: readonly VirtQueue[];
  readonly #takeAny: Taker = (chain, index) => () => this.function.carryOut?.(chain, index) ?? 0;
  /** Notifications that this thread leaves to the I/O thread yet. */
  #distrust = 0;

  /**
   * @param words - shared words: as many as `virtioWords` says, then those of the transport
   * @param count - how many these are together
   * @param sizes - the greatest size of each queue, a power of two up to 32768
   */
  constructor(
    words: Int32Array,
    count: number,
    device: VirtioFunction,
    sizes: readonly number[],
    { memory, wakeIo, witness }: VirtioWiring,
  ) {
    super(words, count, device.name, { from: WORD.STATUS, to: virtioWords(sizes.length) });
    this.name = device.name;
    this.function = device;
    this.#wakeIo = wakeIo;
    this.#witness = witness;
    this.#io = new Lock(words, WORD.IO);
    this.#sizes = sizes;
    this.#queues = sizes.map((size, index) => {
      const first = firstWord(index);
      return new VirtQueue(memory, this.words.subarray(first, first + QUEUE_WORDS), size);
    });
  }

  /** The device has given buffers of a queue back, and the driver wants to hear of that. Called with the lock held. */
  protected abstract usedBuffers(queue: number): void;

  /** The device's configuration or status has changed. Called with the lock held. */
  protected abstract changed(): void;

  /**
   * For the I/O thread: carries out some of the requests that there are, and lets in data that have come.
   *
   * @returns whether there were any, and there may be more
   */
  work(): boolean {
    return this.#io.withLock(() => {
      const worked = this.#carryOutBatch(this.#takeAny);
      return this.#letIn() || worked;
    });
  }

  /** For the I/O thread, when the machine is saved: the device's state there beside its shared words. */
  saveFunction(): Iterable<Uint8Array> {
    return this.function.save?.() ?? [];
  }

  /** For the I/O thread of a restored machine, before its first work. */
  restoreFunction(saved: Uint8Array): void {
    this.function.restore?.(saved);
  }

  /** The host's side of the device, if it has one. */
  connect(backends: Backends): HostSide | undefined {
    return this.function.connect?.(this, backends);
  }

  use<T>(index: number, body: (queue: VirtQueue) => T): T | undefined {
    return this.guard.change(() => {
      const queue = this.#queueInUse(index);
      if (queue === undefined) return undefined;
      let result: T | undefined;
      this.#guarded(() => {
        result = body(queue);
        this.#tellUsed(queue, index);
      });
      return result;
    });
  }

  configurationChanged(): void {
    this.guard.change(() => this.#configurationChanged());
  }

  /**
   * Makes a change that a driver asks for.
   *
   * @param ends whether behind it buffers are the driver's again: it waits for requests that are being carried out
   */
  protected change(ends: boolean, change: () => void): void {
    const locked = () => this.guard.change(change);
    if (ends && this.#wakeIo !== undefined) this.#io.withLock(locked);
    else locked();
  }

  protected override clear(): void {
    super.clear();
    this.function.reset?.();
  }

  /** The features that the device offers: half 0 or 1 of the first 64. */
  protected offered(half: number): number {
    if (half === 0) return this.function.features | FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX;
    return half === 1 ? FEATURE_HIGH.VERSION_1 : 0;
  }

  /** Features are final once FEATURES_OK is set. */
  protected chooseFeatures(half: number, value: number): void {
    if ((this.words[WORD.STATUS] & DEVICE_STATUS.FEATURES_OK) !== 0) return;
    if (half === 0 || half === 1) this.words[WORD.DRIVER_FEATURES + half] = value;
  }

  /** The driver's choice of the first 32 features; none before driver and device have agreed. */
  protected negotiated(): number {
    return (this.words[WORD.STATUS] & DEVICE_STATUS.FEATURES_OK) === 0 ? 0 : this.words[WORD.DRIVER_FEATURES];
  }

  protected writeStatus(value: number): void {
    const words = this.words;
    if (value === 0) {
      this.clear();
      return;
    }
    const before = words[WORD.STATUS];
    const refused =
      (before & DEVICE_STATUS.FEATURES_OK) === 0 && !this.#acceptable() ? DEVICE_STATUS.FEATURES_OK : 0;
    words[WORD.STATUS] = before | (value & DRIVER_BITS & ~refused);
    // A driver may have filled its queues before it was ready to have them used.
    if ((before & LIVE) !== LIVE) this.serveAll();
  }

  /** The greatest size of the queue that is selected; 0 if there is no such queue. */
  protected largestSize(): number {
    return this.#sizes[this.words[WORD.QUEUE_SEL]] ?? 0;
  }

  /** Whether the queue that is selected is in use. */
  protected queueReady(): boolean {
    return this.#queues[this.words[WORD.QUEUE_SEL]]?.ready === true;
  }

  protected beginQueue(): void {
    const queue = this.#queues[this.words[WORD.QUEUE_SEL]];
    if (queue?.ready === false) this.#guarded(() => queue.begin(this.negotiated()));
  }

  protected endQueue(): void {
    const word = this.queueWord(QUEUE_WORD.READY);
    if (word !== undefined) this.words[word] = 0;
  }

  /** Place of a word of the queue that is selected; undefined if there is no such queue. */
  protected queueWord(word: number): number | undefined {
    const index = this.words[WORD.QUEUE_SEL];
    return this.#queues[index] === undefined ? undefined : firstWord(index) + word;
  }

  /** Sets a word of the queue that is selected, unless the queue is in use. */
  protected describeQueue(word: number, value: number): void {
    const place = this.queueWord(word);
    if (place !== undefined && !this.queueReady()) this.words[place] = value;
  }

  protected readDeviceConfig(offset: number, width: AccessWidth): number {
    const config = this.function.config;
    return config === undefined || offset + width > config.size
      ? 2 ** (8 * width) - 1
      : config.read(offset, width);
  }

  protected writeDeviceConfig(offset: number, width: AccessWidth, value: number): void {
    const config = this.function.config;
    if (config !== undefined && offset + width <= config.size) config.write(offset, width, value);
  }

  /** Whether the device may use the guest's memory, as far as the transport says. */
  protected mayUseMemory(): boolean {
    return true;
  }

  /** Lets the device work at a queue, if driver and device are ready for that. */
  protected serve(index: number): void {
    const queue = this.#queueInUse(index);
    if (queue === undefined) return;
    if (this.function.carryOut !== undefined && this.#wakeIo !== undefined) {
      this.words[WORD.NOTIFIED] |= 1 << index;
      if (this.function.carryOutHere === undefined) this.#wakeIo();
      else afterChanges(() => this.#serveHere());
      return;
    }
    this.#guarded(() => {
      this.#notify(queue, index);
      if (this.function.carryOut !== undefined) this.#carryOutAll(queue, index);
      this.#tellUsed(queue, index);
    });
  }

  #notify(queue: VirtQueue, index: number): void {
    const witness = this.#witness;
    if (witness === undefined || queue.waiting() === 0) {
      this.function.notify?.(queue, index);
      return;
    }
    const began = witness.now();
    this.function.notify?.(queue, index);
    if (this.function.notify !== undefined) witness.request(index, began, 0, 0);
  }

  /** The same for all queues, which may have been filled before they could be used. */
  protected serveAll(): void {
    for (const index of this.#queues.keys()) this.serve(index);
  }

  /** Whether the driver's choice was offered, and is not that of a driver older than virtio 1.0 where that matters. */
  #acceptable(): boolean {
    const [low, high] = this.words.subarray(WORD.DRIVER_FEATURES, WORD.DRIVER_FEATURES + 2);
    const isOld = high === 0 && this.function.withoutVersion === true;
    return (low & ~this.offered(0)) === 0 && (high === FEATURE_HIGH.VERSION_1 || isOld);
  }

  /** A queue that driver and device are ready to use. */
  #queueInUse(index: number): VirtQueue | undefined {
    const queue = this.#queues[index];
    const status = this.words[WORD.STATUS] & (LIVE | DEVICE_STATUS.NEEDS_RESET);
    return queue?.ready === true && status === LIVE && this.mayUseMemory() ? queue : undefined;
  }

  /** Carries out short work on this thread, where nobody else is at it. The rest is for the I/O thread. */
  #serveHere(): void {
    if (this.#distrust > 0) this.#distrust--;
    else if (this.#io.tryAcquire()) {
      try {
        if (this.#carryOutShort()) return;
      } finally {
        this.#io.release();
      }
    }
    this.#wakeIo?.();
  }

  /** @returns whether nothing is left */
  #carryOutShort(): boolean {
    let long = false;
    const takeShort = (chain: Chain) => {
      const work = this.function.carryOutHere?.(chain);
      long = work === undefined;
      return work;
    };
    const begin = performance.now();
    for (let end = begin; !long && this.#carryOutBatch(takeShort); ) {
      const now = performance.now();
      // The host's disk has to be waited for. Its guest can do other things meanwhile.
      if (now - end > LONGEST_STAY_MS) this.#distrust = DISTRUST;
      if (now - begin > LONGEST_STAY_MS) return false;
      end = now;
    }
    return !long;
  }

  /** Takes as many chains as the queue has entries at most. */
  #carryOutAll(queue: VirtQueue, index: number): void {
    for (let left = queue.listen(); left > 0; left--) {
      const chain = queue.pop();
      if (chain === undefined) return;
      const began = this.#witness?.now() ?? 0;
      queue.push(chain, this.#seen(chain, index, began, this.function.carryOut?.(chain, index) ?? 0));
    }
  }

  /** Takes requests from the first queue that may have some; undefined if none has. */
  #takeBatch(taker: Taker): Batch | undefined {
    const { words } = this;
    while (words[WORD.NOTIFIED] !== 0) {
      const index = Math.clz32(words[WORD.NOTIFIED] & -words[WORD.NOTIFIED]) ^ 31;
      const taken: Taken[] = [];
      const queue = index === this.function.inbound?.queue ? undefined : this.#queueInUse(index);
      let isDone = true;
      if (queue !== undefined)
        this.#guarded(() => (isDone = takeChains(queue, taken, (chain) => taker(chain, index))));
      if (taken.length > 0) return { index, taken };
      if (!isDone) return undefined;
      words[WORD.NOTIFIED] &= ~(1 << index);
    }
    return undefined;
  }

  #carryOutBatch(taker: Taker): boolean {
    const batch = this.guard.change(() => this.#takeBatch(taker));
    if (batch === undefined) return false;
    const { index, taken } = batch;
    const queue = this.#queues[index];
    let done: Done[] = [];
    // Together: to take the lock and to interrupt the guest for each would take as long as its request. Work that is
    // done does not wait for others that take long.
    const give = () =>
      this.guard.change(() => {
        for (const { chain, began, result } of done)
          this.#guarded(() => queue.push(chain, this.#seen(chain, index, began, result())));
        this.#guarded(() => this.#tellUsed(queue, index));
      });
    let gave = performance.now();
    for (const { chain, carryOut } of taken) {
      const began = this.#witness?.now() ?? 0;
      done.push({ chain, began, result: outcomeOf(carryOut) });
      const now = performance.now();
      if (now - gave <= LONGEST_STAY_MS) continue;
      give();
      done = [];
      gave = now;
    }
    if (done.length > 0) give();
    return true;
  }

  #letIn(): boolean {
    const { inbound } = this.function;
    if (inbound === undefined) return false;
    const queue = this.guard.locked(() => this.#queueInUse(inbound.queue));
    if (queue === undefined) return false;
    let worked = false;
    let failure: unknown;
    try {
      worked = inbound.deliver(this.#buffersOf(queue));
    } catch (error) {
      failure = error;
    }
    this.guard.change(() =>
      this.#guarded(() => {
        if (failure !== undefined) throw failure;
        this.#tellUsed(queue, inbound.queue);
      }),
    );
    return worked;
  }

  #buffersOf(queue: VirtQueue): Buffers {
    const { guard } = this;
    return {
      features: queue.features,
      take: () => guard.change(() => queue.pop() ?? (queue.listen() > 0 ? queue.pop() : undefined)),
      untake: (count) => guard.change(() => queue.unpop(count)),
      give: (chain, written) => guard.change(() => queue.push(chain, written)),
    };
  }

  #seen(chain: Chain, index: number, began: number, written: number): number {
    this.#witness?.request(index, began, chain.head, written);
    return written;
  }

  #tellUsed(queue: VirtQueue, index: number): void {
    if (queue.wantsInterrupt()) this.usedBuffers(index);
  }

  /** Stops the device if the guest has broken a queue. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
      this.words[WORD.STATUS] |= DEVICE_STATUS.NEEDS_RESET;
      this.#configurationChanged();
    }
  }

  #configurationChanged(): void {
    this.words[WORD.CONFIG_GENERATION]++;
    if ((this.words[WORD.STATUS] & DEVICE_STATUS.DRIVER_OK) !== 0) this.changed();
  }
}

function firstWord(queue: number): number {
  return WORD.QUEUES + QUEUE_WORDS * queue;
}

/** @returns the result of `work`, or throws its error: with the device's lock held */
function outcomeOf(work: () => number): () => number {
  try {
    const written = work();
    return () => written;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** @returns false if a chain is left there that is not for this thread */
function takeChains(
  queue: VirtQueue,
  into: Taken[],
  taker: (chain: Chain) => (() => number) | undefined,
): boolean {
  for (let left = Math.min(queue.listen(), BATCH); left > 0; left--) {
    const chain = queue.pop();
    if (chain === undefined) return true;
    const carryOut = taker(chain);
    if (carryOut === undefined) {
      queue.unpop(1);
      return false;
    }
    into.push({ chain, carryOut });
  }
  return true;
}
