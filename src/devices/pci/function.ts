import type { Type } from '../../layout/struct.ts';
import type { Backends } from '../backends.ts';
import type { DeviceServices, DeviceSetting, HostSide } from '../descriptor.ts';
import type { AccessWidth, Device, LineSink } from '../device.ts';

/**
 * A function of the PCI bus: a device whose window guests place by its configuration space. Accesses to both run on the
 * thread of the hart that makes them.
 */
export interface PciFunction extends Device {
  /** @param offset below 4096, aligned to the width */
  readConfig(offset: number, width: AccessWidth): number;
  writeConfig(offset: number, width: AccessWidth, value: number): void;
  /** PCI address at which its window begins; undefined while it answers nowhere. */
  windowAt(): number | undefined;
  /** Does some of the work that may take long, on its I/O thread. @returns whether there may be more */
  work?(): boolean;
  /** As those of a device's instance, on its I/O thread. */
  saveFunction?(): Iterable<Uint8Array>;
  restoreFunction?(saved: Uint8Array): void;
  /** Makes the host's side, where the function has one; it hears of all events of the function as one, number 0. */
  connect?(backends: Backends): HostSide | undefined;
}

/** All that a function is made from: its wire is that of its pin. */
export interface PciServices extends DeviceServices {
  line(): LineSink;
  /** Whether messages reach interrupt files in this machine. */
  readonly hasMessages: boolean;
}

/** A kind of function, as a part of machines. */
export interface PciDescription {
  readonly name: string;
  /** The number of its I/O thread. */
  readonly lane: number;
  /** Shared words that it needs. */
  wordsFor(setting: DeviceSetting): number;
  /** The layouts that these words are in. */
  state(): readonly Type[];
  /** Whether a machine has it. */
  isIn(setting: DeviceSetting): boolean;
  create(services: PciServices): PciFunction;
}
