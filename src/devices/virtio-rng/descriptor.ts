import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioRng } from './device.ts';
import { VIRTIO_RNG } from './facts.ts';

export const virtioRng: VirtioDescription = {
  name: 'virtio-rng',
  about: 'random numbers of the host, over virtio',
  queues: () => VIRTIO_RNG.queues,
  pciClass: 0x00_ff_00,
  create: ({ memory }) => new VirtioRng(memory, (bytes) => crypto.getRandomValues(bytes)),
};
