import { overMmio } from '../virtio/descriptor.ts';
import { VirtioRng } from './device.ts';
import { VIRTIO_RNG } from './facts.ts';

export const virtioRng = overMmio({
  name: 'virtio-rng',
  about: 'random numbers of the host, over virtio',
  queues: VIRTIO_RNG.queues,
  create: ({ memory }) => new VirtioRng(memory, (bytes) => crypto.getRandomValues(bytes)),
});
