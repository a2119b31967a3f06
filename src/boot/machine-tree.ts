import { TICKS_PER_SECOND } from '../time/ticks.ts';
import {
  bytes,
  cells,
  type DeviceTree,
  type DeviceTreeNode,
  type DeviceTreeProperty,
  empty,
  node,
  strings,
  u64s,
} from './device-tree.ts';

/** Address translation of a cpu, in the binding's words (`riscv/cpus.yaml`). */
export type MmuType = 'riscv,sv32' | 'riscv,sv39' | 'riscv,sv48' | 'riscv,sv57' | 'riscv,none';

/** The devices of a machine, as its tree has them. */
export interface DescribedDevices {
  /** Below `/soc`. */
  readonly soc: readonly DeviceTreeNode[];
  /** Beside it. */
  readonly root: readonly DeviceTreeNode[];
  /** Path of the node for `stdout-path`. */
  readonly console?: string;
}

/** The machine that {@link machineTree} describes. */
export interface MachineDescription {
  /** Harts, numbered 0 and up. */
  readonly cpus: number;
  /** Guest-physical address of RAM. */
  readonly ramBase: number;
  /** RAM in bytes. */
  readonly memorySize: number;
  readonly devices: DescribedDevices;
  /** Extensions in canonical order: single letters (without the base `i`), then names such as `zicsr`. */
  readonly extensions: readonly string[];
  readonly mmuType: MmuType;
  /** The counters of events that firmware may give to SBI's PMU, as bits by number; none unless given. */
  readonly eventCounters?: number;
  /** Width of the harts: 64 unless given. */
  readonly xlen?: 32 | 64;
  /** The kernel command line. Without any words there is no property, as with QEMU. */
  readonly bootArgs?: string;
  /** Where the initrd lies, end exclusive. */
  readonly initrd?: { readonly start: number; readonly end: number };
  /** Memory that the kernel must leave alone, end exclusive. */
  readonly reserved?: { readonly start: number; readonly end: number };
  /** Randomness for the kernel's generator; the kernel wipes it. */
  readonly rngSeed?: Uint8Array;
}

/**
 * The device tree of hartvisor's machine, laid out as QEMU's `virt` so that software for that one runs unchanged.
 *
 * @throws RangeError when there is no cpu or no memory.
 */
export function machineTree(machine: MachineDescription): DeviceTree {
  if (!Number.isInteger(machine.cpus) || machine.cpus < 1)
    throw new RangeError('a machine has at least one cpu');
  if (machine.memorySize <= 0) throw new RangeError('a machine has memory');
  const root = node(
    '',
    [
      ['#address-cells', cells(2)],
      ['#size-cells', cells(2)],
      ['compatible', strings('riscv-virtio')],
      ['model', strings('hartvisor,virt')],
    ],
    [
      chosen(machine),
      node(`memory@${machine.ramBase.toString(16)}`, [
        ['device_type', strings('memory')],
        ['reg', u64s(machine.ramBase, machine.memorySize)],
      ]),
      cpus(machine),
      ...pmu(machine.eventCounters),
      ...machine.devices.root,
      soc(machine.devices),
    ],
  );
  const { reserved } = machine;
  const reservations =
    reserved === undefined ? [] : [{ address: reserved.start, size: reserved.end - reserved.start }];
  return { root, bootCpu: 0, reservations };
}

/** Events of the counters, by the SBI's numbers, which are those for mhpmevent too (`riscv,pmu`). */
function pmu(eventCounters = 0): DeviceTreeNode[] {
  if (eventCounters === 0) return [];
  const [cycles, instructions] = [1, 2];
  const counters = [
    ...[cycles, cycles, eventCounters | FIXED_COUNTERS.cycle],
    ...[instructions, instructions, eventCounters | FIXED_COUNTERS.instret],
  ];
  return [
    node('pmu', [
      ['compatible', strings('riscv,pmu')],
      ['riscv,event-to-mhpmcounters', cells(...counters)],
    ]),
  ];
}

/** mcycle and minstret, as bits by number. */
const FIXED_COUNTERS = { cycle: 1 << 0, instret: 1 << 2 } as const;

/** The ISA string of the older binding, `riscv,isa`: single letters, then the others behind underscores. */
export function isaString(extensions: readonly string[], xlen: 32 | 64 = 64): string {
  const single = extensions.filter((name) => name.length === 1);
  const multiple = extensions.filter((name) => name.length > 1);
  return [`rv${xlen}i${single.join('')}`, ...multiple].join('_');
}

function chosen(machine: MachineDescription): DeviceTreeNode {
  const properties: DeviceTreeProperty[] = [];
  const { console } = machine.devices;
  if (console !== undefined) properties.push(['stdout-path', strings(console)]);
  if (machine.bootArgs) properties.push(['bootargs', strings(machine.bootArgs)]);
  if (machine.initrd !== undefined) {
    properties.push(['linux,initrd-start', u64s(machine.initrd.start)]);
    properties.push(['linux,initrd-end', u64s(machine.initrd.end)]);
  }
  if (machine.rngSeed !== undefined) properties.push(['rng-seed', bytes(machine.rngSeed)]);
  return node('chosen', properties);
}

function cpus(machine: MachineDescription): DeviceTreeNode {
  return node(
    'cpus',
    [
      ['#address-cells', cells(1)],
      ['#size-cells', cells(0)],
      ['timebase-frequency', cells(TICKS_PER_SECOND)],
    ],
    Array.from({ length: machine.cpus }, (_, hart) => cpu(machine, hart)),
  );
}

function cpu(machine: MachineDescription, hart: number): DeviceTreeNode {
  const { extensions, xlen = 64 } = machine;
  const properties: DeviceTreeProperty[] = [
    ['device_type', strings('cpu')],
    ['reg', cells(hart)],
    ['status', strings('okay')],
    ['compatible', strings('riscv')],
    // Linux 6.5 and older know only the string; newer ones prefer the list.
    ['riscv,isa', strings(isaString(extensions, xlen))],
    ['riscv,isa-base', strings(`rv${xlen}i`)],
    ['riscv,isa-extensions', strings('i', ...extensions)],
    ['mmu-type', strings(machine.mmuType)],
  ];
  if (extensions.includes('zicbom')) properties.push(['riscv,cbom-block-size', cells(64)]);
  if (extensions.includes('zicbop')) properties.push(['riscv,cbop-block-size', cells(64)]);
  if (extensions.includes('zicboz')) properties.push(['riscv,cboz-block-size', cells(64)]);
  const interruptController = node(
    'interrupt-controller',
    [
      ['#address-cells', cells(0)],
      ['#interrupt-cells', cells(1)],
      ['interrupt-controller', empty],
      ['compatible', strings('riscv,cpu-intc')],
    ],
    [],
    hartLabel(hart),
  );
  return node(`cpu@${hart.toString(16)}`, properties, [interruptController]);
}

/** Label of the node of a hart's interrupt inputs. */
export function hartLabel(hart: number): string {
  return `intc${hart}`;
}

function soc({ soc }: DescribedDevices): DeviceTreeNode {
  return node(
    'soc',
    [
      ['#address-cells', cells(2)],
      ['#size-cells', cells(2)],
      ['compatible', strings('simple-bus')],
      ['ranges', empty],
    ],
    soc,
  );
}
