import type { AccessWidth, Device, DeviceWindow } from '../device.ts';
import { PCI } from './facts.ts';
import type { PciFunction } from './function.ts';

/** A function, and the slot that it is in. */
export interface Slot {
  readonly number: number;
  /** The number of the function's I/O thread. */
  readonly lane: number;
  readonly function: PciFunction;
}

/**
 * A host bridge with one bus: configuration spaces by ECAM (PCI Express 5.0, section 7.2.2), and a window of memory in
 * which software gives each function its place. Where nothing answers, reads give ones.
 */
export class PciHost implements Device {
  readonly name = 'pci';
  readonly size = PCI.size;
  readonly windows: readonly DeviceWindow[] = [
    { offset: 0, size: PCI.ecamSize },
    { offset: PCI.ecamSize, size: PCI.memorySize },
  ];
  readonly #slots: ReadonlyMap<number, PciFunction>;

  constructor(slots: readonly Slot[]) {
    this.#slots = new Map(slots.map((slot) => [slot.number, slot.function]));
  }

  read(offset: number, width: AccessWidth): number {
    const ones = 2 ** (8 * width) - 1;
    if (offset < PCI.ecamSize) return this.#configured(offset)?.readConfig(offset & 0xfff, width) ?? ones;
    const address = PCI.memory + (offset - PCI.ecamSize);
    const found = this.#at(address);
    return found === undefined ? ones : found.function.read(address - found.base, width);
  }

  write(offset: number, width: AccessWidth, value: number): void {
    if (offset < PCI.ecamSize) {
      this.#configured(offset)?.writeConfig(offset & 0xfff, width, value);
      return;
    }
    const address = PCI.memory + (offset - PCI.ecamSize);
    const found = this.#at(address);
    found?.function.write(address - found.base, width, value);
  }

  /** The function whose configuration space is there: bus, slot and function are 8, 5 and 3 bits of the offset. */
  #configured(offset: number): PciFunction | undefined {
    const place = offset >>> 12;
    return (place & 7) === 0 ? this.#slots.get(place >>> 3) : undefined;
  }

  #at(address: number): { readonly function: PciFunction; readonly base: number } | undefined {
    for (const each of this.#slots.values()) {
      const base = each.windowAt();
      if (base !== undefined && address >= base && address - base < each.size)
        return { function: each, base };
    }
    return undefined;
  }
}
