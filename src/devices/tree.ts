import { cells, type DeviceTreeNode, type DeviceTreeProperty, node, ref, u64s } from '../boot/device-tree.ts';
import { hartLabel } from '../boot/machine-tree.ts';
import type { DevicePlace, DeviceSetting } from './descriptor.ts';

/** Label of the machine's interrupt controller. */
export const CONTROLLER_LABEL = 'interrupts';

/** Labels of the interrupt files, which take messages. */
export const MESSAGES_LABEL = { machine: 'machine-messages', supervisor: 'messages' } as const;

/** Interrupt numbers of a hart (privileged architecture, table of `mcause` values). */
export const HART_INTERRUPT = {
  machineSoftware: 3,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
} as const;

/** The node of a device with one window of addresses. */
export function deviceNode(
  name: string,
  { base }: DevicePlace,
  size: number,
  properties: readonly DeviceTreeProperty[],
  label?: string,
): DeviceTreeNode {
  return node(`${name}@${base.toString(16)}`, [['reg', u64s(base, size)], ...properties], [], label);
}

/** The level of a wire that asserts an interrupt, as an APLIC's bindings number it. */
const HIGH = 4;

/** A source of the machine's interrupt controller, in the cells that its kind has. */
export function sourceCells({ aia = 'none' }: DeviceSetting, source: number): readonly number[] {
  return aia === 'none' ? [source] : [source, HIGH];
}

/** The properties that name a device's sources at the interrupt controller. */
export function interrupts(place: DevicePlace): DeviceTreeProperty[] {
  return [
    ['interrupt-parent', cells(ref(CONTROLLER_LABEL))],
    ['interrupts', cells(...place.sources.flatMap((source) => sourceCells(place, source)))],
  ];
}

/** `interrupts-extended` of a device that drives these interrupts of every hart, hart by hart. */
export function toEveryHart({ cpus }: DevicePlace, numbers: readonly number[]): DeviceTreeProperty {
  const harts = Array.from({ length: cpus }, (_, hart) => hart);
  const wires = harts.flatMap((hart) => numbers.flatMap((number) => [ref(hartLabel(hart)), number]));
  return ['interrupts-extended', cells(...wires)];
}
