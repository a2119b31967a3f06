import { InputError } from '../errors/input-error.ts';
import type { ElfFile } from './elf.ts';
import type { Kernel } from './kernel-image.ts';

/** Bytes to be copied to a physical address before the machine starts. Memory that is not listed is zero. */
export interface LoadedPart {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Memory from `start` up to, not including, `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** What {@link placeBoot} is to place. Sizes in bytes. */
export interface BootInputs {
  readonly ramBase: number;
  readonly ramSize: number;
  readonly kernel: Kernel;
  readonly initrdSize?: number;
  /** An upper bound will do: the blob itself can only be written when this is known. */
  readonly deviceTreeSize: number;
}

/** Where everything goes. Physical addresses. */
export interface BootPlacement {
  readonly parts: readonly LoadedPart[];
  /** Address that the first hart starts at. */
  readonly entry: number;
  /** All memory that the kernel takes, zeroed data included. */
  readonly kernel: Extent;
  readonly initrd?: Extent;
  /** Where the device tree blob goes, and the end of the room that was asked for. */
  readonly deviceTree: Extent;
}

const pageSize = 4096;
/** Linux maps the blob early with pages of 2 MiB and expects it in at most two of them; so it starts in a new one. */
const deviceTreeAlignment = 2 * 1024 * 1024;
/** Below 4 GiB every kernel can reach initrd and device tree, 32-bit loaders and DMA included. */
const highestEnd = 0x1_0000_0000;

/**
 * Places a kernel, its initrd and its device tree in RAM: the kernel where it asks to be, the device tree in the last
 * 2 MiB page that has room, the initrd right below it. That keeps most of RAM in one piece above the kernel, which
 * clears and grows upwards.
 *
 * @throws InputError when memory is too small; the message has the sizes.
 */
export function placeBoot(inputs: BootInputs): BootPlacement {
  const placedKernel = placeKernel(inputs);
  const { kernel } = placedKernel;
  const top = Math.min(inputs.ramBase + inputs.ramSize, highestEnd);
  const treeStart = alignDown(top - inputs.deviceTreeSize, deviceTreeAlignment);
  const deviceTree = { start: treeStart, end: treeStart + inputs.deviceTreeSize };
  const initrdSize = inputs.initrdSize ?? 0;
  const initrdStart = alignDown(treeStart - initrdSize, pageSize);
  if (initrdStart < kernel.end) throw tooSmall(inputs, kernel, initrdSize);
  if (inputs.initrdSize === undefined) return { ...placedKernel, deviceTree };
  return { ...placedKernel, deviceTree, initrd: { start: initrdStart, end: initrdStart + initrdSize } };
}

/** Where an ELF executable goes: see {@link placeElf}. */
export interface ElfPlacement {
  readonly parts: readonly LoadedPart[];
  readonly entry: number;
  readonly extent: Extent;
  /** What was added to the file's addresses; a symbol's address in memory is its value plus this. */
  readonly bias: number;
}

/**
 * Places the segments of an ELF executable at their physical addresses. Position-independent ones that are linked to
 * address 0, as OpenSBI is, go to the start of RAM; they relocate themselves.
 *
 * The entry is a physical address, or a virtual one that lies in a segment.
 *
 * @param source - names the file in messages.
 * @throws InputError when a segment or the entry lies outside RAM.
 */
export function placeElf(elf: ElfFile, ram: Extent, source = 'the ELF file'): ElfPlacement {
  const independent = elf.type === 'shared' && elf.segments.some((segment) => segment.physicalAddress === 0n);
  const bias = independent ? ram.start : 0;
  const starts = elf.segments.map((segment) => segment.physicalAddress + BigInt(bias));
  elf.segments.forEach((segment, index) => {
    const end = starts[index] + BigInt(segment.memorySize);
    if (starts[index] >= BigInt(ram.start) && end <= BigInt(ram.end)) return;
    throw new InputError(
      `${source} wants to lie at ${hex(starts[index])} to ${hex(end)}, but RAM is ` +
        `${hex(ram.start)} to ${hex(ram.end)}. Link it for an address in RAM or give more memory with --memory; ` +
        'for Linux, give the Image rather than vmlinux.',
    );
  });
  const ends = elf.segments.map((segment, index) => Number(starts[index]) + segment.memorySize);
  return {
    parts: elf.segments.map((segment, index) => ({ address: Number(starts[index]), bytes: segment.data })),
    entry: physicalEntry(elf, ram, bias, source),
    extent: { start: Math.min(...starts.map(Number)), end: Math.max(...ends) },
    bias,
  };
}

function physicalEntry(elf: ElfFile, ram: Extent, bias: number, source: string): number {
  const entry = elf.entry + BigInt(bias);
  if (entry >= BigInt(ram.start) && entry < BigInt(ram.end)) return Number(entry);
  for (const { virtualAddress, physicalAddress, memorySize } of elf.segments) {
    const offset = elf.entry - virtualAddress;
    if (offset >= 0n && offset < BigInt(memorySize)) return Number(physicalAddress + offset) + bias;
  }
  throw new InputError(
    `${source} has its entry at ${hex(elf.entry)}, which is neither in RAM (${hex(ram.start)} to ${hex(ram.end)}) ` +
      'nor in one of its segments. Check how it was linked.',
  );
}

interface PlacedKernel {
  readonly parts: readonly LoadedPart[];
  readonly entry: number;
  readonly kernel: Extent;
}

function placeKernel(inputs: BootInputs): PlacedKernel {
  const ram = { start: inputs.ramBase, end: inputs.ramBase + inputs.ramSize };
  if (inputs.kernel.kind === 'elf') {
    const { parts, entry, extent } = placeElf(inputs.kernel.elf, ram, 'The kernel');
    return { parts, entry, kernel: extent };
  }
  const start = ram.start + inputs.kernel.textOffset;
  const kernel = { start, end: start + inputs.kernel.memorySize };
  if (kernel.end > ram.end) throw tooSmall(inputs, kernel, inputs.initrdSize ?? 0);
  return { parts: [{ address: start, bytes: inputs.kernel.bytes }], entry: start, kernel };
}

/** Says which part is too large, and how much memory would hold all of them. */
function tooSmall(inputs: BootInputs, kernel: Extent, initrdSize: number): InputError {
  const kernelEnd = kernel.end - inputs.ramBase;
  const needed = mebibytes(
    alignUp(kernelEnd + initrdSize + pageSize, deviceTreeAlignment) +
      alignUp(inputs.deviceTreeSize, deviceTreeAlignment),
  );
  const memory = `The guest has ${describeSize(inputs.ramSize)} of memory`;
  if (inputs.ramBase + inputs.ramSize > highestEnd) {
    return new InputError(
      `The initrd of ${describeSize(initrdSize)} does not fit between the kernel and the 4 GiB line that ` +
        'it must stay below. Use a smaller initrd.',
    );
  }
  if (initrdSize > inputs.ramSize) {
    return new InputError(
      `${memory}, but the initrd alone takes ${describeSize(initrdSize)}. Give it more with --memory: ` +
        `at least ${needed} MiB, and as much again for what the kernel unpacks from it.`,
    );
  }
  const initrd = initrdSize > 0 ? `, the initrd ${describeSize(initrdSize)}` : '';
  return new InputError(
    `${memory}, which is too little: the kernel takes the first ${describeSize(kernelEnd)}${initrd}. ` +
      `Give it more with --memory: at least ${needed} MiB, and some for the guest to work in.`,
  );
}

function mebibytes(size: number): number {
  return Math.ceil(size / (1024 * 1024));
}

function describeSize(size: number): string {
  const mebibyte = 1024 * 1024;
  if (size < mebibyte) return `${size} bytes`;
  return size % mebibyte === 0 ? `${size / mebibyte} MiB` : `${(size / mebibyte).toFixed(1)} MiB`;
}

function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
