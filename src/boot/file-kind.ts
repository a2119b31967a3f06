import { compressionOf } from './compression.ts';
import { elfMachineName, isElf } from './elf.ts';

/** The kind of a file that cannot be used, and advice for its giver. */
export interface FileKind {
  /** As it fits behind "it is": `an x86 Linux kernel (bzImage)`. */
  readonly name: string;
  /** The advice as a sentence; undefined when there is none but to give another file. */
  readonly advice?: string;
}

interface Signature {
  readonly offset: number;
  readonly bytes: string | readonly number[];
  readonly kind: FileKind;
}

const unpackTools = { gzip: 'gunzip', xz: 'unxz', zstd: 'unzstd' } as const;

const unpackFirst = (tool: string) => `Unpack it first (${tool} FILE) and give the result.`;

/*
 * Ordered: a more particular signature stands before one that matches it too. Sources: the kernel's boot protocol
 * documents (`Documentation/arch/x86/boot.rst`, `arm64/booting.rst`, `loongarch/booting.rst`, `drivers/firmware/efi/
 * libstub/zboot-header.S`), and the formats' own descriptions.
 */
const signatures: readonly Signature[] = [
  { offset: 0x202, bytes: 'HdrS', kind: { name: 'an x86 Linux kernel (bzImage)' } },
  { offset: 56, bytes: 'ARM\x64', kind: { name: 'an ARM64 Linux kernel (Image)' } },
  { offset: 56, bytes: [0xcd, 0x23, 0x82, 0x81], kind: { name: 'a LoongArch Linux kernel' } },
  {
    offset: 4,
    bytes: 'zimg',
    kind: {
      name: 'a compressed EFI kernel (zboot, usually called vmlinuz.efi)',
      advice: "Give the raw Image, arch/riscv/boot/Image in the kernel's build directory.",
    },
  },
  { offset: 0, bytes: 'BZh', kind: { name: 'bzip2 data', advice: unpackFirst('bunzip2') } },
  { offset: 0, bytes: [0x04, 0x22, 0x4d, 0x18], kind: { name: 'lz4 data', advice: unpackFirst('unlz4') } },
  { offset: 0, bytes: [0x02, 0x21, 0x4c, 0x18], kind: { name: 'lz4 data', advice: unpackFirst('unlz4') } },
  { offset: 0, bytes: [0x5d, 0, 0], kind: { name: 'lzma data', advice: unpackFirst('unlzma') } },
  {
    offset: 0,
    bytes: '0707',
    kind: {
      name: 'a cpio archive, as an initrd is',
      advice: 'Give it as the initrd, beside a kernel.',
    },
  },
  {
    offset: 0,
    bytes: '!<arch>\ndebian-binary',
    kind: {
      name: 'a Debian package',
      advice: 'Unpack it (dpkg-deb -x FILE DIRECTORY) and give boot/vmlinux-* from it.',
    },
  },
  { offset: 0, bytes: '!<arch>\n', kind: { name: 'an ar archive' } },
  {
    offset: 0,
    bytes: [0xd0, 0x0d, 0xfe, 0xed],
    kind: {
      name: 'a device tree blob or a U-Boot FIT image',
      advice: 'Take the kernel out of it (dumpimage).',
    },
  },
  {
    offset: 0,
    bytes: [0x27, 0x05, 0x19, 0x56],
    kind: {
      name: 'a U-Boot uImage',
      advice: 'Take the kernel out of it (dumpimage), or give the raw Image.',
    },
  },
  { offset: 0, bytes: 'QFI\xfb', kind: { name: 'a qcow2 disk image' } },
  { offset: 0, bytes: 'hsqs', kind: { name: 'a squashfs file system' } },
  { offset: 0, bytes: 'PK\x03\x04', kind: { name: 'a zip archive', advice: unpackFirst('unzip') } },
  { offset: 257, bytes: 'ustar', kind: { name: 'a tar archive', advice: unpackFirst('tar -xf') } },
  { offset: 1080, bytes: [0x53, 0xef], kind: { name: 'an ext2, ext3 or ext4 file system' } },
  { offset: 0x8001, bytes: 'CD001', kind: { name: 'a CD image (ISO 9660)' } },
  { offset: 0, bytes: '#!', kind: { name: 'a script' } },
  { offset: 0, bytes: '\0asm', kind: { name: 'a WebAssembly module' } },
  { offset: 0, bytes: '%PDF', kind: { name: 'a PDF document' } },
];

/**
 * Bytes at the start of a file that are looked at for anything but zeros. Machine code does not begin with a zero,
 * which is no instruction, and files may have gigabytes.
 */
const emptyBeginning = 0x1_0000;

/** Tells the kind of a file from its first bytes. */
export function describeFile(bytes: Uint8Array): FileKind {
  if (bytes.length === 0) return { name: 'an empty file', advice: 'Fetch or build it again.' };
  if (isElf(bytes)) return describeElf(bytes);
  const compression = compressionOf(bytes);
  if (compression !== undefined) {
    return { name: `${compression} data`, advice: unpackFirst(unpackTools[compression]) };
  }
  const match = signatures.find((signature) => matches(bytes, signature));
  if (match !== undefined) return match.kind;
  if (bytes[0] === 0x4d && bytes[1] === 0x5a) return describePe(bytes);
  const beginning = bytes.subarray(0, emptyBeginning);
  if (beginning.every((byte) => byte === 0)) {
    const name =
      bytes.length > beginning.length ? 'a file that begins with 64 KiB of zeros' : 'a file of zeros only';
    return { name, advice: 'Fetch or build it again.' };
  }
  if (looksLikeText(bytes)) return { name: 'text' };
  return unmarked;
}

const unmarked: FileKind = { name: 'data of a kind that hartvisor does not know' };

/** Whether nothing tells the kind of the bytes. Firmware and kernels without a header are like that. */
export function isUnmarked(bytes: Uint8Array): boolean {
  return describeFile(bytes) === unmarked;
}

function describeElf(bytes: Uint8Array): FileKind {
  if (bytes.length < 20) return { name: 'the start of an ELF file, cut short' };
  const bigEndian = bytes[5] === 2;
  const machine = bigEndian ? bytes[18] * 256 + bytes[19] : bytes[19] * 256 + bytes[18];
  const bits = bytes[4] === 1 ? '32-bit ' : '';
  return { name: `an ELF file for ${bits}${elfMachineName(machine)}` };
}

/** Machine numbers of PE files (Microsoft's PE format, "Machine Types"). */
const peMachines = new Map<number, string>([
  [0x014c, 'x86 (32 bit)'],
  [0x8664, 'x86-64'],
  [0xaa64, 'ARM64'],
  [0x01c2, 'ARM (32 bit)'],
  [0x5032, 'RISC-V (32 bit)'],
  [0x5064, 'RISC-V'],
]);

function describePe(bytes: Uint8Array): FileKind {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = bytes.length >= 64 ? view.getUint32(60, true) : bytes.length;
  if (header + 6 > bytes.length || view.getUint32(header, true) !== 0x4550)
    return { name: 'a DOS or EFI program' };
  const machine = peMachines.get(view.getUint16(header + 4, true)) ?? 'an unknown machine';
  return { name: `an EFI or Windows program for ${machine}` };
}

function matches(bytes: Uint8Array, signature: Signature): boolean {
  const wanted =
    typeof signature.bytes === 'string'
      ? Array.from(signature.bytes, (character) => character.charCodeAt(0))
      : signature.bytes;
  return wanted.every((byte, index) => bytes[signature.offset + index] === byte);
}

function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 512).every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}
