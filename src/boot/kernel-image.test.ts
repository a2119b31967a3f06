import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { buildElf } from '../../test/fixtures/elf-fixture.ts';
import { InputError } from '../errors/input-error.ts';
import { inflateGzip } from './gzip.ts';
import { readKernel } from './kernel-image.ts';

const pe = { machineRiscv64: 0x5064, machineRiscv32: 0x5032 };

/** A RISC-V Image with a PE header of one section, as Linux with an EFI stub has it. */
function buildImage(
  options: { size?: number; imageSize?: number; machine?: number; flags?: number } = {},
): Uint8Array {
  const size = options.size ?? 0x1000;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x5a4d, true);
  view.setBigUint64(8, 0x200000n, true);
  view.setBigUint64(16, BigInt(options.imageSize ?? 0x1800), true);
  view.setBigUint64(24, BigInt(options.flags ?? 0), true);
  bytes.set(new TextEncoder().encode('RISCV\0\0\0RSC\x05'), 48);
  view.setUint32(60, 64, true);
  view.setUint32(64, 0x4550, true);
  view.setUint16(68, options.machine ?? pe.machineRiscv64, true);
  view.setUint16(70, 1, true);
  view.setUint16(84, 160, true);
  const section = 64 + 24 + 160;
  view.setUint32(section + 16, size - 0x400, true);
  view.setUint32(section + 20, 0x400, true);
  return bytes;
}

/** An Image without a PE header. */
function plainImage(textOffset: number): Uint8Array {
  const bytes = new Uint8Array(4096);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(textOffset), true);
  bytes.set(text('RISCV\0\0\0RSC\x05'), 48);
  return bytes;
}

const text = (content: string) => new TextEncoder().encode(content);
const at = (offset: number, content: readonly number[] | Uint8Array) => {
  const bytes = new Uint8Array(Math.max(offset + content.length, 2048));
  bytes.set(content, offset);
  return bytes;
};
/** An EFI kernel that unpacks itself, with the payload at an odd place. */
function buildZboot(payload: Uint8Array, size = payload.length): Uint8Array {
  const bytes = at(0x201, payload);
  bytes.set(text('MZ\0\0zimg'), 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 0x201, true);
  view.setUint32(12, size, true);
  return bytes;
}
const program = {
  entry: 0x80200000n,
  segments: [{ virtualAddress: 0x80200000n, physicalAddress: 0x80200000n, data: Uint8Array.of(1) }],
};

