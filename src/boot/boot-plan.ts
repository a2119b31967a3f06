import { writeDeviceTree } from './fdt-writer.ts';
import type { Kernel } from './kernel-image.ts';
import { type MachineDescription, machineTree } from './machine-tree.ts';
import { placeBoot } from './placement.ts';
import { type LoadedPart, RamLayout } from './ram-layout.ts';

interface Extent {
  readonly start: number;
  readonly end: number;
}

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

/** RAM of the described machine, in which nothing lies yet. */
export function emptyRam({
  ramBase,
  memorySize,
}: Pick<MachineDescription, 'ramBase' | 'memorySize'>): RamLayout {
  return new RamLayout({ start: ramBase, end: ramBase + memorySize });
}

/**
 * Plans the start of a kernel on the described machine (`Documentation/arch/riscv/boot.rst`): places it, its initrd
 * and a device tree that says where the initrd lies.
 *
 * @param layout - the machine's RAM, firmware in it
 * @param placeReserved - places the areas that the kernel must leave alone, when all else has its place, and says where
 * it lies
 * @throws InputError when memory is too small for them, or they would lie in the same place.
 */
export function planBoot(
  kernel: Kernel,
  initrd: Uint8Array | undefined,
  machine: Omit<MachineDescription, 'initrd'>,
  layout: RamLayout = emptyRam(machine),
  placeReserved?: (entry: number) => Extent,
): BootPlan {
  const treeFor = (initrd: Extent | undefined, reserved: Extent | undefined) =>
    writeDeviceTree(machineTree({ ...machine, ...(initrd && { initrd }), ...(reserved && { reserved }) }));
  // All addresses take the same room, so a first draft has the final size.
  const draft = { start: 0, end: 1 };
  const deviceTree = treeFor(initrd && draft, placeReserved && draft);
  const placed = placeBoot(layout, { kernel, deviceTree, ...(initrd === undefined ? {} : { initrd }) });
  deviceTree.set(treeFor(placed.initrd, placeReserved?.(placed.entry)));
  return { parts: layout.parts, entry: placed.entry, deviceTreeAddress: placed.deviceTree.start, deviceTree };
}
