import type { VirtioMmio } from '../../src/devices/virtio/mmio.ts';
import {
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
  DEVICE_STATUS,
  FEATURE_HIGH,
  REG,
} from '../../src/devices/virtio/registers.ts';
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import { BUFFERS, RAM } from './virtio-driver.ts';

/** Entries of each queue. */
export const QUEUE_SIZE = 16;
/** Bytes of a buffer. */
export const BUFFER_BYTES = 0x80;

const ring = (queue: number) => RAM + 0x800 * queue;
const buffer = (queue: number, index: number) => BUFFERS + 0x800 * queue + BUFFER_BYTES * index;

/** A driver of all queues of a device, each with `QUEUE_SIZE` buffers of its own. */
export class QueuesDriver {
  readonly #device: Pick<VirtioMmio, 'write'>;
  readonly #memory: GuestMemory;
  readonly #added: number[];
  readonly #taken: number[];

  constructor(device: Pick<VirtioMmio, 'write'>, memory: GuestMemory, queues: number, features: number) {
    this.#device = device;
    this.#memory = memory;
    this.#added = Array.from({ length: queues }, () => 0);
    this.#taken = [...this.#added];
    memory.copyIn(RAM, new Uint8Array(BUFFERS - RAM));
    const put = (register: number, value: number) => device.write(register, 4, value >>> 0);
    put(REG.STATUS, 0);
    put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER);
    put(REG.DRIVER_FEATURES_SEL, 0);
    put(REG.DRIVER_FEATURES, features);
    put(REG.DRIVER_FEATURES_SEL, 1);
    put(REG.DRIVER_FEATURES, FEATURE_HIGH.VERSION_1);
    put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER | DEVICE_STATUS.FEATURES_OK);
    for (let queue = 0; queue < queues; queue++) {
      put(REG.QUEUE_SEL, queue);
      put(REG.QUEUE_NUM, QUEUE_SIZE);
      put(REG.QUEUE_DESC, ring(queue));
      put(REG.QUEUE_DRIVER, ring(queue) + 0x200);
      put(REG.QUEUE_DEVICE, ring(queue) + 0x400);
      for (const register of [REG.QUEUE_DESC, REG.QUEUE_DRIVER, REG.QUEUE_DEVICE]) put(register + 4, 0);
      put(REG.QUEUE_READY, 1);
    }
    put(
      REG.STATUS,
      DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER | DEVICE_STATUS.FEATURES_OK | DEVICE_STATUS.DRIVER_OK,
    );
  }

  /** Gives the device a buffer to write to. */
  offer(queue: number): void {
    this.#add(queue, BUFFER_BYTES, DESCRIPTOR.WRITE);
  }

  /** Gives it bytes to read. */
  send(queue: number, bytes: Uint8Array, notify = true): void {
    this.#memory.copyIn(buffer(queue, this.#added[queue] % QUEUE_SIZE), bytes);
    this.#add(queue, bytes.length, 0, notify);
  }

  /** The bytes that the device has written to buffers since the last call. */
  received(queue: number): Uint8Array[] {
    const list: Uint8Array[] = [];
    while (this.#taken[queue] !== this.#memory.load16(ring(queue) + 0x402)) {
      const entry = ring(queue) + 0x404 + 8 * (this.#taken[queue] % QUEUE_SIZE);
      const head = this.#memory.read32(entry) ?? 0;
      const written = this.#memory.read32(entry + 4) ?? 0;
      list.push(this.#memory.copyOut(buffer(queue, head), written) ?? new Uint8Array());
      this.#taken[queue] = (this.#taken[queue] + 1) & 0xffff;
    }
    return list;
  }

  #add(queue: number, length: number, flags: number, notify = true): void {
    const index = this.#added[queue] % QUEUE_SIZE;
    const at = ring(queue) + DESCRIPTOR_BYTES * index;
    this.#memory.write32(at, buffer(queue, index));
    this.#memory.write32(at + 4, 0);
    this.#memory.write32(at + 8, length);
    this.#memory.write16(at + 12, flags);
    this.#memory.write16(ring(queue) + 0x204 + 2 * index, index);
    this.#added[queue] = (this.#added[queue] + 1) & 0xffff;
    this.#memory.store16(ring(queue) + 0x202, this.#added[queue]);
    if (notify) this.#device.write(REG.QUEUE_NOTIFY, 4, queue);
  }
}
