import { vi } from 'vitest';
import type { AccessWidth, Device } from '../../src/devices/device.ts';
import { COMMAND, CONFIG } from '../../src/devices/pci/registers.ts';
import type { VirtioFunction } from '../../src/devices/virtio/function.ts';
import { VirtioPci } from '../../src/devices/virtio/pci.ts';
import { COMMON, NOTIFY_STEP, PART } from '../../src/devices/virtio/pci-registers.ts';
import { REG } from '../../src/devices/virtio/registers.ts';
import { createRam, type Rig } from './virtio-driver.ts';

/** The common registers that mean what registers of the MMIO transport mean, and their widths. */
const SAME: ReadonlyMap<number, readonly [number, AccessWidth]> = new Map([
  [REG.DEVICE_FEATURES_SEL, [COMMON.DEVICE_FEATURE_SELECT, 4]],
  [REG.DEVICE_FEATURES, [COMMON.DEVICE_FEATURE, 4]],
  [REG.DRIVER_FEATURES_SEL, [COMMON.DRIVER_FEATURE_SELECT, 4]],
  [REG.DRIVER_FEATURES, [COMMON.DRIVER_FEATURE, 4]],
  [REG.QUEUE_SEL, [COMMON.QUEUE_SELECT, 2]],
  [REG.QUEUE_NUM_MAX, [COMMON.QUEUE_SIZE, 2]],
  [REG.QUEUE_NUM, [COMMON.QUEUE_SIZE, 2]],
  [REG.QUEUE_READY, [COMMON.QUEUE_ENABLE, 2]],
  [REG.QUEUE_DESC, [COMMON.QUEUE_DESC, 4]],
  [REG.QUEUE_DESC + 4, [COMMON.QUEUE_DESC + 4, 4]],
  [REG.QUEUE_DRIVER, [COMMON.QUEUE_DRIVER, 4]],
  [REG.QUEUE_DRIVER + 4, [COMMON.QUEUE_DRIVER + 4, 4]],
  [REG.QUEUE_DEVICE, [COMMON.QUEUE_DEVICE, 4]],
  [REG.QUEUE_DEVICE + 4, [COMMON.QUEUE_DEVICE + 4, 4]],
  [REG.STATUS, [COMMON.DEVICE_STATUS, 1]],
  [REG.CONFIG_GENERATION, [COMMON.CONFIG_GENERATION, 1]],
]);

/** The registers of the MMIO transport before a device on PCI, so that the same driver drives both. */
class AsMmio implements Device {
  readonly name = 'pci';
  readonly size = 0x200;
  readonly #device: VirtioPci;

  constructor(device: VirtioPci) {
    this.#device = device;
  }

  read(offset: number, width: AccessWidth): number {
    if (offset >= REG.CONFIG) return this.#device.read(PART.DEVICE + offset - REG.CONFIG, width);
    if (offset === REG.INTERRUPT_STATUS) return this.#device.read(PART.ISR, 1);
    const same = SAME.get(offset);
    return same === undefined ? 0 : this.#device.read(PART.COMMON + same[0], same[1]);
  }

  write(offset: number, width: AccessWidth, value: number): void {
    if (offset >= REG.CONFIG) this.#device.write(PART.DEVICE + offset - REG.CONFIG, width, value);
    else if (offset === REG.QUEUE_NOTIFY) this.#device.write(PART.NOTIFY + NOTIFY_STEP * value, 2, value);
    const same = SAME.get(offset);
    if (same !== undefined) this.#device.write(PART.COMMON + same[0], same[1], value);
  }
}

/** A device on the PCI bus, with a pin and messages of its own. */
export interface PciRig extends Pick<Rig, 'memory' | 'level'> {
  /** For `VirtioDriver`. */
  readonly device: Device;
  readonly pci: VirtioPci;
  /** Address and data of each message so far. */
  readonly messages: readonly (readonly [number, number])[];
}

/** @param wiring `busMaster: false` leaves the function as a reset leaves it */
export function createPciRig(
  make: (memory: PciRig['memory']) => VirtioFunction,
  sizes: readonly number[],
  wiring: { readonly busMaster?: boolean; readonly messages?: boolean; readonly wakeIo?: () => void } = {},
): PciRig {
  const memory = createRam();
  const words = new Int32Array(new SharedArrayBuffer(4 * VirtioPci.wordsFor(sizes.length)));
  const irq = { set: vi.fn<(level: boolean) => void>() };
  const messages: [number, number][] = [];
  const msi = {
    send: (address: number, data: number) => messages.push([address, data]) > 0,
    supervisorPage: () => 0,
  };
  const pci = new VirtioPci(words, make(memory), sizes, {
    ...{ memory, irq, wakeIo: wiring.wakeIo, class: 0x01_00_00 },
    msi: wiring.messages === false ? undefined : msi,
  });
  if (wiring.busMaster !== false) pci.writeConfig(CONFIG.COMMAND, 2, COMMAND.MEMORY | COMMAND.BUS_MASTER);
  const level = () => irq.set.mock.lastCall?.[0] === true;
  return { device: new AsMmio(pci), pci, memory, level, messages };
}
