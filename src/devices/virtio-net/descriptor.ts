import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioNet } from './device.ts';
import { VIRTIO_NET } from './facts.ts';
import { NET, NET_WORDS } from './words.ts';

/** The network card of a machine. */
export const virtioNet: VirtioDescription = {
  name: 'virtio-net',
  about: 'a network card, over virtio: `eth0`',
  queues: () => VIRTIO_NET.queues,
  words: () => NET_WORDS,
  state: [NET],
  pciClass: 0x02_00_00,
  create: ({ words, memory, network, openNetwork }) => {
    if (network === undefined) throw new Error('this machine has no network');
    return new VirtioNet({ words, memory, ...network, network: openNetwork });
  },
};
