import type { Device } from '../../src/devices/device.ts';
import type { VirtioFunction } from '../../src/devices/virtio/function.ts';
import { VirtioMmio } from '../../src/devices/virtio/mmio.ts';
import {
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
  DEVICE_STATUS,
  FEATURE,
  FEATURE_HIGH,
  NO_NOTIFY,
  REG,
} from '../../src/devices/virtio/registers.ts';
import { virtioWords } from '../../src/devices/virtio/words.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';

export const RAM = 0x8000_0000;
export const RAM_BYTES = 0x1_0000;
/** Where the driver puts the parts of its queue. */
export const RING = {
  desc: RAM,
  driver: RAM + 0x1000,
  device: RAM + 0x2000,
  indirect: RAM + 0x3000,
} as const;
/** Addresses of the parts of a queue. */
export interface RingPlaces {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

/** RAM from here on is for buffers. */
export const BUFFERS = RAM + 0x8000;

/** RAM of 64 KiB in a memory of its own. */
export function createRam(): GuestMemory {
  const linear = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  return new GuestMemory(linear, { base: RAM, size: RAM_BYTES, offset: 0x1_0000 });
}

/** A device on wires of its own. */
export interface Rig {
  readonly device: VirtioMmio;
  readonly memory: GuestMemory;
  /** The level of the interrupt line. */
  level(): boolean;
}

/** @param wakeIo given if requests that may take long are carried out by {@link VirtioMmio.work} */
export function createRig(
  make: (memory: GuestMemory) => VirtioFunction,
  sizes: readonly number[],
  wakeIo?: () => void,
): Rig {
  const memory = createRam();
  let level = false;
  const words = new Int32Array(new SharedArrayBuffer(4 * virtioWords(sizes.length)));
  const irq = {
    set: (to: boolean) => {
      level = to;
    },
  };
  const device = new VirtioMmio(words, make(memory), sizes, { memory, irq, wakeIo });
  return { device, memory, level: () => level };
}

/** Some bytes for the device: to be read unless `write`. */
export interface Piece {
  readonly address: number;
  readonly length: number;
  readonly write?: boolean;
}

export interface DriverOptions {
  readonly size: number;
  /** Of the first 32 features. */
  readonly features?: number;
  /** The number of the queue, 0 unless given, and the places of its parts. */
  readonly queue?: number;
  readonly rings?: RingPlaces & { readonly indirect: number };
  /** False leaves the device before FEATURES_OK. */
  readonly start?: boolean;
}

/** A driver of one queue that keeps to the rules, unless its methods are called in a way that breaks them. */
export class VirtioDriver {
  readonly size: number;
  readonly queue: number;
  readonly rings: RingPlaces & { readonly indirect: number };
  readonly #features: number;
  readonly #device: Device;
  readonly memory: GuestMemory;
  /** Index of the next chain, and of the next entry to be taken back; modulo 2^16. */
  added = 0;
  taken = 0;
  #free: number[];
  readonly #descriptorsOf = new Map<number, readonly number[]>();

  constructor({ device, memory }: { device: Device; memory: GuestMemory }, options: DriverOptions) {
    this.size = options.size;
    this.queue = options.queue ?? 0;
    this.rings = options.rings ?? RING;
    this.#features = options.features ?? 0;
    this.#device = device;
    this.memory = memory;
    this.#free = Array.from({ length: Math.min(options.size, 2 ** 15) }, (_, index) => index);
    if (options.start !== false) this.start();
  }

  get(register: number): number {
    return this.#device.read(register, 4);
  }

  put(register: number, value: number): void {
    this.#device.write(register, 4, value >>> 0);
  }

  get status(): number {
    return this.get(REG.STATUS);
  }

