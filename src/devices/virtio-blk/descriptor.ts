import { driveLane } from '../descriptor.ts';
import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioBlk } from './device.ts';
import { VIRTIO_BLK } from './facts.ts';

/** The disk that shows a drive of the machine. @param drive its number */
export const virtioBlk = (drive: number): VirtioDescription => ({
  name: 'virtio-blk',
  about: 'a disk, over virtio: `/dev/vda` and so on',
  queues: () => VIRTIO_BLK.queues,
  lane: driveLane(drive),
  pciClass: 0x01_00_00,
  create: ({ memory, drives = [], openDrive, notice }) =>
    new VirtioBlk({ memory, drive: drives[drive], open: () => openDrive(drive), onTrouble: notice }),
});
