import { BYTES, checkArgument } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';
import type { Unpackers } from './compression.ts';
import { type ElfFile, elfMachineName, isElf, machineRiscv, readElf } from './elf.ts';
import { describeFile, isUnmarked } from './file-kind.ts';
import { inflateGzip } from './gzip.ts';
import { unpackKernel } from './unpack-kernel.ts';

/** A kernel that is loaded as it is, and entered at its first byte. */
export interface RawKernel {
  /** `image`: it has the header of a RISC-V `Image`. `raw`: it has none, as Xen and U-Boot. */
  readonly kind: 'image' | 'raw';
  readonly bytes: Uint8Array;
  /** Bytes from the start of RAM to where it wants to lie. */
  readonly textOffset: number;
  /** Memory that it takes from there on, in bytes, zeroed data included. */
  readonly memorySize: number;
}

/** A kernel as a RISC-V ELF executable. */
export interface ElfKernel {
  readonly kind: 'elf';
  readonly elf: ElfFile;
}

/** Width of the harts that a kernel is for. */
type Width = 32 | 64;

/** A kernel that hartvisor can start. */
export type Kernel = RawKernel | ElfKernel;

/* The header of a RISC-V Image: `Documentation/arch/riscv/boot-image-header.rst`. */
const header = {
  size: 64,
  textOffset: 8,
  imageSize: 16,
  flags: 24,
  magic: 48,
  magic2: 56,
  peOffset: 60,
} as const;
const flagBigEndian = 1;
/** Machine numbers of PE headers, and where an Image without one wants to lie: kernels for RV32 at 4 MiB. */
const peMachineRiscv32 = 0x5032;
const textOffset32 = 0x40_0000;

/** Where a kernel lies that does not say it: where the Image of Linux wants to be, and as with QEMU. */
const usualTextOffset: Readonly<Record<Width, number>> = { 32: textOffset32, 64: 0x20_0000 };

const wanted =
  'hartvisor starts RISC-V kernels: a raw Image, one compressed with gzip, xz or zstd, an EFI zboot kernel, ' +
  'a RISC-V ELF executable, or machine code without any header.';

/**
 * Reads a kernel: an `Image`, an ELF executable, or machine code without a header; compressed or not, as an EFI
 * program that unpacks itself (zboot) too.
 *
 * @param source - names the file in messages.
 * @param unpackers - for compressed kernels; by default there is the platform's `DecompressionStream` for gzip.
 * @param xlen - width of the harts that are to run it.
 * @throws InputError that names the file's own kind, or that it is cut short.
 */
export async function readKernel(
  bytes: Uint8Array,
  source: string,
  unpackers: Unpackers = { gzip: inflateGzip },
  xlen: Width = 64,
): Promise<Kernel> {
  checkArgument('bytes', bytes, BYTES);
  const unpacked = await unpackKernel(bytes, source, unpackers);
  return readPlainKernel(unpacked.bytes, unpacked.source, xlen);
}

function readPlainKernel(bytes: Uint8Array, source: string, xlen: Width): Kernel {
  if (isElf(bytes)) return { kind: 'elf', elf: readKernelElf(bytes, source, xlen) };
  if (isRiscvImage(bytes)) return readImage(bytes, source, xlen);
  if (isUnmarked(bytes)) {
    return { kind: 'raw', bytes, textOffset: usualTextOffset[xlen], memorySize: bytes.length };
  }
  const { name, advice } = describeFile(bytes);
  throw new InputError(
    [`${source} is not a RISC-V kernel: it is ${name}.`, advice, wanted].filter(Boolean).join(' '),
  );
}

/**
 * Reads an ELF executable for a RISC-V machine.
 *
 * @param xlen - width of its harts.
 * @throws InputError when it is for something else or is not to be started as it is.
 */
export function readKernelElf(bytes: Uint8Array, source: string, xlen: Width = 64): ElfFile {
  const elf = readElf(bytes, source);
  if (elf.machine !== machineRiscv) {
    throw new InputError(
      `${source} is an ELF file for ${elfMachineName(elf.machine)}; hartvisor needs one for RISC-V (EM_RISCV, 243).`,
    );
  }
  if (elf.bits !== xlen) throw otherWidth(source, xlen);
  if (elf.type === 'relocatable' || elf.type === 'core') {
    const what = elf.type === 'core' ? 'a core dump' : 'an object file that is not linked yet';
    throw new InputError(`${source} is ${what}. Give a linked executable.`);
  }
  if (elf.segments.length === 0) {
    throw new InputError(`${source} is an ELF file without a loadable segment: there is nothing to start.`);
  }
  return elf;
}

