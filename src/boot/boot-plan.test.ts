import { expect, it } from 'vitest';
import { findNode, findProperty, readCells, readDeviceTree } from '../../test/fixtures/fdt-reader.ts';
import { planBoot } from './boot-plan.ts';
import type { Kernel } from './kernel-image.ts';

const kernel: Kernel = {
  kind: 'image',
  bytes: Uint8Array.of(1),
  textOffset: 0x20_0000,
  memorySize: 0x10_0000,
};
const machine = {
  cpus: 2,
  ramBase: 0x8000_0000,
  memorySize: 0x800_0000,
  devices: { soc: [], root: [], console: '/soc/serial@10000000' },
  extensions: ['m', 'a'],
  mmuType: 'riscv,sv39',
} as const;

it('tells the kernel in the device tree where the initrd was put', () => {
  const initrd = new Uint8Array(5000).fill(3);
  const plan = planBoot(kernel, initrd, machine);
  const part = plan.parts.find(({ bytes }) => bytes === initrd);
  const chosen = findNode(readDeviceTree(plan.deviceTree).root, '/chosen');
  const cell = (name: string) => chosen && readCells(findProperty(chosen, name));
  expect(cell('linux,initrd-start')).toEqual([0, part?.address]);
  expect(cell('linux,initrd-end')).toEqual([0, (part?.address ?? 0) + 5000]);
  expect(plan.parts).toContainEqual({ address: plan.deviceTreeAddress, bytes: plan.deviceTree });
  expect(plan.parts).toContainEqual({ address: plan.entry, bytes: kernel.bytes });
});

it('needs no initrd', () => {
  const plan = planBoot(kernel, undefined, machine);
  expect(plan.parts).toHaveLength(2);
  const chosen = findNode(readDeviceTree(plan.deviceTree).root, '/chosen');
  expect(chosen?.properties.map(([name]) => name)).toEqual(['stdout-path']);
});
