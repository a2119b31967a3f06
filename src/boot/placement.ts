import { InputError } from '../errors/input-error.ts';
import type { ElfFile, ElfSegment } from './elf.ts';
import type { Kernel } from './kernel-image.ts';
import { alignUp, type Extent, RamLayout } from './ram-layout.ts';

/** The parts that {@link placeBoot} places. */
export interface BootInputs {
  readonly kernel: Kernel;
  readonly initrd?: Uint8Array;
  /** The device tree. Its length counts; its bytes may be written later. */
  readonly deviceTree: Uint8Array;
}

/** Where everything went. Physical addresses. */
export interface BootPlacement {
  /** Address that the first hart starts at. */
  readonly entry: number;
  /** All memory that the kernel takes, zeroed data included. */
  readonly kernel: Extent;
  readonly initrd?: Extent;
  readonly deviceTree: Extent;
}

const pageSize = 4096;
/** Linux maps the blob early with pages of 2 MiB and expects it in at most two of them; so it starts in a new one. */
const deviceTreeAlignment = 2 * 1024 * 1024;
/** Below 4 GiB every kernel can reach initrd and device tree, 32-bit loaders and DMA included. */
const highestEnd = 0x1_0000_0000;
/** The initrd keeps this far from the kernel's start, as with QEMU (`hw/riscv/boot.c`), where memory has room. */
const initrdDistance = 128 * 1024 * 1024;

/**
 * Places a kernel, its initrd and its device tree in RAM: the kernel where it asks to be, the device tree in the last
 * 2 MiB page that has room. The initrd goes as low as with QEMU: words such as `mem=256M` make a kernel do without
 * the memory above, and the initrd must not lie there. Half of a small memory stays between the kernel and the
 * initrd, for kernels that use more than they say. Where all that has no room, the initrd goes to the top.
 *
 * @throws InputError when memory is too small, with the sizes, or when parts would overlap.
 */
export function placeBoot(layout: RamLayout, inputs: BootInputs): BootPlacement {
  const { entry, kernel } = placeKernel(layout, inputs);
  const room = { size: inputs.deviceTree.length, alignment: deviceTreeAlignment, to: highestEnd };
  const treeStart = layout.highest(room);
  if (treeStart === undefined) throw tooSmall(layout.ram, inputs, kernel);
  const deviceTree = layout.put('The device tree', treeStart, inputs.deviceTree);
  if (inputs.initrd === undefined) return { entry, kernel, deviceTree };
  return { entry, kernel, deviceTree, initrd: placeInitrd(layout, inputs, inputs.initrd, kernel) };
}

function placeInitrd(layout: RamLayout, inputs: BootInputs, initrd: Uint8Array, kernel: Extent): Extent {
  const room = { size: Math.max(initrd.length, 1), alignment: pageSize, to: highestEnd };
  const memory = layout.ram.end - layout.ram.start;
  const from = kernel.start + Math.min(memory / 2, initrdDistance);
  const start = layout.lowest({ ...room, from: Math.max(from, kernel.end) }) ?? layout.highest(room);
  if (start === undefined) throw tooSmall(layout.ram, inputs, kernel);
  return layout.put('The initrd', start, initrd);
}

/** Where an ELF executable went: see {@link placeElf}. */
export interface ElfPlacement {
  readonly entry: number;
  readonly extent: Extent;
  /** Added to the file's addresses; a symbol's address in memory is its value plus this. */
  readonly bias: number;
}

/**
 * Places the segments of an ELF executable at their physical addresses. Position-independent ones that are linked to
 * address 0, as OpenSBI is, go to the start of RAM; they relocate themselves.
 *
 * A linker puts the file's headers and notes in front of the code that it was told to put at the start of RAM. That
 * page is left out: no program needs it.
 *
 * The entry is a physical address, or a virtual one that lies in a segment.
 *
 * @param source - names the file in messages.
 * @throws InputError when a segment or the entry lies outside RAM, or a segment where something else is.
 */
export function placeElf(layout: RamLayout, elf: ElfFile, source = 'The ELF file'): ElfPlacement {
  const { ram } = layout;
  const independent = elf.type === 'shared' && elf.segments.some((segment) => segment.physicalAddress === 0n);
  const bias = independent ? ram.start : 0;
  const belowRam = new BelowRam(elf, ram, bias, source);
  let start = ram.end;
  let end = ram.start;
  for (const segment of elf.segments) {
    const omitted = belowRam.omittedBytes(segment);
    if (omitted >= segment.memorySize) continue;
    const address = segment.physicalAddress + BigInt(bias + omitted);
    const extent = layout.put(source, address, segment.data.subarray(omitted), segment.memorySize - omitted);
    start = Math.min(start, extent.start);
    end = Math.max(end, extent.end);
  }
  return { entry: physicalEntry(elf, ram, bias, source), extent: { start, end: Math.max(start, end) }, bias };
}

/** Tells how many bytes of a segment are headers, notes and padding that lie below RAM. */
class BelowRam {
  readonly #metadata: readonly Extent[];
  /**
   * Keeps parts that are left out apart, too: otherwise 65,535 segments could have us look at the same gigabyte each.
   */
  readonly #layout: RamLayout;
  readonly #source: string;

