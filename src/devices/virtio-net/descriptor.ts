import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioNet } from './device.ts';
import { VIRTIO_NET } from './facts.ts';

/** The network card of a machine. */
export const virtioNet: VirtioDescription = {
  name: 'virtio-net',
  about: 'a network card, over virtio: `eth0`',
  queues: () => VIRTIO_NET.queues,
  pciClass: 0x02_00_00,
  create: ({ memory, network, openNetwork }) => {
    if (network === undefined) throw new Error('this machine has no network');
    return new VirtioNet({ memory, ...network, network: openNetwork });
  },
};
