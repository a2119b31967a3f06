import { type BootPlan, emptyRam, planBoot } from '../../boot/boot-plan.ts';
import type { ElfFile } from '../../boot/elf.ts';
import { writeDeviceTree } from '../../boot/fdt-writer.ts';
import type { Kernel } from '../../boot/kernel-image.ts';
import { type MachineDescription, machineTree } from '../../boot/machine-tree.ts';
import { describeSize, placeElf } from '../../boot/placement.ts';
import type { RamLayout } from '../../boot/ram-layout.ts';
import { InputError } from '../../errors/input-error.ts';
import type { RunBare } from '../thread.ts';

/** The software that starts in M-mode: a program, or firmware that starts a kernel. */
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

/** Boot of a bare machine: the contents of RAM, and the place where the harts start. */
export interface BareBoot extends Pick<BootPlan, 'parts' | 'entry' | 'deviceTree' | 'deviceTreeAddress'> {
  readonly bare: RunBare;
}

/** The device tree of a program without a kernel, and the facts for fw_dynamic, start at a page. */
const PAGE = 0x1000;

/**
 * Plans the start of a bare machine.
 *
 * @throws InputError when the program does not fit into memory, or two parts of it want the same place
 */
export function planBare(program: BareProgram, machine: Omit<MachineDescription, 'initrd'>): BareBoot {
  const layout = emptyRam(machine);
  const placed = placeFirmware(layout, program.image);
  if (program.kind === 'program') return withoutKernel(layout, placed, program.image, machine);
  let dynamicInfo = 0;
  // A hart whose thread starts late reads it when the kernel runs on another one.
  const boot = planBoot(program.kernel, program.initrd, machine, layout, (entry) => {
    const block = dynamicInfoBlock(entry, machine.xlen ?? 64);
    dynamicInfo = placeHigh(layout, 'What the firmware is told', block);
    return { start: dynamicInfo, end: dynamicInfo + block.length };
  });
  return {
    parts: layout.parts,
    entry: placed.entry,
    deviceTree: boot.deviceTree,
    deviceTreeAddress: boot.deviceTreeAddress,
    bare: { entry: placed.entry, deviceTreeAddress: boot.deviceTreeAddress, dynamicInfo },
  };
}

interface Placed {
  readonly entry: number;
  readonly bias: number;
}

function placeFirmware(layout: RamLayout, image: FirmwareImage): Placed {
  if (image.kind === 'elf') return placeElf(layout, image.elf, image.source);
  const { start, end } = layout.ram;
  if (image.bytes.length > end - start) {
    throw new InputError(
      `${image.source} has ${image.bytes.length} bytes, but RAM only ${end - start}. Give more memory.`,
    );
  }
  layout.put(image.source, start, image.bytes);
  return { entry: start, bias: 0 };
}

/** Places something that may lie anywhere as high as there is room. */
function placeHigh(layout: RamLayout, what: string, bytes: Uint8Array): number {
  const address = layout.highest({ size: bytes.length, alignment: PAGE });
  if (address === undefined) {
    const { start, end } = layout.ram;
    throw new InputError(
      `${what} takes ${bytes.length} bytes, for which the program leaves no room in ${describeSize(end - start)} of ` +
        'memory. Give more memory.',
    );
  }
  layout.put(what, address, bytes);
  return address;
}

function withoutKernel(
  layout: RamLayout,
  placed: Placed,
  image: FirmwareImage,
  machine: MachineDescription,
): BareBoot {
  const deviceTree = writeDeviceTree(machineTree(machine));
  // Programs may be larger than they look (bss, stacks), so the device tree keeps to the end of RAM.
  const deviceTreeAddress = placeHigh(layout, 'The device tree', deviceTree);
  const symbol = (name: string): number | undefined => {
    const found = image.kind === 'elf' ? image.elf.symbol(name) : undefined;
    return found === undefined ? undefined : Number(found.value) + placed.bias;
  };
  const tohost = symbol('tohost');
  const fromhost = symbol('fromhost');
  return {
    parts: layout.parts,
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
function dynamicInfoBlock(kernelEntry: number, xlen: 32 | 64): Uint8Array<ArrayBuffer> {
  const MAGIC = 0x4942534fn;
  const VERSION = 2n;
  const S_MODE = 1n;
  const fields = [MAGIC, VERSION, BigInt(kernelEntry), S_MODE, 0n, 0n];
  if (xlen === 32) return new Uint8Array(Uint32Array.from(fields, Number).buffer);
  return new Uint8Array(new BigUint64Array(fields).buffer);
}
