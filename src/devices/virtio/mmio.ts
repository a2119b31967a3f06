import type { GuestMemory } from '../../memory/guest-memory.ts';
import { Lock } from '../../sync/lock.ts';
import type { AccessWidth, LineSink } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import type { Chain } from './chain.ts';
import { VIRTIO_MMIO } from './facts.ts';
import type { VirtioFunction } from './function.ts';
import { VirtQueue } from './queue.ts';
import { FEATURE, FEATURE_HIGH, INTERRUPT, MAGIC, REG, STATUS, VENDOR, VERSION } from './registers.ts';
import { RingError } from './ring-error.ts';
import { QUEUE_WORD, QUEUE_WORDS, virtioWords, WORD } from './words.ts';

/** Bits of a status byte that a driver sets. */
const DRIVER_BITS = 0xff & ~STATUS.NEEDS_RESET;
/** The driver works, and the device may. */
const LIVE = STATUS.FEATURES_OK | STATUS.DRIVER_OK;
const ALL_ONES = 0xffff_ffff;
/** Requests that are carried out together: a driver that resets its device waits for them. */
const BATCH = 16;

/** The words of a queue that its registers show, by their offset. */
const ADDRESSES: ReadonlyMap<number, number> = new Map([
  [REG.QUEUE_DESC, QUEUE_WORD.DESC],
  [REG.QUEUE_DESC + 4, QUEUE_WORD.DESC + 1],
  [REG.QUEUE_DRIVER, QUEUE_WORD.DRIVER],
  [REG.QUEUE_DRIVER + 4, QUEUE_WORD.DRIVER + 1],
  [REG.QUEUE_DEVICE, QUEUE_WORD.DEVICE],
  [REG.QUEUE_DEVICE + 4, QUEUE_WORD.DEVICE + 1],
]);

/** How a virtio device is connected. */
export interface VirtioWiring {
  readonly memory: GuestMemory;
  readonly irq: LineSink;
  /** Makes the I/O thread call {@link VirtioMmio.work}; without it, requests are carried out where they are made. */
  readonly wakeIo?: (() => void) | undefined;
}

/** Requests that were taken from a queue. */
interface Batch {
  readonly index: number;
  readonly chains: readonly Chain[];
}

/**
 * The transport of virtio over memory-mapped registers, version 2 (virtio 1.2, section 4.2), of one device.
 *
 * A driver that breaks the rules of a queue stops its device: DEVICE_NEEDS_RESET, and the interrupt of a change of
 * configuration. Everything works again after a reset.
 */
export class VirtioMmio extends SharedDevice {
  readonly name: string;
  readonly size = VIRTIO_MMIO.size;
  readonly #function: VirtioFunction;
  readonly #irq: LineSink;
  readonly #wakeIo: (() => void) | undefined;
  readonly #io: Lock;
  readonly #sizes: readonly number[];
  readonly #queues: readonly VirtQueue[];

