import { cells, empty, strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor, DeviceSetting } from '../descriptor.ts';
import { CONTROLLER_LABEL, deviceNode, HART_INTERRUPT, toEveryHart } from '../tree.ts';
import { Plic } from './device.ts';
import { PLIC } from './facts.ts';
import { CONTROLLER } from './words.ts';

/**
 * The interrupts of each hart that the controller drives. Its contexts are numbered in this order, hart by hart: so the
 * device tree says, and so drivers find them.
 */
function targetsOf({ kind }: DeviceSetting): readonly number[] {
  const { machineExternal, supervisorExternal } = HART_INTERRUPT;
  return kind === 'bare' ? [machineExternal, supervisorExternal] : [supervisorExternal];
}

export const plic: DeviceDescriptor = {
  name: 'plic',
  about: 'platform-level interrupt controller, 95 sources',
  wordsFor: (setting) => Plic.wordsFor(setting.cpus * targetsOf(setting).length),
  state: () => [CONTROLLER],
  create: ({ words, hartChanged, witness, ...setting }) => {
    const targets = targetsOf(setting);
    const hartOf = (context: number) => Math.floor(context / targets.length);
    const device = new Plic(words, {
      contexts: setting.cpus * targets.length,
      onContextChange: (context) => hartChanged(hartOf(context)),
      witness: witness && {
        wire: (source, level) => witness.wire(source, level),
        claim: (context, source) => witness.claim(hartOf(context), source),
      },
    });
    return {
      device,
      controller: device,
      inputs: {
        lines: (hart, wanted) => {
          let lines = 0;
          for (let index = 0; index < targets.length; index++) {
            const bit = 1 << targets[index];
            if ((wanted & bit) !== 0 && device.contextPending(hart * targets.length + index)) lines |= bit;
          }
          return lines;
        },
      },
    };
  },
  describe: (place) => ({
    soc: [
      deviceNode(
        'plic',
        place,
        PLIC.size,
        [
          ['compatible', strings(...PLIC.compatible)],
          ['#address-cells', cells(0)],
          ['#interrupt-cells', cells(1)],
          ['interrupt-controller', empty],
          toEveryHart(place, targetsOf(place)),
          ['riscv,ndev', cells(PLIC.sources)],
        ],
        CONTROLLER_LABEL,
      ),
    ],
  }),
};
