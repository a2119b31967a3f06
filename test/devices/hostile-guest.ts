/** A guest that writes anything into the rings of a device, much faster than a property test makes it up. */
import {
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
  DEVICE_STATUS,
  FEATURE,
  FEATURE_HIGH,
  REG,
} from '../../src/devices/virtio/registers.ts';
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import { RAM, RAM_BYTES } from './virtio-driver.ts';

const { NEXT, WRITE, INDIRECT } = DESCRIPTOR;
const SIZES = [1, 8, 64, 256];
/** Bytes for the rings of a queue: the descriptors, the driver's ring, the device's; then those of the next queue. */
const PART = 0x1000;
const QUEUE = 3 * PART;
/** Tables of indirect descriptors, and where most buffers are: the rings, too, are among their addresses. */
const TABLES = RAM + 0x9000;
const EDGES = [0, RAM - 1, RAM, RAM + RAM_BYTES - 1, RAM + RAM_BYTES, 0xffff_ffff];
const LENGTHS = [0, 1, 10, 12, 16, 44, 512, 4096, RAM_BYTES, 0x7fff_ffff, 0xffff_ffff];

/** Registers as the guest's instructions reach them. */
export interface Registers {
  read(offset: number, width: 1 | 2 | 4): number;
  write(offset: number, width: 1 | 2 | 4, value: number): void;
}

export class HostileGuest {
  readonly #device: Registers;
  readonly #memory: GuestMemory;
  readonly #queues: number;
  #state: number;
  /** Descriptors that were written so far. */
  descriptors = 0;
  /** How often the device was found stopped, and how many requests came back. */
  stops = 0;
  served = 0;
  readonly #added: number[];

  readonly #requests: (() => Uint8Array) | undefined;

  /**
   * @param seed decides on all that it does
   * @param requests makes up the bytes of a request, for a device whose requests are more than a number
   */
  constructor(
    device: Registers,
    memory: GuestMemory,
    queues: number,
    seed: number,
    requests?: () => Uint8Array,
  ) {
    this.#requests = requests;
    this.#device = device;
    this.#memory = memory;
    this.#queues = queues;
    this.#added = Array.from({ length: queues }, () => 0);
    this.#state = seed | 1;
    this.start();
  }

  /** A number below a bound. */
  below(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % bound;
  }

  /** Starts the device by the rules, with two of its queues at places of RAM and of any size. */
  start(features = this.below(2) === 0 ? FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX : 0): void {
    this.#memory.copyIn(RAM, new Uint8Array(2 * QUEUE));
    this.#put(REG.STATUS, 0);
    if (this.#device.read(REG.STATUS, 4) !== 0)
      throw new Error('a device that was reset is not as a new one');
    this.#put(REG.DRIVER_FEATURES_SEL, 0);
    this.#put(REG.DEVICE_FEATURES_SEL, 0);
    const own = this.below(2) === 0 ? this.#device.read(REG.DEVICE_FEATURES, 4) & 0xff_ffff : 0;
    this.#put(REG.DRIVER_FEATURES, features | own);
    this.#put(REG.DRIVER_FEATURES_SEL, 1);
    this.#put(REG.DRIVER_FEATURES, FEATURE_HIGH.VERSION_1);
    this.#put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER | DEVICE_STATUS.FEATURES_OK);
    for (let queue = 0; queue < this.#queues; queue++) {
      this.#added[queue] = 0;
      this.#put(REG.QUEUE_SEL, queue);
      const size = SIZES[this.below(SIZES.length)];
      const largest = this.below(32) === 0 ? size : this.#device.read(REG.QUEUE_NUM_MAX, 4);
      this.#put(REG.QUEUE_NUM, Math.min(size, largest));
      const at = RAM + QUEUE * (queue % 2);
      for (const [part, register] of [REG.QUEUE_DESC, REG.QUEUE_DRIVER, REG.QUEUE_DEVICE].entries()) {
        this.#put(register, at + PART * part);
        this.#put(register + 4, 0);
      }
      this.#put(REG.QUEUE_READY, 1);
    }
    this.#put(
      REG.STATUS,
      DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER | DEVICE_STATUS.FEATURES_OK | DEVICE_STATUS.DRIVER_OK,
    );
  }

