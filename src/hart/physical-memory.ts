import type { DeviceSpace, RamWindow } from './platform.ts';

/** Guest-physical memory: RAM in linear memory, devices elsewhere. Widths are in bytes: 1, 2, 4 or 8. */
export class PhysicalMemory {
  readonly #view: DataView;
  readonly #ram: RamWindow;
  readonly #devices: DeviceSpace;
  /** Result of the last read, zero-extended to 64 bits. */
  low = 0;
  high = 0;

  constructor(memory: WebAssembly.Memory, ram: RamWindow, devices: DeviceSpace) {
    this.#view = new DataView(memory.buffer);
    this.#ram = ram;
    this.#devices = devices;
  }

  /** Address in linear memory of `width` bytes at a physical address, or -1 if they are not all in RAM. */
  hostAddress(address: number, width: number): number {
    const offset = address - this.#ram.base;
    return offset >= 0 && offset + width <= this.#ram.size ? this.#ram.offset + offset : -1;
  }

  /** False: nothing answers at this address, which is an access fault. */
  read(address: number, width: number): boolean {
    const host = this.hostAddress(address, width);
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
    const host = this.hostAddress(address, width);
    if (host >= 0) {
      this.#writeRam(host, width, low, high);
      return true;
    }
    return address % width === 0 && this.#devices.write(address, width, low, high);
  }

  #readRam(host: number, width: number): void {
    const view = this.#view;
    this.high = 0;
    if (width === 1) this.low = view.getUint8(host);
    else if (width === 2) this.low = view.getUint16(host, true);
    else this.low = view.getInt32(host, true);
    if (width === 8) this.high = view.getInt32(host + 4, true);
  }

  #writeRam(host: number, width: number, low: number, high: number): void {
    const view = this.#view;
    if (width === 1) view.setUint8(host, low);
    else if (width === 2) view.setUint16(host, low, true);
    else view.setInt32(host, low, true);
    if (width === 8) view.setInt32(host + 4, high, true);
  }
}
