import {
  bytes,
  cells,
  type DeviceTree,
  type DeviceTreeNode,
  type DeviceTreeProperty,
  empty,
  node,
  ref,
  strings,
  u64s,
} from './device-tree.ts';

/** The physical memory map, that of QEMU's `virt` machine (QEMU's `docs/system/riscv/virt.rst`). Bytes. */
export const memoryMap = {
  testFinisher: { base: 0x0010_0000, size: 0x1000 },
  rtc: { base: 0x0010_1000, size: 0x1000 },
  clint: { base: 0x0200_0000, size: 0x1_0000 },
  plic: { base: 0x0c00_0000, size: 0x60_0000 },
  uart: { base: 0x1000_0000, size: 0x100 },
  ramBase: 0x8000_0000,
} as const;

/** PLIC sources of the devices. */
export const interruptSource = { uart: 10, rtc: 11 } as const;

/** The last PLIC source number. */
export const plicSources = 95;

/** Ticks of the `time` CSR in a second. */
export const timebaseFrequency = 10_000_000;

/** Input clock of the UART in Hz, which with divisor 2 gives 115200 baud. */
const uartClock = 3_686_400;

/** Values that end the machine when they are written to the test finisher (SiFive's `test` device). */
export const finisherValue = { powerOff: 0x5555, fail: 0x3333, reset: 0x7777 } as const;

/** Interrupt numbers of a hart (privileged architecture, table of `mcause` values). */
const hartInterrupt = {
  machineSoftware: 3,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
} as const;

/** Address translation of a cpu, in the binding's words (`riscv/cpus.yaml`). */
export type MmuType = 'riscv,sv39' | 'riscv,sv48' | 'riscv,sv57' | 'riscv,none';

/** What {@link machineTree} describes. */
export interface MachineDescription {
  /**
   * `domain`: a guest below the hypervisor, which owns S-mode and calls the SBI. `bare`: software starts in M-mode
   * and finds a CLINT.
   */
  readonly kind: 'domain' | 'bare';
  /** Harts, numbered 0 and up. */
  readonly cpus: number;
  /** RAM at {@link memoryMap}.ramBase, in bytes. */
  readonly memorySize: number;
  /** Extensions in canonical order: single letters (without the base `i`), then names such as `zicsr`. */
  readonly extensions: readonly string[];
  readonly mmuType: MmuType;
  /** The kernel command line. Without any words there is no property, as with QEMU. */
  readonly bootArgs?: string;
  /** Where the initrd lies, end exclusive. */
  readonly initrd?: { readonly start: number; readonly end: number };
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
      node(unitName('memory', memoryMap.ramBase), [
        ['device_type', strings('memory')],
        ['reg', u64s(memoryMap.ramBase, machine.memorySize)],
      ]),
      cpus(machine),
      powerNode('poweroff', finisherValue.powerOff),
      powerNode('reboot', finisherValue.reset),
      soc(machine),
    ],
  );
  return { root, bootCpu: 0, reservations: [] };
}

/** The ISA string of the older binding, `riscv,isa`: single letters, then the others behind underscores. */
export function isaString(extensions: readonly string[]): string {
  const single = extensions.filter((name) => name.length === 1);
  const multiple = extensions.filter((name) => name.length > 1);
  return [`rv64i${single.join('')}`, ...multiple].join('_');
}

function unitName(name: string, address: number): string {
  return `${name}@${address.toString(16)}`;
}

function chosen(machine: MachineDescription): DeviceTreeNode {
  const properties: DeviceTreeProperty[] = [
    ['stdout-path', strings(`/soc/${unitName('serial', memoryMap.uart.base)}`)],
  ];
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
      ['timebase-frequency', cells(timebaseFrequency)],
    ],
    Array.from({ length: machine.cpus }, (_, hart) => cpu(machine, hart)),
  );
}

