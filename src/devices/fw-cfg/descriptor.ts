import { empty, strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor } from '../descriptor.ts';
import { deviceNode } from '../tree.ts';
import { FwCfg } from './device.ts';
import { FW_CFG } from './facts.ts';
import { describe } from './items.ts';
import { FW_CFG_WORDS } from './words.ts';

export const fwCfg: DeviceDescriptor = {
  name: 'fw-cfg',
  about: "QEMU's firmware configuration: items about the machine to be read",
  wordsFor: () => FwCfg.WORDS,
  state: () => [FW_CFG_WORDS],
  create: ({ words, memory, kind, cpus }) => {
    return { device: new FwCfg(words, describe({ kind, cpus, ramBytes: memory.size }), memory) };
  },
  describe: (place) => ({
    soc: [
      deviceNode('fw-cfg', place, FW_CFG.size, [
        ['compatible', strings(FW_CFG.compatible)],
        ['dma-coherent', empty],
      ]),
    ],
  }),
};
