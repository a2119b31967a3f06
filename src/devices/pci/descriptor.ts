import { cells, type DeviceTreeProperty, empty, ref, strings } from '../../boot/device-tree.ts';
import type {
  DeviceDescriptor,
  DeviceInstance,
  DevicePlace,
  DeviceServices,
  DeviceSetting,
  KeptState,
} from '../descriptor.ts';
import { keptOf } from '../kept-state.ts';
import { CONTROLLER_LABEL, deviceNode, MESSAGES_LABEL, sourceCells } from '../tree.ts';
import { PciHost, type Slot } from './device.ts';
import { PCI } from './facts.ts';
import type { PciDescription } from './function.ts';
import { PciHostSide } from './host.ts';
import { PciPins, wireOf } from './pins.ts';

/** The first slot is the host bridge's own on QEMU's `virt`. */
const FIRST_SLOT = 1;
const PINS = 4;
/** The kind of a range of addresses: memory of 32 bits (IEEE 1275, PCI bus binding, section 2.2.1.1). */
const MEMORY_32 = 0x0200_0000;

/** A PCI bus with those functions that a machine has. It has four interrupt sources. */
export function pciHost(functions: readonly PciDescription[]): DeviceDescriptor {
  const functionsIn = (setting: DeviceSetting) => functions.filter((each) => each.isIn(setting));
  return {
    name: 'pci',
    about: 'PCI bus with the virtio devices',
    wordsFor: (setting) =>
      functionsIn(setting).reduce((sum, each) => sum + each.wordsFor(setting), PciPins.WORDS),
    state: (setting) => [PciPins.STATE, ...functionsIn(setting).flatMap((each) => each.state())],
    create: (services) => createHost(services, functionsIn(services)),
    slots: (setting) =>
      functionsIn(setting).map(({ name }, index) => ({
        name: `${name} in slot ${FIRST_SLOT + index}`,
        slot: FIRST_SLOT + index,
      })),
    describe: (place) => ({ soc: [deviceNode('pci', place, PCI.ecamSize, properties(place))] }),
  };
}

function createHost(services: DeviceServices, functions: readonly PciDescription[]): DeviceInstance {
  const { words, line, aia } = services;
  const wires = Array.from({ length: PCI.wires }, (_, index) => line(index));
  const pins = new PciPins(words, wires);
  let next: number = PciPins.WORDS;
  const slots = functions.map((each, index): Slot => {
    const number = FIRST_SLOT + index;
    const own = words.subarray(next, next + each.wordsFor(services));
    next += own.length;
    const line = () => pins.pin(number);
    // An event of the bus is that of a slot.
    const tell = () => services.tell(number);
    const { requests: ofSlot } = services;
    const requests = ofSlot && (() => ofSlot(number));
    const hasMessages = aia === 'aplic-imsic';
    const created = each.create({ ...services, words: own, line, tell, hasMessages, requests });
    return { number, lane: each.lane, function: created };
  });
  return {
    device: new PciHost(slots),
    work: (lane) =>
      slots.reduce(
        (worked, each) => (each.lane === lane && each.function.work?.() === true) || worked,
        false,
      ),
    save: (lane) => keptOfAll(slots.filter((each) => each.lane === lane)),
    restore: (lane, kept) => {
      for (const { part, bytes } of kept) {
        const slot = slots.find((each) => each.number === part && each.lane === lane);
        slot?.function.restoreFunction?.(bytes);
      }
    },
    connect: (backends) => new PciHostSide(slots, backends),
  };
}

function* keptOfAll(slots: readonly Slot[]): Generator<KeptState> {
  for (const each of slots) yield* keptOf(each.number, each.function.saveFunction?.());
}

function properties(place: DevicePlace): DeviceTreeProperty[] {
  const memory = place.base + PCI.ecamSize;
  return [
    ['compatible', strings(PCI.compatible)],
    ['device_type', strings('pci')],
    ['#address-cells', cells(3)],
    ['#size-cells', cells(2)],
    ['#interrupt-cells', cells(1)],
    ['bus-range', cells(0, PCI.ecamSize / 2 ** 20 - 1)],
    ['linux,pci-domain', cells(0)],
    ['dma-coherent', empty],
    ['ranges', cells(MEMORY_32, 0, PCI.memory, 0, memory, 0, PCI.memorySize)],
    ...(place.aia === 'aplic-imsic'
      ? ([['msi-parent', cells(ref(MESSAGES_LABEL.supervisor))]] as const)
      : []),
    // The wires repeat every four slots: the lower two bits of a slot's number decide, beside the pin.
    ['interrupt-map-mask', cells((PCI.wires - 1) << 11, 0, 0, 7)],
    ['interrupt-map', cells(...interruptMap(place))],
  ];
}

function interruptMap(place: DevicePlace): (number | ReturnType<typeof ref>)[] {
  const slots = Array.from({ length: PCI.wires }, (_, slot) => slot);
  const pins = Array.from({ length: PINS }, (_, pin) => pin);
  return slots.flatMap((slot) =>
    pins.flatMap((pin) => {
      const source = place.sources[wireOf(slot + pin)];
      return [slot << 11, 0, 0, pin + 1, ref(CONTROLLER_LABEL), ...sourceCells(place, source)];
    }),
  );
}
