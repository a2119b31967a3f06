import { writeDeviceTree } from './fdt-writer.ts';
import type { Kernel } from './kernel-image.ts';
import { type MachineDescription, machineTree, memoryMap } from './machine-tree.ts';
import { type LoadedPart, placeBoot } from './placement.ts';

/** All that a machine needs to start a kernel. */
export interface BootPlan {
  /** Kernel, initrd and device tree, to be copied into RAM that is otherwise zero. */
  readonly parts: readonly LoadedPart[];
  /** Physical address that the first hart starts at, with its number in a0. */
  readonly entry: number;
  /** Physical address of the device tree, which goes into a1. */
  readonly deviceTreeAddress: number;
  readonly deviceTree: Uint8Array<ArrayBuffer>;
}

/**
 * Plans the start of a kernel on the described machine (`Documentation/arch/riscv/boot.rst`): places it, its initrd
 * and a device tree that says where the initrd lies.
 *
 * @throws InputError when memory is too small for them.
 */
export function planBoot(
  kernel: Kernel,
  initrd: Uint8Array | undefined,
  machine: Omit<MachineDescription, 'initrd'>,
): BootPlan {
  const treeFor = (extent: { start: number; end: number } | undefined) =>
    writeDeviceTree(machineTree(extent === undefined ? machine : { ...machine, initrd: extent }));
  // Addresses take the same room whatever they are, so a first draft has the final size.
  const draft = treeFor(initrd && { start: 0, end: 0 });
  const placed = placeBoot({
    ramBase: memoryMap.ramBase,
    ramSize: machine.memorySize,
    kernel,
    deviceTreeSize: draft.length,
    ...(initrd === undefined ? {} : { initrdSize: initrd.length }),
  });
  const deviceTree = treeFor(placed.initrd);
  const parts = [...placed.parts, { address: placed.deviceTree.start, bytes: deviceTree }];
  if (initrd !== undefined && placed.initrd !== undefined) {
    parts.push({ address: placed.initrd.start, bytes: initrd });
  }
  return { parts, entry: placed.entry, deviceTreeAddress: placed.deviceTree.start, deviceTree };
}
