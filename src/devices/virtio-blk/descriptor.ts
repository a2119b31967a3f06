import { driveLane } from '../descriptor.ts';
import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioBlk } from './device.ts';
import { blkQueues } from './facts.ts';

/** The disk that shows a drive of the machine. @param drive its number */
export const virtioBlk = (drive: number): VirtioDescription => ({
  name: 'virtio-blk',
  about: 'a disk, over virtio: `/dev/vda` and so on',
  queues: ({ cpus }) => blkQueues(cpus),
  lane: driveLane(drive),
  pciClass: 0x01_00_00,
  create: ({ cpus, memory, drives = [], openDrive, openShortDrive, notice }) =>
    new VirtioBlk({
      ...{ memory, drive: drives[drive], queues: blkQueues(cpus).length },
      open: () => openDrive(drive),
      openShort: () => openShortDrive(drive),
      onTrouble: notice,
    }),
});
