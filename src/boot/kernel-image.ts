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
const peMachineRiscv32 = 0x5032;

/** Where a kernel lies that does not say it: where the Image of a 64-bit Linux wants to be, and as with QEMU. */
const usualTextOffset = 0x20_0000;

const wanted =
  'hartvisor starts 64-bit RISC-V kernels: a raw Image, one compressed with gzip, xz or zstd, an EFI zboot kernel, ' +
  'a RISC-V ELF executable, or machine code without any header.';

/**
 * Reads a kernel: an `Image`, an ELF executable, or machine code without a header; compressed or not, as an EFI
 * program that unpacks itself (zboot) too.
 *
 * @param source - names the file in messages.
 * @param unpackers - for compressed kernels; by default there is the platform's `DecompressionStream` for gzip.
 * @throws InputError that says what the file is instead, or that it is cut short.
 */
export async function readKernel(
  bytes: Uint8Array,
  source: string,
  unpackers: Unpackers = { gzip: inflateGzip },
): Promise<Kernel> {
  const unpacked = await unpackKernel(bytes, source, unpackers);
  return readPlainKernel(unpacked.bytes, unpacked.source);
}

function readPlainKernel(bytes: Uint8Array, source: string): Kernel {
  if (isElf(bytes)) return { kind: 'elf', elf: readKernelElf(bytes, source) };
  if (isRiscvImage(bytes)) return readImage(bytes, source);
  if (isUnmarked(bytes)) {
    return { kind: 'raw', bytes, textOffset: usualTextOffset, memorySize: bytes.length };
  }
  const { name, advice } = describeFile(bytes);
  throw new InputError(
    [`${source} is not a RISC-V kernel: it is ${name}.`, advice, wanted].filter(Boolean).join(' '),
  );
}

/**
 * Reads an ELF executable for a 64-bit RISC-V machine.
 *
 * @throws InputError when it is for something else or is not to be started as it is.
 */
export function readKernelElf(bytes: Uint8Array, source: string): ElfFile {
  const elf = readElf(bytes, source);
  if (elf.machine !== machineRiscv) {
    throw new InputError(
      `${source} is an ELF file for ${elfMachineName(elf.machine)}; hartvisor needs one for RISC-V (EM_RISCV, 243).`,
    );
  }
  if (elf.bits !== 64) {
    throw new InputError(`${source} is for 32-bit RISC-V; hartvisor's harts are RV64. Build it for rv64.`);
  }
  if (elf.type === 'relocatable' || elf.type === 'core') {
    const what = elf.type === 'core' ? 'a core dump' : 'an object file that is not linked yet';
    throw new InputError(`${source} is ${what}. Give a linked executable.`);
  }
  if (elf.segments.length === 0) {
    throw new InputError(`${source} is an ELF file without a loadable segment: there is nothing to start.`);
  }
  return elf;
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

function readImage(bytes: Uint8Array, source: string): RawKernel {
  if (bytes.length < header.size) throw cutShort(source, header.size, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if ((view.getUint32(header.flags, true) & flagBigEndian) !== 0) {
    throw new InputError(`${source} is a big-endian RISC-V kernel; hartvisor's harts are little-endian.`);
  }
  const fileSize = sizeInFile(view, source);
  if (fileSize > bytes.length) throw cutShort(source, fileSize, bytes.length);
  const textOffset = readSize(view, header.textOffset, source, 'text_offset');
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

/**
 * How long the file must be. `image_size` counts zeroed memory too, so it does not tell; but kernels with an EFI stub
 * carry a PE header whose sections say which bytes of the file they take (Microsoft's PE format, "Section Table").
 *
 * @returns the size of the Image header where there is no PE header.
 */
function sizeInFile(view: DataView, source: string): number {
  const pe = view.getUint32(header.peOffset, true);
  if (view.getUint16(0, true) !== 0x5a4d || pe < header.size) return header.size;
  if (pe + 24 > view.byteLength) return pe + 24;
  if (view.getUint32(pe, true) !== 0x4550) return header.size;
  if (view.getUint16(pe + 4, true) === peMachineRiscv32) {
    throw new InputError(`${source} is for 32-bit RISC-V; hartvisor's harts are RV64. Build it for rv64.`);
  }
  const count = view.getUint16(pe + 6, true);
  const table = pe + 24 + view.getUint16(pe + 20, true);
  if (table + count * 40 > view.byteLength) return table + count * 40;
  const ends = Array.from({ length: count }, (_, index) => {
    const section = table + index * 40;
    return view.getUint32(section + 16, true) + view.getUint32(section + 20, true);
  });
  return Math.max(header.size, ...ends);
}
