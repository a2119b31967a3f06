import { FOLDER_LANE } from '../descriptor.ts';
import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioFs } from './device.ts';
import { VIRTIO_FS } from './facts.ts';

/** A shared folder of the machine. @param share its number */
export const virtioFs = (share: number): VirtioDescription => ({
  name: 'virtio-fs',
  about: 'a folder of the host, over virtio: `mount -t virtiofs TAG /mnt`',
  queues: () => VIRTIO_FS.queues,
  lane: FOLDER_LANE,
  pciClass: 0x01_80_00,
  create: ({ memory, shares = [], openShare, notice }) =>
    new VirtioFs({ memory, share: shares[share], open: () => openShare(share), onTrouble: notice }),
});