  /**
   * @param words - as many shared words as `virtioWords` says
   * @param sizes - the greatest size of each queue, a power of two up to 32768
   */
  constructor(
    words: Int32Array,
    device: VirtioFunction,
    sizes: readonly number[],
    { memory, irq, wakeIo }: VirtioWiring,
  ) {
    super(words, virtioWords(sizes.length), device.name, { from: WORD.STATUS });
    this.name = device.name;
    this.#function = device;
    this.#irq = irq;
    this.#wakeIo = wakeIo;
    this.#io = new Lock(words, WORD.IO);
    this.#sizes = sizes;
    this.#queues = sizes.map((size, index) => {
      const first = firstWord(index);
      return new VirtQueue(memory, this.words.subarray(first, first + QUEUE_WORDS), size);
    });
  }

  read(offset: number, width: AccessWidth): number {
    return (
      this.guard.locked(() => {
        if (offset >= REG.CONFIG) return this.#readConfig(offset - REG.CONFIG, width);
        return width === 4 ? this.#readRegister(offset) : 0;
      }) >>> 0
    );
  }

  write(offset: number, width: AccessWidth, value: number): void {
    const change = () =>
      this.guard.change(() => {
        if (offset >= REG.CONFIG) this.#writeConfig(offset - REG.CONFIG, width, value);
        else if (width === 4) this.#writeRegister(offset, value);
      });
    // Behind a reset, or the end of a queue, buffers are the driver's again.
    const ends = value === 0 && (offset === REG.STATUS || offset === REG.QUEUE_READY);
    if (ends && this.#wakeIo !== undefined) this.#io.withLock(change);
    else change();
  }

  /**
   * For the I/O thread: carries out some of the requests that there are.
   *
   * @returns whether there were any, and there may be more
   */
  work(): boolean {
    return this.#io.withLock(() => {
      const batch = this.guard.change(() => this.#takeBatch());
      if (batch === undefined) return false;
      const { index, chains } = batch;
      const queue = this.#queues[index];
      for (const chain of chains) {
        const result = this.#carryOut(chain, index);
        this.guard.change(() => this.#guarded(() => queue.push(chain, result())));
      }
      this.guard.change(() => this.#guarded(() => this.#tellUsed(queue)));
      return true;
    });
  }

  protected override clear(): void {
    super.clear();
    this.#function.reset?.();
  }

  protected override driveOutputs(): void {
    this.#irq.set(this.words[WORD.INTERRUPT_STATUS] !== 0);
  }

  #readRegister(offset: number): number {
    const words = this.words;
    switch (offset) {
      case REG.MAGIC:
        return MAGIC;
      case REG.VERSION:
        return VERSION;
      case REG.DEVICE_ID:
        return this.#function.id;
      case REG.VENDOR_ID:
        return VENDOR;
      case REG.DEVICE_FEATURES:
        return this.#offered(words[WORD.DEVICE_FEATURES_SEL]);
      case REG.QUEUE_NUM_MAX:
        return this.#sizes[words[WORD.QUEUE_SEL]] ?? 0;
      case REG.QUEUE_READY:
        return this.#queues[words[WORD.QUEUE_SEL]]?.ready === true ? 1 : 0;
      case REG.INTERRUPT_STATUS:
        return words[WORD.INTERRUPT_STATUS];
      case REG.STATUS:
        return words[WORD.STATUS];
      case REG.SHM_LEN:
      case REG.SHM_LEN + 4:
      case REG.SHM_BASE:
      case REG.SHM_BASE + 4:
        return ALL_ONES;
      case REG.CONFIG_GENERATION:
        return words[WORD.CONFIG_GENERATION];
      default:
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    const words = this.words;
    switch (offset) {
      case REG.DEVICE_FEATURES_SEL:
        words[WORD.DEVICE_FEATURES_SEL] = value;
        break;
      case REG.DRIVER_FEATURES_SEL:
        words[WORD.DRIVER_FEATURES_SEL] = value;
        break;
      case REG.DRIVER_FEATURES:
        this.#chooseFeatures(words[WORD.DRIVER_FEATURES_SEL], value);
        break;
      case REG.QUEUE_SEL:
        words[WORD.QUEUE_SEL] = value;
        break;
      case REG.QUEUE_NOTIFY:
        this.#serve(value);
        break;
      case REG.INTERRUPT_ACK:
        words[WORD.INTERRUPT_STATUS] &= ~value;
        this.driveOutputs();
        break;
      case REG.STATUS:
        this.#writeStatus(value & 0xff);
        break;
      default:
        this.#writeQueue(offset, value);
    }
  }

  /** The registers of the queue that is selected. All but QUEUE_READY belong to a queue that is not ready. */
  #writeQueue(offset: number, value: number): void {
    const index = this.words[WORD.QUEUE_SEL];
    const queue = this.#queues[index];
    if (queue === undefined) return;
    const first = firstWord(index);
    if (offset === REG.QUEUE_READY) {
      if (value === 0) this.words[first + QUEUE_WORD.READY] = 0;
      else if (!queue.ready) this.#guarded(() => queue.begin(this.#negotiated()));
      return;
    }
    const word = offset === REG.QUEUE_NUM ? QUEUE_WORD.SIZE : ADDRESSES.get(offset);
    if (word !== undefined && !queue.ready) this.words[first + word] = value;
  }

  #offered(select: number): number {
    if (select === 0) return this.#function.features | FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX;
    return select === 1 ? FEATURE_HIGH.VERSION_1 : 0;
  }

  /** Features are final once FEATURES_OK is set. */
  #chooseFeatures(select: number, value: number): void {
    if ((this.words[WORD.STATUS] & STATUS.FEATURES_OK) !== 0) return;
    if (select === 0 || select === 1) this.words[WORD.DRIVER_FEATURES + select] = value;
  }

  /** The first 32 features; none before driver and device have agreed. */
  #negotiated(): number {
    return (this.words[WORD.STATUS] & STATUS.FEATURES_OK) === 0 ? 0 : this.words[WORD.DRIVER_FEATURES];
  }

  /** Whether the driver's choice was offered, and is not that of a driver older than virtio 1.0. */
  #acceptable(): boolean {
    const [low, high] = this.words.subarray(WORD.DRIVER_FEATURES, WORD.DRIVER_FEATURES + 2);
    return (low & ~this.#offered(0)) === 0 && high === FEATURE_HIGH.VERSION_1;
  }

  #writeStatus(value: number): void {
    const words = this.words;
    if (value === 0) {
      this.clear();
      return;
    }
    const before = words[WORD.STATUS];
    const refused = (before & STATUS.FEATURES_OK) === 0 && !this.#acceptable() ? STATUS.FEATURES_OK : 0;
    words[WORD.STATUS] = before | (value & DRIVER_BITS & ~refused);
    // A driver may have filled its queues before it was ready to have them used.
    if ((before & LIVE) !== LIVE) for (const index of this.#queues.keys()) this.#serve(index);
  }

  #readConfig(offset: number, width: AccessWidth): number {
    const config = this.#function.config;
    return config === undefined || offset + width > config.size
      ? 2 ** (8 * width) - 1
      : config.read(offset, width);
  }

  #writeConfig(offset: number, width: AccessWidth, value: number): void {
    const config = this.#function.config;
    if (config !== undefined && offset + width <= config.size) config.write(offset, width, value);
  }

  /** Lets the device work at a queue, if driver and device are ready for that. */
  #serve(index: number): void {
    const queue = this.#queueInUse(index);
    if (queue === undefined) return;
    if (this.#function.carryOut !== undefined && this.#wakeIo !== undefined) {
      this.words[WORD.NOTIFIED] |= 1 << index;
      this.#wakeIo();
      return;
    }
    this.#guarded(() => {
      this.#function.notify?.(queue, index);
      if (this.#function.carryOut !== undefined) this.#carryOutAll(queue, index);
      this.#tellUsed(queue);
    });
  }

  /** A queue that driver and device are ready to use. */
  #queueInUse(index: number): VirtQueue | undefined {
    const queue = this.#queues[index];
    const status = this.words[WORD.STATUS] & (LIVE | STATUS.NEEDS_RESET);
    return queue?.ready === true && status === LIVE ? queue : undefined;
  }

  /** Takes as many chains as the queue has entries at most. */
  #carryOutAll(queue: VirtQueue, index: number): void {
    for (let left = queue.listen(); left > 0; left--) {
      const chain = queue.pop();
      if (chain === undefined) return;
      queue.push(chain, this.#carryOut(chain, index)());
    }
  }

  /** Takes requests from the first queue that may have some; undefined if none has. */
  #takeBatch(): Batch | undefined {
    const { words } = this;
    while (words[WORD.NOTIFIED] !== 0) {
      const index = Math.clz32(words[WORD.NOTIFIED] & -words[WORD.NOTIFIED]) ^ 31;
      const chains: Chain[] = [];
      const queue = this.#queueInUse(index);
      if (queue !== undefined) this.#guarded(() => takeChains(queue, chains));
      if (chains.length > 0) return { index, chains };
      words[WORD.NOTIFIED] &= ~(1 << index);
    }
    return undefined;
  }

  /** @returns gives what `carryOut` has returned, or throws what it has thrown, with the device's lock held */
  #carryOut(chain: Chain, index: number): () => number {
    try {
      const written = this.#function.carryOut?.(chain, index) ?? 0;
      return () => written;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #tellUsed(queue: VirtQueue): void {
    if (queue.wantsInterrupt()) this.#interrupt(INTERRUPT.USED_BUFFER);
  }

  /** Stops the device if the guest has broken a queue. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
      this.words[WORD.STATUS] |= STATUS.NEEDS_RESET;
      if ((this.words[WORD.STATUS] & STATUS.DRIVER_OK) === 0) return;
      this.words[WORD.CONFIG_GENERATION]++;
      this.#interrupt(INTERRUPT.CONFIG_CHANGE);
    }
  }

  #interrupt(bit: number): void {
    this.words[WORD.INTERRUPT_STATUS] |= bit;
    this.driveOutputs();
  }
}

function firstWord(queue: number): number {
  return WORD.QUEUES + QUEUE_WORDS * queue;
}

function takeChains(queue: VirtQueue, into: Chain[]): void {
  for (let left = Math.min(queue.listen(), BATCH); left > 0; left--) {
    const chain = queue.pop();
    if (chain === undefined) return;
    into.push(chain);
  }
}