function cpu(machine: MachineDescription, hart: number): DeviceTreeNode {
  const { extensions } = machine;
  const properties: DeviceTreeProperty[] = [
    ['device_type', strings('cpu')],
    ['reg', cells(hart)],
    ['status', strings('okay')],
    ['compatible', strings('riscv')],
    // Linux 6.5 and older know only the string; newer ones prefer the list.
    ['riscv,isa', strings(isaString(extensions))],
    ['riscv,isa-base', strings('rv64i')],
    ['riscv,isa-extensions', strings('i', ...extensions)],
    ['mmu-type', strings(machine.mmuType)],
  ];
  if (extensions.includes('zicbom')) properties.push(['riscv,cbom-block-size', cells(64)]);
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
    intcLabel(hart),
  );
  return node(`cpu@${hart.toString(16)}`, properties, [interruptController]);
}

function intcLabel(hart: number): string {
  return `intc${hart}`;
}

/** `interrupts-extended` of a controller that feeds these interrupts of every hart, hart by hart. */
function toEveryHart(machine: MachineDescription, interrupts: readonly number[]) {
  const harts = Array.from({ length: machine.cpus }, (_, hart) => hart);
  return cells(...harts.flatMap((hart) => interrupts.flatMap((number) => [ref(intcLabel(hart)), number])));
}

const finisherLabel = 'test';
const plicLabel = 'plic';

function powerNode(name: string, value: number): DeviceTreeNode {
  return node(name, [
    ['compatible', strings(`syscon-${name}`)],
    ['regmap', cells(ref(finisherLabel))],
    ['offset', cells(0)],
    ['value', cells(value)],
  ]);
}

interface Region {
  readonly base: number;
  readonly size: number;
}

function device(
  name: string,
  region: Region,
  properties: readonly DeviceTreeProperty[],
  label?: string,
): DeviceTreeNode {
  return node(
    unitName(name, region.base),
    [['reg', u64s(region.base, region.size)], ...properties],
    [],
    label,
  );
}

function wiredTo(source: number): DeviceTreeProperty[] {
  return [
    ['interrupt-parent', cells(ref(plicLabel))],
    ['interrupts', cells(source)],
  ];
}

function soc(machine: MachineDescription): DeviceTreeNode {
  const devices = [
    device(
      'test',
      memoryMap.testFinisher,
      [['compatible', strings('sifive,test1', 'sifive,test0', 'syscon')]],
      finisherLabel,
    ),
    device('rtc', memoryMap.rtc, [
      ['compatible', strings('google,goldfish-rtc')],
      ...wiredTo(interruptSource.rtc),
    ]),
    ...(machine.kind === 'bare' ? [clint(machine)] : []),
    plic(machine),
    device('serial', memoryMap.uart, [
      ['compatible', strings('ns16550a')],
      ['clock-frequency', cells(uartClock)],
      ...wiredTo(interruptSource.uart),
    ]),
  ];
  return node(
    'soc',
    [
      ['#address-cells', cells(2)],
      ['#size-cells', cells(2)],
      ['compatible', strings('simple-bus')],
      ['ranges', empty],
    ],
    devices,
  );
}

function clint(machine: MachineDescription): DeviceTreeNode {
  return device('clint', memoryMap.clint, [
    ['compatible', strings('sifive,clint0', 'riscv,clint0')],
    [
      'interrupts-extended',
      toEveryHart(machine, [hartInterrupt.machineSoftware, hartInterrupt.machineTimer]),
    ],
  ]);
}

/** The order of `interrupts-extended` numbers the PLIC's contexts: in a domain one for each hart, else M and S. */
function plic(machine: MachineDescription): DeviceTreeNode {
  const contexts =
    machine.kind === 'bare'
      ? [hartInterrupt.machineExternal, hartInterrupt.supervisorExternal]
      : [hartInterrupt.supervisorExternal];
  const properties: DeviceTreeProperty[] = [
    ['compatible', strings('sifive,plic-1.0.0', 'riscv,plic0')],
    ['#address-cells', cells(0)],
    ['#interrupt-cells', cells(1)],
    ['interrupt-controller', empty],
    ['interrupts-extended', toEveryHart(machine, contexts)],
    ['riscv,ndev', cells(plicSources)],
  ];
  return device('plic', memoryMap.plic, properties, plicLabel);
}