  /** The steps of virtio 1.2, section 3.1.1, with rings that are empty. */
  start(): void {
    this.memory.copyIn(this.rings.driver, new Uint8Array(0x1000));
    this.memory.copyIn(this.rings.device, new Uint8Array(0x1000));
    this.put(REG.STATUS, 0);
    this.put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE);
    this.put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER);
    this.put(REG.DRIVER_FEATURES_SEL, 0);
    this.put(REG.DRIVER_FEATURES, this.#features);
    this.put(REG.DRIVER_FEATURES_SEL, 1);
    this.put(REG.DRIVER_FEATURES, FEATURE_HIGH.VERSION_1);
    this.put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER | DEVICE_STATUS.FEATURES_OK);
    this.makeReady();
    this.put(REG.STATUS, this.status | DEVICE_STATUS.DRIVER_OK);
  }

  /** Describes the queue to the device. */
  makeReady({ desc, driver, device }: RingPlaces = this.rings): void {
    this.put(REG.QUEUE_SEL, this.queue);
    this.put(REG.QUEUE_NUM, this.size);
    for (const [register, address] of [
      [REG.QUEUE_DESC, desc],
      [REG.QUEUE_DRIVER, driver],
      [REG.QUEUE_DEVICE, device],
    ] as const) {
      this.put(register, address);
      this.put(register + 4, 0);
    }
    this.put(REG.QUEUE_READY, 1);
  }

  /** How many more descriptors there are. */
  get free(): number {
    return this.#free.length;
  }

  /**
   * Puts a chain into the ring without telling.
   *
   * @param direct how many of its pieces have descriptors in the queue, the others are in an indirect table; all, if
   * left out
   * @returns its head
   */
  add(pieces: readonly Piece[], direct = pieces.length): number {
    const indirect = pieces.slice(direct);
    const used = this.#free.splice(0, direct + (indirect.length > 0 ? 1 : 0));
    for (const [at, index] of used.entries()) {
      const next = used[at + 1];
      const piece = at < direct ? pieces[at] : this.#writeTable(index, indirect);
      this.writeDescriptor(
        this.rings.desc + DESCRIPTOR_BYTES * index,
        piece,
        next,
        at < direct ? 0 : DESCRIPTOR.INDIRECT,
      );
    }
    const [head] = used;
    this.#descriptorsOf.set(head, used);
    this.offer(head);
    return head;
  }

  #writeTable(index: number, pieces: readonly Piece[]): Piece {
    const address = this.rings.indirect + 16 * DESCRIPTOR_BYTES * index;
    for (const [at, piece] of pieces.entries()) {
      const next = at + 1 < pieces.length ? at + 1 : undefined;
      this.writeDescriptor(address + DESCRIPTOR_BYTES * at, piece, next);
    }
    return { address, length: DESCRIPTOR_BYTES * pieces.length };
  }

  writeDescriptor(at: number, { address, length, write }: Piece, next: number | undefined, flags = 0): void {
    this.memory.write32(at, address);
    this.memory.write32(at + 4, Math.floor(address / 2 ** 32));
    this.memory.write32(at + 8, length);
    const all = flags | (write === true ? DESCRIPTOR.WRITE : 0) | (next === undefined ? 0 : DESCRIPTOR.NEXT);
    this.memory.write16(at + 12, all);
    this.memory.write16(at + 14, next ?? 0);
  }

  /** Puts a number into the ring as if it were the head of a chain. */
  offer(head: number): void {
    this.memory.write16(this.rings.driver + 4 + 2 * (this.added % this.size), head);
    this.added = (this.added + 1) & 0xffff;
    this.memory.store16(this.rings.driver + 2, this.added);
  }

  /** Whether the device wants to hear of the chains since the index was `before`. */
  mustNotify(before: number): boolean {
    if ((this.#features & FEATURE.EVENT_IDX) === 0) return (this.#read(this.rings.device) & NO_NOTIFY) === 0;
    const event = this.#read(this.rings.device + 4 + 8 * this.size);
    return ((this.added - event - 1) & 0xffff) < ((this.added - before) & 0xffff);
  }

  notify(queue = this.queue): void {
    this.put(REG.QUEUE_NOTIFY, queue);
  }

  /** With the event index: wants an interrupt when the entry of that index is there. */
  wantInterruptAt(index: number): void {
    this.memory.store16(this.rings.driver + 4 + 2 * this.size, index);
  }

  /** Without it: wants interrupts, or none. */
  wantInterrupts(wanted: boolean): void {
    this.memory.store16(this.rings.driver, wanted ? 0 : 1);
  }

  /** Takes back what the device has done. */
  take(): { readonly head: number; readonly written: number }[] {
    const done: { readonly head: number; readonly written: number }[] = [];
    while (this.taken !== this.memory.load16(this.rings.device + 2)) {
      const entry = this.rings.device + 4 + 8 * (this.taken % this.size);
      const head = this.memory.read32(entry) ?? -1;
      done.push({ head, written: this.memory.read32(entry + 4) ?? -1 });
      this.#free.push(...(this.#descriptorsOf.get(head) ?? []));
      this.taken = (this.taken + 1) & 0xffff;
    }
    return done;
  }

  /** Reads the causes of the interrupt and acknowledges them. */
  acknowledge(): number {
    const causes = this.get(REG.INTERRUPT_STATUS);
    this.put(REG.INTERRUPT_ACK, causes);
    return causes;
  }

  #read(address: number): number {
    return this.memory.load16(address) ?? -1;
  }
}
