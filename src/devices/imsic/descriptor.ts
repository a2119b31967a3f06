import { cells, type DeviceTreeNode, empty, strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor, DevicePlace, DeviceSetting } from '../descriptor.ts';
import { deviceNode, HART_INTERRUPT, MESSAGES_LABEL, toEveryHart } from '../tree.ts';
import { guestIndexBits, Imsic, type ImsicLevel } from './device.ts';
import { IMSIC } from './facts.ts';
import { CONTROLLERS } from './words.ts';

const EXTERNAL = {
  machine: HART_INTERRUPT.machineExternal,
  supervisor: HART_INTERRUPT.supervisorExternal,
} as const;

/** In a domain of the hypervisor the files of other levels are not the guest's. */
function levelsOf({ kind }: DeviceSetting): readonly ImsicLevel[] {
  return kind === 'bare' ? ['machine', 'supervisor'] : ['supervisor'];
}

export const imsic: DeviceDescriptor = {
  name: 'imsic',
  about: 'incoming MSI controllers of the harts, 255 identities a file',
  wordsFor: (setting) => Imsic.wordsFor(setting.cpus, levelsOf(setting).length + (setting.aiaGuests ?? 0)),
  state: () => [CONTROLLERS],
  create: ({ words, hartChanged, witness, ...setting }) => {
    const levels = levelsOf(setting);
    const device = new Imsic(words, {
      harts: setting.cpus,
      levels,
      guests: setting.aiaGuests ?? 0,
      onArrival: hartChanged,
      witness,
    });
    return {
      device,
      interruptFiles: device,
      inputs: {
        lines: (hart, wanted) => {
          let lines = 0;
          for (let number = 0; number < levels.length; number++) {
            const bit = 1 << EXTERNAL[levels[number]];
            if ((wanted & bit) !== 0 && device.file(hart, number)?.asserts() === true) lines |= bit;
          }
          return lines;
        },
      },
    };
  },
  describe: (place) => ({ soc: levelsOf(place).map((level) => filesNode(place, level)) }),
};

function filesNode(place: DevicePlace, level: ImsicLevel): DeviceTreeNode {
  const guestBits = guestIndexBits(place.aiaGuests ?? 0);
  const isGuests = level === 'supervisor' && guestBits > 0;
  const below = place.kind === 'bare' && level === 'supervisor' ? IMSIC.supervisorAt : 0;
  const size = place.cpus * 0x1000 * (isGuests ? 2 ** guestBits : 1);
  return deviceNode(
    'imsics',
    { ...place, base: place.base + below },
    size,
    [
      ['compatible', strings(IMSIC.compatible)],
      ['#address-cells', cells(0)],
      ['#interrupt-cells', cells(0)],
      ['interrupt-controller', empty],
      ['msi-controller', empty],
      ['#msi-cells', cells(0)],
      toEveryHart(place, [EXTERNAL[level]]),
      ['riscv,num-ids', cells(IMSIC.identities)],
      ...(isGuests ? ([['riscv,guest-index-bits', cells(guestBits)]] as const) : []),
      ['riscv,ipi-id', cells(IMSIC.ipi)],
    ],
    MESSAGES_LABEL[level],
  );
}
