import { FOLDER_LANE } from '../descriptor.ts';
import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioBalloon } from './device.ts';
import { VIRTIO_BALLOON } from './facts.ts';
import { BALLOON, BALLOON_WORDS } from './words.ts';

export const virtioBalloon: VirtioDescription = {
  name: 'virtio-balloon',
  about: 'memory that the guest does without, over virtio',
  queues: () => VIRTIO_BALLOON.queues,
  words: () => BALLOON_WORDS,
  state: [BALLOON],
  // Much memory takes some milliseconds to be looked at, for which no network should wait.
  lane: FOLDER_LANE,
  pciClass: 0x00_ff_00,
  create: ({ words, memory }) => new VirtioBalloon(words, memory),
};