  /** Does one of the things that a guest can do. */
  step(): void {
    const queue = this.below(this.#queues);
    const rings = RAM + QUEUE * (queue % 2);
    switch (this.below(16)) {
      case 0:
        this.#put(4 * this.below(0x80), this.#word());
        break;
      case 1:
        this.#device.read(this.below(0x200) & ~3, 4);
        break;
      case 2:
        this.#memory.write32(RAM + 4 * this.below(RAM_BYTES / 4), this.#word());
        break;
      case 3:
        this.#memory.store16(rings + PART + 2, this.below(0x1_0000));
        break;
      case 4:
        this.#endIfStopped();
        break;
      case 5:
      case 6:
      case 7:
        this.#table(queue);
        break;
      default:
        this.#chain(queue, rings);
    }
  }

  /** Offers a chain of some descriptors, most of which are as they should be, and notifies of it. */
  #chain(queue: number, rings: number): void {
    const bytes = this.below(2) === 0 ? this.#requests?.() : undefined;
    if (bytes !== undefined) {
      this.#wholeRequest(queue, rings, bytes);
      return;
    }
    const count = 1 + this.below(5);
    const first = this.below(8);
    let flags = 0;
    for (let index = 0; index < count; index++) {
      flags |= this.below(3) === 0 ? WRITE : 0;
      const more = index < count - 1 ? NEXT : 0;
      this.#descriptor(rings + DESCRIPTOR_BYTES * (first + index), flags | more, first + index + 1);
    }
    this.#offer(queue, rings, this.below(16) === 0 ? this.below(0x1_0000) : first);
  }

  /** Offers a request in a chain as drivers make them, so that the device gets to what it asks for. */
  #wholeRequest(queue: number, rings: number, bytes: Uint8Array): void {
    const at = RAM + this.below((RAM_BYTES - 8192) / 8) * 8;
    this.#memory.copyIn(at, bytes);
    this.#write(rings, at, bytes.length, NEXT, 1);
    this.#write(rings + DESCRIPTOR_BYTES, at + 4096, 4096, WRITE, 0);
    this.#offer(queue, rings, 0);
  }

  /** The same with a table of its own. */
  #table(queue: number): void {
    const rings = RAM + QUEUE * (queue % 2);
    const count = 1 + this.below(6);
    let flags = 0;
    for (let index = 0; index < count; index++) {
      flags |= this.below(3) === 0 ? WRITE : 0;
      this.#descriptor(TABLES + DESCRIPTOR_BYTES * index, flags | (index < count - 1 ? NEXT : 0), index + 1);
    }
    this.#write(rings, TABLES, DESCRIPTOR_BYTES * count, INDIRECT, 0);
    this.#offer(queue, rings, 0);
  }

  #offer(queue: number, rings: number, head: number): void {
    this.#put(REG.QUEUE_SEL, queue);
    const size = this.#device.read(REG.QUEUE_NUM_MAX, 4) || 1;
    this.#memory.write16(rings + PART + 4 + 2 * (this.#added[queue] % Math.min(size, 1024)), head);
    this.#added[queue] = (this.#added[queue] + 1) & 0xffff;
    this.#memory.store16(rings + PART + 2, this.#added[queue]);
    this.#put(REG.QUEUE_NOTIFY, queue);
  }

  #descriptor(at: number, flags: number, next: number): void {
    const odd = this.below(24) === 0;
    const address = odd ? EDGES[this.below(EDGES.length)] : RAM + this.below(RAM_BYTES - 4096);
    const length = LENGTHS[this.below(odd ? LENGTHS.length : LENGTHS.length - 3)];
    const wild = this.below(64) === 0;
    this.#write(at, address, length, wild ? this.below(0x1_0000) : flags, wild ? this.below(0x1_0000) : next);
    // A request of any kind, where a device looks for its header.
    if (this.below(2) === 0) this.#request(address);
  }

  #request(address: number): void {
    if (this.#requests === undefined) this.#memory.write32(address, this.below(20));
    else this.#memory.copyIn(address, this.#requests());
  }

  #write(at: number, address: number, length: number, flags: number, next: number): void {
    this.descriptors++;
    this.#memory.write32(at, address);
    this.#memory.write32(at + 4, this.below(200) === 0 ? this.#word() : 0);
    this.#memory.write32(at + 8, length);
    this.#memory.write16(at + 12, flags);
    this.#memory.write16(at + 14, next);
  }

  /** A driver that finds its device stopped, or is tired of it, starts it anew. */
  #endIfStopped(): void {
    const stopped = (this.#device.read(REG.STATUS, 4) & DEVICE_STATUS.NEEDS_RESET) !== 0;
    this.served += this.#memory.load16(RAM + 2 * PART + 2) ?? 0;
    if (stopped) this.stops++;
    this.start();
  }

  #word(): number {
    return this.below(3) === 0
      ? EDGES[this.below(EDGES.length)]
      : this.below(2) * 0x8000 + this.below(0x1000);
  }

  #put(register: number, value: number): void {
    this.#device.write(register, 4, value >>> 0);
  }
}