function otherWidth(source: string, xlen: Width): InputError {
  const other = 96 - xlen;
  return new InputError(
    `${source} is for ${other}-bit RISC-V, and these harts are RV${xlen}. Start it on harts of rv${other}, or build it for rv${xlen}.`,
  );
}

function isRiscvImage(bytes: Uint8Array): boolean {
  // Kernels before 5.5 carry the first of the two only.
  return holds(bytes, header.magic2, 'RSC\x05') || holds(bytes, header.magic, 'RISCV\0\0\0');
}

function holds(bytes: Uint8Array, offset: number, text: string): boolean {
  return (
    offset + text.length <= bytes.length &&
    Array.from(text).every((character, index) => bytes[offset + index] === character.charCodeAt(0))
  );
}

function readImage(bytes: Uint8Array, source: string, xlen: Width): RawKernel {
  if (bytes.length < header.size) throw cutShort(source, header.size, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if ((view.getUint32(header.flags, true) & flagBigEndian) !== 0) {
    throw new InputError(`${source} is a big-endian RISC-V kernel; hartvisor's harts are little-endian.`);
  }
  const fileSize = sizeInFile(view);
  if (fileSize > bytes.length) throw cutShort(source, fileSize, bytes.length);
  const textOffset = readSize(view, header.textOffset, source, 'text_offset');
  if (widthOf(view, textOffset) !== xlen) throw otherWidth(source, xlen);
  const imageSize = readSize(view, header.imageSize, source, 'image_size');
  return { kind: 'image', bytes, textOffset, memorySize: Math.max(imageSize, bytes.length) };
}

function cutShort(source: string, needed: number, present: number): InputError {
  return new InputError(
    `${source} is a RISC-V Image that is cut short: its header promises ${needed} bytes, ` +
      `the file has ${present}. Copy, download or build it again.`,
  );
}

function readSize(view: DataView, offset: number, source: string, name: string): number {
  const value = view.getBigUint64(offset, true);
  if (value > 0xffff_ffffn) {
    throw new InputError(
      `${source} is a damaged RISC-V Image: ${name} at byte ${offset} is 0x${value.toString(16)}, above 4 GiB.`,
    );
  }
  return Number(value);
}

/** Where the PE header of a kernel with an EFI stub is, or would be if the file were complete. */
function peHeader(view: DataView): number | undefined {
  const pe = view.getUint32(header.peOffset, true);
  if (view.getUint16(0, true) !== 0x5a4d || pe < header.size) return undefined;
  return pe + 24 > view.byteLength || view.getUint32(pe, true) === 0x4550 ? pe : undefined;
}

/** The header of an Image says nothing about it: its PE header does, and else where Linux wants to lie. */
function widthOf(view: DataView, textOffset: number): Width {
  const pe = peHeader(view);
  const is32 =
    pe === undefined ? textOffset === textOffset32 : view.getUint16(pe + 4, true) === peMachineRiscv32;
  return is32 ? 32 : 64;
}

/**
 * How long the file must be. `image_size` counts zeroed memory too, so it does not tell; but kernels with an EFI stub
 * carry a PE header whose sections say which bytes of the file they take (Microsoft's PE format, "Section Table").
 *
 * @returns the size of the Image header where there is no PE header.
 */
function sizeInFile(view: DataView): number {
  const pe = peHeader(view);
  if (pe === undefined) return header.size;
  if (pe + 24 > view.byteLength) return pe + 24;
  const count = view.getUint16(pe + 6, true);
  const table = pe + 24 + view.getUint16(pe + 20, true);
  if (table + count * 40 > view.byteLength) return table + count * 40;
  const ends = Array.from({ length: count }, (_, index) => {
    const section = table + index * 40;
    return view.getUint32(section + 16, true) + view.getUint32(section + 20, true);
  });
  return Math.max(header.size, ...ends);
}
