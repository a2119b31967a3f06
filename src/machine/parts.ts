import { aplic } from '../devices/aplic/descriptor.ts';
import { clint } from '../devices/clint/descriptor.ts';
import type { Aia, DeviceDescriptor, DeviceSetting, VirtioTransportName } from '../devices/descriptor.ts';
import { fwCfg } from '../devices/fw-cfg/descriptor.ts';
import { goldfishRtc } from '../devices/goldfish-rtc/descriptor.ts';
import { imsic } from '../devices/imsic/descriptor.ts';
import { pciHost } from '../devices/pci/descriptor.ts';
import type { PciDescription } from '../devices/pci/function.ts';
import { plic } from '../devices/plic/descriptor.ts';
import { testFinisher } from '../devices/test-finisher/descriptor.ts';
import { uart16550 } from '../devices/uart16550/descriptor.ts';
import { overMmio, overPci } from '../devices/virtio/descriptor.ts';
import { virtioBalloon } from '../devices/virtio-balloon/descriptor.ts';
import { virtioBlk } from '../devices/virtio-blk/descriptor.ts';
import { virtioConsole } from '../devices/virtio-console/descriptor.ts';
import { virtioFs } from '../devices/virtio-fs/descriptor.ts';
import { virtioNet } from '../devices/virtio-net/descriptor.ts';
import { virtioRng } from '../devices/virtio-rng/descriptor.ts';
import { virtioVsock } from '../devices/virtio-vsock/descriptor.ts';

/** Guest-physical address of RAM, as on QEMU's `virt`. */
export const RAM_BASE = 0x8000_0000;

/** A device of a machine: where it lies, and how it is wired. */
export interface Part {
  readonly device: DeviceDescriptor;
  /** Guest-physical address of its first byte. */
  readonly base: number;
  /** Its sources at the interrupt controller. */
  readonly sources?: readonly number[];
  /** The kind of machine that has it; both, if there is none. */
  readonly only?: DeviceSetting['kind'];
  /** The settings of `--aia` with which machines have it; all, if there are none. */
  readonly aia?: readonly Aia[];
  /** Machines have it if this says so; all, if it is left out. */
  readonly isIn?: (setting: DeviceSetting) => boolean;
}

/** Of devices that machines have on demand: whether one has it, over that transport. */
const over =
  (transport: VirtioTransportName, has: (setting: DeviceSetting) => boolean) =>
  (setting: DeviceSetting): boolean =>
    (setting.virtio ?? 'pci') === transport && has(setting);

const hasDrive =
  (drive: number) =>
  ({ drives = [] }: DeviceSetting): boolean =>
    drive < drives.length;
const hasShare =
  (share: number) =>
  ({ shares = [] }: DeviceSetting): boolean =>
    share < shares.length;
const hasNetwork = ({ network }: DeviceSetting): boolean => network !== undefined;
const hasSockets = ({ vsock }: DeviceSetting): boolean => vsock !== undefined;
const hasBalloon = ({ balloon = false }: DeviceSetting): boolean => balloon;
const hasPorts = ({ ports = [] }: DeviceSetting): boolean => ports.length > 0;

/** Drives of a machine at most. QEMU's `virt` has eight places for virtio over MMIO, and one is taken. */
export const MOST_DRIVES: Readonly<Record<VirtioTransportName, number>> = { pci: 16, mmio: 7 };

const hasMmioDrives = over('mmio', hasDrive(0));

/** Shared folders of a machine at most. */
export const MOST_SHARES: Readonly<Record<VirtioTransportName, number>> = { pci: 8, mmio: 4 };

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** The functions of the PCI bus, in the order of their slots. One line each. */
const PCI_FUNCTIONS: readonly PciDescription[] = [
  ...numbersTo(MOST_DRIVES.pci).map((drive) => overPci(virtioBlk(drive), over('pci', hasDrive(drive)))),
  overPci(virtioNet, over('pci', hasNetwork)),
  overPci(virtioConsole, over('pci', hasPorts)),
  ...numbersTo(MOST_SHARES.pci).map((share) => overPci(virtioFs(share), over('pci', hasShare(share)))),
  overPci(virtioVsock, over('pci', hasSockets)),
  overPci(virtioBalloon, over('pci', hasBalloon)),
];

/** The devices of our machines, where QEMU's `virt` has them (QEMU's hw/riscv/virt.c). One line each. */
export const PARTS: readonly Part[] = [
  { device: testFinisher, base: 0x10_0000 },
  { device: goldfishRtc, base: 0x10_1000, sources: [11] },
  { device: clint, base: 0x200_0000, only: 'bare' },
  { device: plic, base: 0xc00_0000, aia: ['none'] },
  { device: aplic, base: 0xc00_0000, only: 'bare', aia: ['aplic', 'aplic-imsic'] },
  { device: aplic, base: 0xd00_0000, only: 'domain', aia: ['aplic-imsic'] },
  { device: imsic, base: 0x2400_0000, only: 'bare', aia: ['aplic-imsic'] },
  { device: imsic, base: 0x2800_0000, only: 'domain', aia: ['aplic-imsic'] },
  { device: uart16550, base: 0x1000_0000, sources: [10] },
  // xv6 and other small kernels look for their disk in the first of the places for virtio.
  { device: overMmio(virtioRng), base: 0x1000_1000, sources: [1], isIn: (each) => !hasMmioDrives(each) },
  { device: overMmio(virtioRng), base: 0x1000_8000, sources: [8], isIn: hasMmioDrives },
  ...numbersTo(MOST_DRIVES.mmio).map((drive) => ({
    ...{ device: overMmio(virtioBlk(drive)), base: 0x1000_1000 + 0x1000 * drive, sources: [1 + drive] },
    isIn: over('mmio', hasDrive(drive)),
  })),
  // Behind the places that QEMU's machine has.
  { device: overMmio(virtioNet), base: 0x1000_9000, sources: [9], isIn: over('mmio', hasNetwork) },
  { device: overMmio(virtioConsole), base: 0x1000_a000, sources: [12], isIn: over('mmio', hasPorts) },
  ...numbersTo(MOST_SHARES.mmio).map((share) => ({
    ...{ device: overMmio(virtioFs(share)), base: 0x1000_b000 + 0x1000 * share, sources: [13 + share] },
    isIn: over('mmio', hasShare(share)),
  })),
  { device: overMmio(virtioVsock), base: 0x1000_f000, sources: [17], isIn: over('mmio', hasSockets) },
  { device: overMmio(virtioBalloon), base: 0x1001_0000, sources: [18], isIn: over('mmio', hasBalloon) },
  {
    ...{ device: pciHost(PCI_FUNCTIONS), base: 0x3000_0000, sources: [32, 33, 34, 35] },
    isIn: (setting) => PCI_FUNCTIONS.some((each) => each.isIn(setting)),
  },
  { device: fwCfg, base: 0x1010_0000 },
];

/** The devices of a machine, in the order of the device tree. */
export function partsOf(setting: DeviceSetting): readonly Part[] {
  const { kind, aia = 'none' } = setting;
  return PARTS.filter(
    (part) =>
      (part.only ?? kind) === kind &&
      (part.aia === undefined || part.aia.includes(aia)) &&
      (part.isIn?.(setting) ?? true),
  );
}