describe('readKernel', () => {
  it('reads a raw Image', async () => {
    const bytes = buildImage();
    expect(await readKernel(bytes, 'Image')).toEqual({
      kind: 'image',
      bytes,
      textOffset: 0x200000,
      memorySize: 0x1800,
    });
  });

  it('takes the file size where the header has no image size', async () => {
    expect(await readKernel(buildImage({ imageSize: 0 }), 'Image')).toMatchObject({ memorySize: 0x1000 });
  });

  it('reads an Image without a PE header', async () => {
    const bytes = buildImage();
    bytes[0] = 0x6f;
    expect(await readKernel(bytes, 'Image')).toMatchObject({ kind: 'image', textOffset: 0x200000 });
  });

  it('reads a gzip-compressed Image and a gzip-compressed ELF', async () => {
    const bytes = buildImage();
    expect(await readKernel(gzipSync(bytes), 'Image.gz')).toMatchObject({ kind: 'image', bytes });
    expect(await readKernel(gzipSync(buildElf(program)), 'k.gz')).toMatchObject({ kind: 'elf' });
  });

  it('reads an EFI zboot kernel, which may be compressed once more', async () => {
    const bytes = buildImage();
    const zboot = buildZboot(gzipSync(bytes));
    expect(await readKernel(zboot, 'vmlinuz.efi')).toMatchObject({ kind: 'image', bytes });
    expect(await readKernel(gzipSync(zboot), 'vmlinuz.gz')).toMatchObject({ kind: 'image', bytes });
  });

  it('says of a zboot kernel that is cut short, or cannot be unpacked, what is wrong', async () => {
    const packed = gzipSync(buildImage());
    await expect(readKernel(buildZboot(packed, 0x1000_0000), 'k.efi')).rejects.toThrow(
      /^k\.efi is a compressed EFI kernel \(zboot\) that is cut short: its header promises 268435969 bytes, the file has/,
    );
    await expect(readKernel(text('MZ\0\0zimg'), 'k.efi')).rejects.toThrow(
      /promises 64 bytes, the file has 8\./,
    );
    await expect(readKernel(buildZboot(packed.subarray(0, packed.length / 2)), 'k.efi')).rejects.toThrow(
      /^The kernel within k\.efi \(zboot\) is gzip data that is damaged or cut short/,
    );
    await expect(readKernel(buildZboot(text('\x04\x22\x4d\x18')), 'k.efi')).rejects.toThrow(
      /^The kernel within k\.efi \(zboot\) is lz4 data, which hartvisor cannot unpack here\. Give the raw Image,/,
    );
    const inner = buildZboot(gzipSync(text('#!/bin/sh')));
    await expect(readKernel(inner, 'k.efi')).rejects.toThrow(
      /^The kernel within k\.efi \(zboot\) \(unpacked from gzip\) is not a RISC-V kernel: it is a script/,
    );
  });

  it('unpacks with what it is given, and says when it has nothing for it', async () => {
    const bytes = buildImage();
    const packed = zstdCompressSync(bytes);
    const zstd = async () => new Uint8Array(bytes);
    expect(await readKernel(packed, 'k.zst', { zstd })).toMatchObject({ kind: 'image', bytes });
    await expect(readKernel(packed, 'k.zst', { gzip: inflateGzip })).rejects.toThrow(
      'k.zst is zstd data, which hartvisor cannot unpack here. Unpack it first (unzstd FILE) and give the result.',
    );
  });

  it('does not unpack without end', async () => {
    let packed = buildImage();
    for (let depth = 0; depth < 4; depth++) packed = gzipSync(packed);
    await expect(readKernel(packed, 'k')).rejects.toThrow(/is not a RISC-V kernel: it is gzip data/);
  });

  it('takes machine code without a header for a kernel that lies where most do', async () => {
    const bytes = Uint8Array.of(0x73, 0x10, 0x40, 0x10, 0x99, 0x62);
    const raw = { kind: 'raw', bytes, textOffset: 0x20_0000, memorySize: 6 };
    expect(await readKernel(bytes, 'xen')).toEqual(raw);
    expect(await readKernel(gzipSync(bytes), 'xen.gz')).toEqual({ ...raw, bytes });
  });

  it('reads an ELF kernel', async () => {
    expect(await readKernel(buildElf(program), 'kernel.elf')).toMatchObject({ elf: { entry: 0x80200000n } });
  });

  it('says of an Image that is cut short how long it should be', async () => {
    const bytes = buildImage();
    for (const length of [0xfff, 0x800, 250, 100, 64]) {
      const failure = readKernel(bytes.subarray(0, length), 'Image');
      await expect(failure, `${length}`).rejects.toThrow(InputError);
      await expect(failure).rejects.toThrow(
        /^Image is a RISC-V Image that is cut short: its header promises/,
      );
    }
    await expect(readKernel(bytes.subarray(0, 0xfff), 'Image')).rejects.toThrow(
      /4096 bytes, the file has 4095\./,
    );
    await expect(readKernel(gzipSync(bytes.subarray(0, 0xfff)), 'Image.gz')).rejects.toThrow(
      /^Image\.gz \(unpacked from gzip\) is a RISC-V Image that is cut short/,
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'an x86-64 ELF',
      buildElf({ ...program, machine: 62 }),
      /is an ELF file for x86-64; hartvisor needs one for RISC-V/,
    ],
    ['a 32-bit ELF', buildElf({ ...program, bits: 32 }), /is for 32-bit RISC-V/],
    ['an object file', buildElf({ ...program, type: 1 }), /is an object file that is not linked yet/],
    ['an ELF without segments', buildElf({}), /without a loadable segment/],
    ['a 32-bit Image', buildImage({ machine: pe.machineRiscv32 }), /is for 32-bit RISC-V/],
    ['a big-endian Image', buildImage({ flags: 1 }), /big-endian/],
    ['an x86 kernel', at(0x202, text('HdrS')), /it is an x86 Linux kernel \(bzImage\)/],
    ['an ARM64 kernel', at(56, text('ARM\x64')), /it is an ARM64 Linux kernel/],
    ['an empty file', new Uint8Array(0), /it is an empty file/],
    ['text', text('#include <stdio.h>\n'), /it is text\./],
    ['a script', text('#!/bin/sh\n'), /it is a script/],
    ['a cpio archive', text('070701000'), /Give it as the initrd/],
    ['gzip of a cpio archive', gzipSync(text('070701000')), /\(unpacked from gzip\) .* as the initrd/],
    ['lzma data', Uint8Array.of(0x5d, 0, 0, 0x80), /lzma data\. Unpack it first \(unlzma FILE\)/],
    ['a Debian package', text('!<arch>\ndebian-binary'), /dpkg-deb -x/],
    ['a device tree', Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed), /a device tree blob/],
    ['a file system', at(1080, [0x53, 0xef]), /an ext2, ext3 or ext4 file system/],
    ['zeros', new Uint8Array(4096), /zeros only/],
    ['zeros at first', new Uint8Array(0x1_0000 + 4).fill(0x13, 0x1_0000), /begins with 64 KiB of zeros/],
    ['an EFI program', at(0, text('MZ')), /a DOS or EFI program/],
  ])('refuses %s and says what it is', async (_, bytes, message) => {
    const failure = readKernel(bytes, 'the-file');
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(/^the-file /);
  });

  it.each([
    ['a 64-bit ELF', buildElf(program), /is for 64-bit RISC-V, and these harts are RV32\. .*harts of rv64/],
    ['a 64-bit Image with a PE header', buildImage(), /is for 64-bit RISC-V/],
    ['a 64-bit Image without one', plainImage(0x20_0000), /is for 64-bit RISC-V/],
  ])('refuses %s for harts of RV32', async (_, bytes, message) => {
    await expect(readKernel(bytes, 'the-file', {}, 32)).rejects.toThrow(message);
  });

  it('reads kernels for harts of RV32', async () => {
    const elf = await readKernel(buildElf({ ...program, bits: 32 }), 'kernel.elf', {}, 32);
    expect(elf).toMatchObject({ elf: { bits: 32, entry: 0x80200000n } });
    const expected = { kind: 'image', textOffset: 0x40_0000 };
    expect(await readKernel(plainImage(0x40_0000), 'Image', {}, 32)).toMatchObject(expected);
    await expect(readKernel(plainImage(0x40_0000), 'Image')).rejects.toThrow(/is for 32-bit RISC-V/);
    const raw = await readKernel(Uint8Array.of(0x6f, 0, 0, 0), 'raw', {}, 32);
    expect(raw).toMatchObject({ kind: 'raw', textOffset: 0x40_0000 });
  });
});
