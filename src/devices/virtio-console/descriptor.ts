import type { VirtioDescription } from '../virtio/descriptor.ts';
import { VirtioConsole } from './device.ts';
import { VIRTIO_CONSOLE } from './facts.ts';
import { CONSOLE, consoleWords } from './words.ts';

const { queueSize, controlSize } = VIRTIO_CONSOLE;

export const virtioConsole: VirtioDescription = {
  name: 'virtio-console',
  about: 'terminals (`/dev/hvc0` and so on) and channels with names, over virtio',
  queues: ({ ports = [] }) => [
    ...[queueSize, queueSize, controlSize, controlSize],
    ...ports.slice(1).flatMap(() => [queueSize, queueSize]),
  ],
  words: ({ ports = [] }) => consoleWords(ports),
  state: [CONSOLE],
  pciClass: 0x07_80_00,
  create: ({ words, memory, ports = [], tell }) =>
    new VirtioConsole(words, { memory, ports, onNotify: () => tell(0) }),
};