  constructor(elf: ElfFile, ram: Extent, bias: number, source: string) {
    this.#layout = new RamLayout({ start: 0, end: ram.start - bias });
    this.#source = source;
    this.#metadata = elf.metadata
      .map(({ offset, length }) => ({ start: offset, end: offset + length }))
      .sort((one, other) => one.start - other.start);
  }

  /** 0 as well when something below RAM is more than that. */
  omittedBytes({ physicalAddress, data, memorySize, fileOffset }: ElfSegment): number {
    const distance = BigInt(this.#layout.ram.end) - physicalAddress;
    if (distance <= 0n) return 0;
    const size = distance < BigInt(memorySize) ? Number(distance) : memorySize;
    // A program works in the memory that the file does not fill.
    if (size > data.length) return 0;
    this.#layout.put(this.#source, physicalAddress, data.subarray(0, size));
    let at = 0;
    for (const { start, end } of this.#metadata) {
      const gapEnd = Math.min(start - fileOffset, size);
      if (at < gapEnd && !isZero(data.subarray(at, gapEnd))) return 0;
      at = Math.max(at, end - fileOffset);
    }
    return at >= size || isZero(data.subarray(at, size)) ? size : 0;
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

function physicalEntry(elf: ElfFile, ram: Extent, bias: number, source: string): number {
  const entry = elf.entry + BigInt(bias);
  if (entry >= BigInt(ram.start) && entry < BigInt(ram.end)) return Number(entry);
  for (const { virtualAddress, physicalAddress, memorySize } of elf.segments) {
    const offset = elf.entry - virtualAddress;
    const address = physicalAddress + BigInt(bias) + offset;
    if (offset >= 0n && offset < BigInt(memorySize) && address >= BigInt(ram.start)) return Number(address);
  }
  throw new InputError(
    `${source} has its entry at ${hex(elf.entry)}, which is neither in RAM (${hex(ram.start)} to ${hex(ram.end)}) ` +
      'nor in one of its segments. Check how it was linked.',
  );
}

function placeKernel(layout: RamLayout, inputs: BootInputs): Pick<BootPlacement, 'entry' | 'kernel'> {
  const { ram } = layout;
  const { kernel } = inputs;
  if (kernel.kind === 'elf') {
    const { entry, extent } = placeElf(layout, kernel.elf, 'The kernel');
    return { entry, kernel: extent };
  }
  const start = ram.start + kernel.textOffset;
  const extent = { start, end: start + kernel.memorySize };
  if (extent.end > ram.end) throw tooSmall(ram, inputs, extent);
  return { entry: start, kernel: layout.put('The kernel', start, kernel.bytes, kernel.memorySize) };
}

/** Says which part is too large, and how much memory would hold all of them. */
function tooSmall(ram: Extent, { initrd, deviceTree }: BootInputs, kernel: Extent): InputError {
  const ramSize = ram.end - ram.start;
  const initrdSize = initrd?.length ?? 0;
  const kernelEnd = kernel.end - ram.start;
  const needed = mebibytes(
    alignUp(kernelEnd + initrdSize + pageSize, deviceTreeAlignment) +
      alignUp(deviceTree.length, deviceTreeAlignment),
  );
  const memory = `The guest has ${describeSize(ramSize)} of memory`;
  if (ram.end > highestEnd) {
    return new InputError(
      `The initrd of ${describeSize(initrdSize)} does not fit between the kernel and the 4 GiB line that ` +
        'it must stay below. Use a smaller initrd.',
    );
  }
  if (initrdSize > ramSize) return initrdTooLarge(ramSize, initrdSize, needed);
  const alsoInitrd = initrdSize > 0 ? `, the initrd ${describeSize(initrdSize)}` : '';
  return new InputError(
    `${memory}, which is too little: the kernel takes the first ${describeSize(kernelEnd)}${alsoInitrd}. ` +
      `Give it more: at least ${needed} MiB, and some for the guest to work in.`,
  );
}

/**
 * Refuses an initrd that is larger than memory by its size alone, so that it need not be read before.
 *
 * @param ramSize - bytes of guest memory
 * @param initrdSize - bytes
 * @throws InputError when it is larger
 */
export function checkInitrdSize(ramSize: number, initrdSize: number): void {
  if (initrdSize <= ramSize) return;
  const withDeviceTree = alignUp(initrdSize + pageSize, deviceTreeAlignment) + deviceTreeAlignment;
  throw initrdTooLarge(ramSize, initrdSize, mebibytes(withDeviceTree));
}

/** @param needed - MiB */
function initrdTooLarge(ramSize: number, initrdSize: number, needed: number): InputError {
  return new InputError(
    `The guest has ${describeSize(ramSize)} of memory, but the initrd alone takes ${describeSize(initrdSize)}. ` +
      `Give it more: at least ${needed} MiB, and as much again for what the kernel unpacks from it.`,
  );
}

function mebibytes(size: number): number {
  return Math.ceil(size / (1024 * 1024));
}

/** A size in bytes for people: `512 MiB`. */
export function describeSize(size: number): string {
  const mebibyte = 1024 * 1024;
  if (size < mebibyte) return `${size} bytes`;
  return size % mebibyte === 0 ? `${size / mebibyte} MiB` : `${(size / mebibyte).toFixed(1)} MiB`;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
