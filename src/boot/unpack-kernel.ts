import { InputError } from '../errors/input-error.ts';
import { compressionOf, maximumUnpackedSize, type Unpackers } from './compression.ts';
import { describeFile } from './file-kind.ts';

/** A kernel's bytes, and how messages call them. */
export interface UnpackedKernel {
  readonly bytes: Uint8Array;
  readonly source: string;
}

/** A zboot kernel within gzip data, and its content: nobody packs deeper. */
const deepest = 3;

/**
 * Unpacks a kernel that comes as gzip, xz or zstd data, as an EFI program with such data in it (zboot), or as one
 * within the other. Anything else is given back as it is.
 *
 * @throws InputError when data is damaged, unpacks to more than 1 GiB, or there is nothing to unpack it with.
 */
export async function unpackKernel(
  bytes: Uint8Array,
  source: string,
  unpackers: Unpackers,
): Promise<UnpackedKernel> {
  let kernel: UnpackedKernel = { bytes, source };
  for (let depth = 0; depth < deepest; depth++) {
    const zboot = isZboot(kernel.bytes);
    const packed = zboot ? zbootPayload(kernel) : kernel;
    const compression = compressionOf(packed.bytes);
    if (compression === undefined && !zboot) break;
    const unpack = compression === undefined ? undefined : unpackers[compression];
    if (unpack === undefined) throw cannotUnpack(packed, zboot);
    const unpacked = await unpack(packed.bytes, packed.source, maximumUnpackedSize);
    kernel = { bytes: unpacked, source: `${packed.source} (unpacked from ${compression})` };
  }
  return kernel;
}

function cannotUnpack({ bytes, source }: UnpackedKernel, zboot: boolean): InputError {
  const { name, advice } = describeFile(bytes);
  return new InputError(
    `${source} is ${name}, which hartvisor cannot unpack here. ` +
      (zboot || advice === undefined
        ? "Give the raw Image, arch/riscv/boot/Image in the kernel's build directory."
        : advice),
  );
}

/* The header of an EFI kernel that unpacks itself: `drivers/firmware/efi/libstub/zboot-header.S`. */
const zboot = {
  magic: [0x4d, 0x5a, 0, 0, 0x7a, 0x69, 0x6d, 0x67],
  offset: 8,
  size: 12,
  headerSize: 64,
} as const;

function isZboot(bytes: Uint8Array): boolean {
  return zboot.magic.every((byte, index) => bytes[index] === byte);
}

function zbootPayload({ bytes, source }: UnpackedKernel): UnpackedKernel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const complete = bytes.length >= zboot.headerSize;
  const start = complete ? view.getUint32(zboot.offset, true) : 0;
  const end = complete ? start + view.getUint32(zboot.size, true) : zboot.headerSize;
  if (end > bytes.length) {
    throw new InputError(
      `${source} is a compressed EFI kernel (zboot) that is cut short: its header promises ${end} bytes, ` +
        `the file has ${bytes.length}. Copy, download or build it again.`,
    );
  }
  return { bytes: bytes.subarray(start, end), source: `The kernel within ${source} (zboot)` };
}
