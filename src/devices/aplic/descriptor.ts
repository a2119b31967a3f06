import { cells, type DeviceTreeNode, empty, ref, strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor, DevicePlace, DeviceSetting, HartInputs } from '../descriptor.ts';
import { CONTROLLER_LABEL, deviceNode, HART_INTERRUPT, MESSAGES_LABEL, toEveryHart } from '../tree.ts';
import { Aplic, type AplicLevel } from './device.ts';
import { APLIC } from './facts.ts';
import { CONTROLLER } from './words.ts';

/** The label of the machine-level domain; that of the supervisor-level one is the one at which devices have sources. */
const MACHINE_LABEL = 'machine-interrupts';

const EXTERNAL = {
  machine: HART_INTERRUPT.machineExternal,
  supervisor: HART_INTERRUPT.supervisorExternal,
} as const;

/** A domain of the hypervisor has a root at supervisor level: the levels above are not its own. */
function domainsOf({ kind }: DeviceSetting): readonly AplicLevel[] {
  return kind === 'bare' ? ['machine', 'supervisor'] : ['supervisor'];
}

/** Harts with IMSICs take messages only. */
function sendsMessages({ aia }: DeviceSetting): boolean {
  return aia === 'aplic-imsic';
}

export const aplic: DeviceDescriptor = {
  name: 'aplic',
  about: 'advanced platform-level interrupt controller, 96 sources',
  wordsFor: (setting) => Aplic.wordsFor(domainsOf(setting).length, setting.cpus),
  state: () => [CONTROLLER],
  create: ({ words, hartChanged, msi, witness, ...setting }) => {
    const domains = domainsOf(setting);
    const device = new Aplic(words, {
      harts: setting.cpus,
      ...{ domains, witness },
      delivery: sendsMessages(setting)
        ? { msi, guests: setting.aiaGuests ?? 0 }
        : { onChange: (_domain, hart) => hartChanged(hart) },
    });
    return {
      device,
      controller: device,
      ...(sendsMessages(setting) ? {} : { inputs: wires(device, domains) }),
    };
  },
  describe: (place) => {
    const domains = domainsOf(place);
    return {
      soc: domains.map((level, index) => domainNode(place, level, index, index + 1 < domains.length)),
    };
  },
};

function wires(device: Aplic, domains: readonly AplicLevel[]): HartInputs {
  return {
    lines: (hart, wanted) => {
      let lines = 0;
      for (let domain = 0; domain < domains.length; domain++) {
        const bit = 1 << EXTERNAL[domains[domain]];
        if ((wanted & bit) !== 0 && device.signals(domain, hart)) lines |= bit;
      }
      return lines;
    },
  };
}

function domainNode(
  place: DevicePlace,
  level: AplicLevel,
  index: number,
  delegates: boolean,
): DeviceTreeNode {
  const at = { ...place, base: place.base + index * APLIC.supervisorAt };
  const child = ref(CONTROLLER_LABEL);
  return deviceNode(
    'aplic',
    at,
    APLIC.domainSize,
    [
      ['compatible', strings(APLIC.compatible)],
      ['#address-cells', cells(0)],
      ['#interrupt-cells', cells(2)],
      ['interrupt-controller', empty],
      sendsMessages(place)
        ? ['msi-parent', cells(ref(MESSAGES_LABEL[level]))]
        : toEveryHart(place, [EXTERNAL[level]]),
      ['riscv,num-sources', cells(APLIC.sources)],
      ...(delegates
        ? ([
            ['riscv,children', cells(child)],
            ['riscv,delegation', cells(child, 1, APLIC.sources)],
            // Its name in QEMU 7 and OpenSBI 1.2.
            ['riscv,delegate', cells(child, 1, APLIC.sources)],
          ] as const)
        : []),
    ],
    level === 'supervisor' ? CONTROLLER_LABEL : MACHINE_LABEL,
  );
}
