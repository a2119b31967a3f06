import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioVsock } from './device.ts';
import { VIRTIO_VSOCK } from './facts.ts';
import { VSOCK, VSOCK_WORDS } from './words.ts';

/** Sockets between programs in the guest and the program that owns the machine. */
export const virtioVsock: VirtioDescription = {
  name: 'virtio-vsock',
  about: 'sockets between guest and host (`AF_VSOCK`), over virtio',
  queues: () => VIRTIO_VSOCK.queues,
  words: () => VSOCK_WORDS,
  state: [VSOCK],
  pciClass: 0x02_80_00,
  create: ({ words, memory, vsock, tell }) => {
    if (vsock === undefined) throw new Error('this machine has no sockets');
    return new VirtioVsock(words, { memory, cid: vsock.cid, onNotify: () => tell(0) });
  },
};
