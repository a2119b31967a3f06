import { strings } from '../../boot/device-tree.ts';
import type { Type } from '../../layout/struct.ts';
import { type DeviceDescriptor, type DeviceServices, type DeviceSetting, EVENT_LANE } from '../descriptor.ts';
import { keptOf } from '../kept-state.ts';
import type { PciDescription } from '../pci/function.ts';
import { deviceNode, interrupts } from '../tree.ts';
import { VIRTIO_MMIO } from './facts.ts';
import type { VirtioFunction } from './function.ts';
import { VirtioMmio } from './mmio.ts';
import { VirtioPci } from './pci.ts';
import { TRANSPORT, virtioWords } from './words.ts';

/** A kind of virtio device, as a part of machines. */
export interface VirtioDescription extends Pick<DeviceDescriptor, 'name' | 'about'> {
  /** The greatest size of each of its queues: powers of two up to 32768. */
  queues(setting: DeviceSetting): readonly number[];
  /** Shared words of its own, which {@link create} is given; none if it is left out. */
  words?(setting: DeviceSetting): number;
  /** The layouts of these. */
  readonly state?: readonly Type[];
  /** The number of the I/O thread that carries out long work; {@link EVENT_LANE} if it is left out. */
  readonly lane?: number;
  /** Its class on PCI: class, subclass and programming interface, 24 bits. */
  readonly pciClass: number;
  create(services: DeviceServices): VirtioFunction;
}

/** A virtio device behind registers of its own. It has one interrupt source. */
export function overMmio(description: VirtioDescription): DeviceDescriptor {
  const { name, about, queues, words = noWords, state = [], lane = EVENT_LANE, create } = description;
  return {
    name,
    about,
    wordsFor: (setting) => virtioWords(queues(setting).length) + words(setting),
    state: () => [TRANSPORT, ...state],
    create: (services) => {
      const { memory, line, wakeIo } = services;
      const sizes = queues(services);
      const device = new VirtioMmio(services.words, create(withOwn(services, words(services))), sizes, {
        memory,
        irq: line(),
        wakeIo: wakerOf(wakeIo, lane),
        witness: services.requests?.(),
      });
      return {
        device,
        work: (of) => of === lane && device.work(),
        save: (of) => (of === lane ? keptOf(0, device.saveFunction()) : []),
        restore: (of, kept) => {
          for (const { bytes } of of === lane ? kept : []) device.restoreFunction(bytes);
        },
        connect: (backends) => device.connect(backends),
      };
    },
    describe: (place) => ({
      soc: [
        deviceNode('virtio_mmio', place, VIRTIO_MMIO.size, [
          ['compatible', strings(VIRTIO_MMIO.compatible)],
          ...interrupts(place),
        ]),
      ],
    }),
  };
}

/**
 * A virtio device as a function of the PCI bus.
 *
 * @param isIn whether a machine has it
 */
export function overPci(
  { name, queues, words = noWords, state = [], lane = EVENT_LANE, pciClass, create }: VirtioDescription,
  isIn: (setting: DeviceSetting) => boolean,
): PciDescription {
  return {
    name,
    lane,
    wordsFor: (setting) => VirtioPci.wordsFor(queues(setting).length) + words(setting),
    state: () => [TRANSPORT, ...VirtioPci.STATE, ...state],
    isIn,
    create: (services) => {
      const { memory, line, msi, hasMessages, wakeIo } = services;
      return new VirtioPci(services.words, create(withOwn(services, words(services))), queues(services), {
        ...{ memory, irq: line(), wakeIo: wakerOf(wakeIo, lane), class: pciClass },
        msi: hasMessages ? msi : undefined,
        witness: services.requests?.(),
      });
    },
  };
}

const noWords = () => 0;

function wakerOf(wakeIo: DeviceServices['wakeIo'], lane: number): (() => void) | undefined {
  return wakeIo === undefined ? undefined : () => wakeIo(lane);
}

/** The services of a device whose own words are the last ones of those of its transport. */
function withOwn(services: DeviceServices, own: number): DeviceServices {
  const { words } = services;
  return { ...services, words: words.subarray(words.length - own) };
}
