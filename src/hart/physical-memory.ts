import type { GuestMemory, HostOffset } from '../memory/guest-memory.ts';
import type { DeviceSpace, MessagePort } from './platform.ts';

/**
 * Guest-physical memory as a hart accesses it: RAM in linear memory, devices elsewhere. Widths are in bytes: 1, 2, 4 or
 * 8.
 *
 * An aligned access to RAM is one access to linear memory, as the memory model wants it: other harts never see or leave
 * half of it.
 */
export class PhysicalMemory {
  readonly ram: GuestMemory;
  readonly #bytes: Uint8Array;
  readonly #halfwords: Uint16Array;
  readonly #words: Int32Array;
  readonly #doubles: BigInt64Array;
  readonly #devices: DeviceSpace;
  /** Result of the last read, zero-extended to 64 bits. */
  low = 0;
  high = 0;

  constructor(ram: GuestMemory, devices: DeviceSpace) {
    const { buffer } = ram.linear;
    this.ram = ram;
    this.#bytes = new Uint8Array(buffer);
    this.#halfwords = new Uint16Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#doubles = new BigInt64Array(buffer);
    this.#devices = devices;
  }

  /** False: nothing answers at this address, which is an access fault. */
  read(address: number, width: number): boolean {
    const host = this.ram.offsetOf(address, width);
    if (host >= 0) {
      this.#readRam(host, width);
      return true;
    }
    if (address % width !== 0 || !this.#devices.read(address, width)) return false;
    this.low = this.#devices.low;
    this.high = width === 8 ? this.#devices.high : 0;
    return true;
  }

  write(address: number, width: number, low: number, high: number): boolean {
    const host = this.ram.offsetOf(address, width);
    if (host >= 0) {
      this.#writeRam(host, width, low, high);
      return true;
    }
    return address % width === 0 && this.#devices.write(address, width, low, high);
  }

  /** The interrupt file whose page begins at an address, if there is one that takes messages as they come. */
  messagePort(address: number): MessagePort | undefined {
    return this.#devices.messagePort?.(address);
  }

  /** Reads `width` bytes of RAM, of which `first` are at `start` in linear memory and the others at `next`. */
  readParts(start: HostOffset, first: number, next: HostOffset, width: number): void {
    this.low = 0;
    this.high = 0;
    for (let index = 0; index < width; index++) {
      const byte = this.#bytes[index < first ? start + index : next + index - first] as number;
      if (index < 4) this.low |= byte << (index * 8);
      else this.high |= byte << ((index - 4) * 8);
    }
  }

  writeParts(
    start: HostOffset,
    first: number,
    next: HostOffset,
    width: number,
    low: number,
    high: number,
  ): void {
    for (let index = 0; index < width; index++) {
      const byte = index < 4 ? low >>> (index * 8) : high >>> ((index - 4) * 8);
      this.#bytes[index < first ? start + index : next + index - first] = byte;
    }
  }

  /** Writes zeros. False, and nothing is written, unless all of it is RAM. */
  clear(address: number, bytes: number): boolean {
    const host = this.ram.offsetOf(address, bytes);
    if (host < 0) return false;
    this.#bytes.fill(0, host, host + bytes);
    return true;
  }

  #readRam(host: HostOffset, width: number): void {
    if (host % width !== 0) {
      this.readParts(host, width, 0, width);
      return;
    }
    this.high = 0;
    if (width === 1) this.low = this.#bytes[host] as number;
    else if (width === 2) this.low = this.#halfwords[host >>> 1] as number;
    else if (width === 4) this.low = this.#words[host >>> 2] as number;
    else {
      // In one piece; pairs with 64-bit stores of other harts.
      const value = Atomics.load(this.#doubles, host >>> 3);
      this.low = Number(BigInt.asIntN(32, value));
      this.high = Number(BigInt.asIntN(32, value >> 32n));
    }
  }

  #writeRam(host: HostOffset, width: number, low: number, high: number): void {
    if (host % width !== 0) this.writeParts(host, width, 0, width, low, high);
    else if (width === 1) this.#bytes[host] = low;
    else if (width === 2) this.#halfwords[host >>> 1] = low;
    else if (width === 4) this.#words[host >>> 2] = low;
    // In one piece; pairs with 64-bit loads of other harts.
    else Atomics.store(this.#doubles, host >>> 3, (BigInt(high) << 32n) | BigInt(low >>> 0));
  }
}
