import { strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor } from '../descriptor.ts';
import { deviceNode, HART_INTERRUPT, toEveryHart } from '../tree.ts';
import { Clint } from './device.ts';
import { CLINT } from './facts.ts';
import { CLINT_WORDS } from './words.ts';

const SOFTWARE = 1 << HART_INTERRUPT.machineSoftware;
const TIMER = 1 << HART_INTERRUPT.machineTimer;

export const clint: DeviceDescriptor = {
  name: 'clint',
  about: 'machine timer and software interrupts, for bare machines',
  wordsFor: ({ cpus }) => Clint.wordsFor(cpus),
  state: () => [CLINT_WORDS],
  create: ({ words, clock, cpus, hartChanged }) => {
    const device = new Clint(words, { harts: cpus, clock, onChange: hartChanged });
    return {
      device,
      inputs: {
        lines: (hart, wanted) =>
          ((wanted & SOFTWARE) !== 0 && device.softPending(hart) ? SOFTWARE : 0) |
          ((wanted & TIMER) !== 0 && device.timerPending(hart) ? TIMER : 0),
        deadline: (hart) => device.deadline(hart),
      },
    };
  },
  describe: (place) => ({
    soc: [
      deviceNode('clint', place, CLINT.size, [
        ['compatible', strings(...CLINT.compatible)],
        toEveryHart(place, [HART_INTERRUPT.machineSoftware, HART_INTERRUPT.machineTimer]),
      ]),
    ],
  }),
};
