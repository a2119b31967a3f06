import type { Halves } from '../layout/halves.ts';
import type { BusWidth, Device, MessagePort } from './device.ts';

const ALL_WIDTHS = 1 | 2 | 4 | 8;

interface Window {
  /** Guest-physical address of the first byte. */
  readonly base: number;
  /** Guest-physical address after the last byte. */
  readonly end: number;
  /** Guest-physical address of the device's offset 0. */
  readonly origin: number;
  readonly device: Device;
  readonly widths: number;
}

/**
 * Finds the device behind a guest-physical address.
 *
 * Addresses are whole numbers below 2^53. An access that no device answers gives `false` and changes nothing; the
 * hart then raises its access fault. A value read is left in `low` and `high`, so that the path allocates nothing and
 * touches no BigInt. Each thread has its own bus over its own device objects.
 */
export class Bus implements Halves {
  /** The value of the last successful read; its bits 0 to 31. */
  low = 0;
  /** Bits 32 to 63 of the last successful read, 0 for the smaller widths. */
  high = 0;
  readonly #windows: Window[] = [];
  #last: Window | undefined;

  /**
   * Puts a device at an address, with all of its windows.
   *
   * @throws RangeError if a window is not a range of addresses, or overlaps one that is taken
   */
  attach(origin: number, device: Device): void {
    const windows = device.windows ?? [{ offset: 0, size: device.size }];
    for (const { offset, size } of windows) this.#attach(origin + offset, size, origin, device);
  }

  /** The devices and their addresses, in the order they were attached. */
  *devices(): Generator<{ readonly base: number; readonly device: Device }> {
    for (const { base, device } of this.#windows) yield { base, device };
  }

  /** @returns true and the value in `low` and `high`, or false if nothing answers at that address and width. */
  read(address: number, width: BusWidth): boolean {
    const window = this.#find(address, width);
    if (window === undefined) return false;
    const { device } = window;
    const offset = address - window.origin;
    if (width !== 8) {
      this.low = device.read(offset, width);
      this.high = 0;
    } else if (device.read64 !== undefined) {
      device.read64(offset, this);
    } else {
      this.low = device.read(offset, 4);
      this.high = device.read(offset + 4, 4);
    }
    return true;
  }

  /**
   * @param low - the value's low 32 bits, signed or unsigned; bits above the width are dropped
   * @param high - its high 32 bits, used for width 8 only
   * @returns false if nothing answers at that address and width
   */
  write(address: number, width: BusWidth, low: number, high = 0): boolean {
    const window = this.#find(address, width);
    if (window === undefined) return false;
    const { device } = window;
    const offset = address - window.origin;
    if (width !== 8) {
      device.write(offset, width, width === 4 ? low >>> 0 : low & (2 ** (8 * width) - 1));
    } else if (device.write64 !== undefined) {
      device.write64(offset, low >>> 0, high >>> 0);
    } else {
      device.write(offset, 4, low >>> 0);
      device.write(offset + 4, 4, high >>> 0);
    }
    return true;
  }

  #attach(base: number, size: number, origin: number, device: Device): void {
    const end = base + size;
    if (!Number.isSafeInteger(base) || base < 0 || !Number.isSafeInteger(end) || end <= base) {
      throw new RangeError(`${device.name}: no window of ${size} bytes fits at ${base}`);
    }
    const other = this.#windows.find((window) => base < window.end && window.base < end);
    if (other !== undefined) {
      throw new RangeError(
        `${device.name} at 0x${base.toString(16)} overlaps ${other.device.name} at 0x${other.base.toString(16)}`,
      );
    }
    this.#windows.push({ base, end, origin, device, widths: device.widths ?? ALL_WIDTHS });
  }

  /** The interrupt file whose page begins at an address, if there is one that takes messages as they come. */
  messagePort(address: number): MessagePort | undefined {
    const window = this.#windowAt(address);
    return window?.device.messagePort?.(address - window.origin);
  }

  #find(address: number, width: BusWidth): Window | undefined {
    const window = this.#windowAt(address);
    if (window === undefined || address + width > window.end) return undefined;
    return address % width === 0 && (window.widths & width) !== 0 ? window : undefined;
  }

  #windowAt(address: number): Window | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.base && address < last.end) return last;
    for (const window of this.#windows) {
      if (address >= window.base && address < window.end) {
        this.#last = window;
        return window;
      }
    }
    return undefined;
  }
}
