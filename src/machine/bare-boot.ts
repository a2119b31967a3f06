import { type BootPlan, planBoot } from '../boot/boot-plan.ts';
import type { ElfFile } from '../boot/elf.ts';
import { writeDeviceTree } from '../boot/fdt-writer.ts';
import type { Kernel } from '../boot/kernel-image.ts';
import { type MachineDescription, machineTree, memoryMap } from '../boot/machine-tree.ts';
import { type LoadedPart, placeElf } from '../boot/placement.ts';
import { InputError } from '../errors/input-error.ts';
import type { RunBare } from './thread.ts';

/** What starts in M-mode: a program, or firmware that starts a kernel. */
export type BareProgram =
  | { readonly kind: 'program'; readonly image: FirmwareImage }
  | {
      readonly kind: 'firmware';
      readonly image: FirmwareImage;
      readonly kernel: Kernel;
      readonly initrd?: Uint8Array;
    };

/** An ELF executable, or raw bytes that belong at the start of RAM. */
export type FirmwareImage =
  | { readonly kind: 'elf'; readonly elf: ElfFile; readonly source: string }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array; readonly source: string };

/** Boot of a bare machine: what goes into RAM, and where the harts start. */
export interface BareBoot extends Pick<BootPlan, 'parts' | 'entry' | 'deviceTree' | 'deviceTreeAddress'> {
  readonly bare: RunBare;
}

/** The device tree of a program without a kernel starts at a page. */
const TREE_ALIGNMENT = 0x1000;
const DYNAMIC_INFO_OFFSET = 0x1000;

/** Plans the start of a bare machine. @throws InputError when the program does not fit into memory */
export function planBare(program: BareProgram, machine: Omit<MachineDescription, 'initrd'>): BareBoot {
  const ram = { start: memoryMap.ramBase, end: memoryMap.ramBase + machine.memorySize };
  const placed = placeFirmware(program.image, ram);
  if (program.kind === 'program') return withoutKernel(placed, program.image, ram, machine);
  const boot = planBoot(program.kernel, program.initrd, machine);
  const dynamicInfo = boot.deviceTreeAddress - DYNAMIC_INFO_OFFSET;
  return {
    parts: [...placed.parts, ...boot.parts, { address: dynamicInfo, bytes: dynamicInfoBlock(boot.entry) }],
    entry: placed.entry,
    deviceTree: boot.deviceTree,
    deviceTreeAddress: boot.deviceTreeAddress,
    bare: { entry: placed.entry, deviceTreeAddress: boot.deviceTreeAddress, dynamicInfo },
  };
}

interface Placed {
  readonly parts: readonly LoadedPart[];
  readonly entry: number;
  readonly bias: number;
}

function placeFirmware(image: FirmwareImage, ram: { start: number; end: number }): Placed {
  if (image.kind === 'elf') return placeElf(image.elf, ram, image.source);
  if (image.bytes.length > ram.end - ram.start) {
    throw new InputError(
      `${image.source} has ${image.bytes.length} bytes, but RAM only ${ram.end - ram.start}. Give more with --memory.`,
    );
  }
  return { parts: [{ address: ram.start, bytes: image.bytes }], entry: ram.start, bias: 0 };
}

function withoutKernel(
  placed: Placed,
  image: FirmwareImage,
  ram: { start: number; end: number },
  machine: MachineDescription,
): BareBoot {
  const deviceTree = writeDeviceTree(machineTree(machine));
  // Programs may be larger than they look (bss, stacks), so the device tree keeps to the end of RAM.
  const deviceTreeAddress = Math.floor((ram.end - deviceTree.length) / TREE_ALIGNMENT) * TREE_ALIGNMENT;
  const symbol = (name: string): number | undefined => {
    const found = image.kind === 'elf' ? image.elf.symbol(name) : undefined;
    return found === undefined ? undefined : Number(found.value) + placed.bias;
  };
  const tohost = symbol('tohost');
  const fromhost = symbol('fromhost');
  return {
    parts: [...placed.parts, { address: deviceTreeAddress, bytes: deviceTree }],
    entry: placed.entry,
    deviceTree,
    deviceTreeAddress,
    bare: {
      entry: placed.entry,
      deviceTreeAddress,
      dynamicInfo: 0,
      ...(tohost === undefined ? {} : { tohost }),
      ...(fromhost === undefined ? {} : { fromhost }),
    },
  };
}

/** OpenSBI's `struct fw_dynamic_info` (include/sbi/fw_dynamic.h): the kernel's address, entered in S-mode. */
function dynamicInfoBlock(kernelEntry: number): Uint8Array<ArrayBuffer> {
  const MAGIC = 0x4942534fn;
  const VERSION = 2n;
  const S_MODE = 1n;
  const fields = [MAGIC, VERSION, BigInt(kernelEntry), S_MODE, 0n, 0n];
  return new Uint8Array(new BigUint64Array(fields).buffer);
}
