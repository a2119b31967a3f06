import { strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor, DeviceServices, DeviceSetting } from '../descriptor.ts';
import type { PciDescription } from '../pci/function.ts';
import { deviceNode, interrupts } from '../tree.ts';
import { VIRTIO_MMIO } from './facts.ts';
import type { VirtioFunction } from './function.ts';
import { VirtioMmio } from './mmio.ts';
import { VirtioPci } from './pci.ts';
import { virtioWords } from './words.ts';

/** A kind of virtio device, as a part of machines. */
export interface VirtioDescription extends Pick<DeviceDescriptor, 'name' | 'about'> {
  /** The greatest size of each of its queues: powers of two up to 32768. */
  readonly queues: readonly number[];
  /** Its class on PCI: class, subclass and programming interface, 24 bits. */
  readonly pciClass: number;
  create(services: DeviceServices): VirtioFunction;
}

/** A virtio device behind registers of its own. It has one interrupt source. */
export function overMmio({ name, about, queues, create }: VirtioDescription): DeviceDescriptor {
  return {
    name,
    about,
    wordsFor: () => virtioWords(queues.length),
    create: (services) => {
      const { words, memory, line, wakeIo } = services;
      const device = new VirtioMmio(words, create(services), queues, { memory, irq: line(), wakeIo });
      return { device, work: () => device.work() };
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
  { name, queues, pciClass, create }: VirtioDescription,
  isIn: (setting: DeviceSetting) => boolean,
): PciDescription {
  return {
    name,
    words: VirtioPci.wordsFor(queues.length),
    isIn,
    create: (services) => {
      const { words, memory, line, msi, hasMessages, wakeIo } = services;
      return new VirtioPci(words, create(services), queues, {
        ...{ memory, irq: line(), wakeIo, class: pciClass },
        msi: hasMessages ? msi : undefined,
      });
    },
  };
}
