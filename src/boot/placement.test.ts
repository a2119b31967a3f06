import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildElf } from '../../test/fixtures/elf-fixture.ts';
import { InputError } from '../errors/input-error.ts';
import { type ElfFile, readElf } from './elf.ts';
import type { RawKernel } from './kernel-image.ts';
import { type BootInputs, placeBoot, placeElf } from './placement.ts';

const mebibyte = 1024 * 1024;
const ramBase = 0x8000_0000;
/** Debian's kernel by its figures. */
const kernel: RawKernel = {
  kind: 'image',
  bytes: new Uint8Array(16),
  textOffset: 2 * mebibyte,
  memorySize: 0x1e6_b000,
};
const inputs: BootInputs = {
  ramBase,
  ramSize: 512 * mebibyte,
  kernel,
  initrdSize: mebibyte + 5,
  deviceTreeSize: 8000,
};

describe('placeBoot', () => {
  it('puts the kernel at its offset, the device tree at the top and the initrd below it', () => {
    expect(placeBoot(inputs)).toEqual({
      parts: [{ address: 0x8020_0000, bytes: kernel.bytes }],
      entry: 0x8020_0000,
      kernel: { start: 0x8020_0000, end: 0x8020_0000 + 0x1e6_b000 },
      deviceTree: { start: 0x9fe0_0000, end: 0x9fe0_0000 + 8000 },
      initrd: { start: 0x9fcf_f000, end: 0x9fcf_f000 + mebibyte + 5 },
    });
  });

  it('keeps everything apart, aligned, in RAM and below 4 GiB, or refuses in words', () => {
    const size = fc.oneof(...[64, 3000].map((limit) => fc.integer({ min: 1, max: limit * mebibyte })));
    fc.assert(
      fc.property(
        size,
        fc.option(size, { nil: undefined }),
        fc.integer({ min: 1, max: mebibyte }),
        (ram, initrd, tree) => {
          const given = { ramBase, ramSize: ram, kernel, deviceTreeSize: tree };
          try {
            const placed = placeBoot(initrd === undefined ? given : { ...given, initrdSize: initrd });
            const end = Math.min(ramBase + ram, 2 ** 32);
            const extents = [placed.kernel, ...(placed.initrd ? [placed.initrd] : []), placed.deviceTree];
            extents.forEach((extent, index) => {
              expect(extent.start).toBeGreaterThanOrEqual(index === 0 ? ramBase : extents[index - 1].end);
              expect(extent.start % 4096).toBe(0);
            });
            expect(placed.deviceTree.end).toBeLessThanOrEqual(end);
            expect(placed.deviceTree.end - placed.deviceTree.start).toBe(tree);
            if (placed.initrd) expect(placed.initrd.end - placed.initrd.start).toBe(initrd);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
    );
  });

  it('gives the amount of memory that is enough when it is too little', () => {
    fc.assert(
      fc.property(
        fc.nat(200 * mebibyte),
        fc.integer({ min: 1, max: mebibyte }),
        (initrdSize, deviceTreeSize) => {
          const given = { ...inputs, initrdSize, deviceTreeSize, ramSize: mebibyte };
          let message = '';
          try {
            placeBoot(given);
          } catch (error) {
            message = error instanceof InputError ? error.message : '';
          }
          const needed = Number(/at least (\d+) MiB/.exec(message)?.[1]);
          expect(placeBoot({ ...given, ramSize: needed * mebibyte }).entry).toBe(0x8020_0000);
        },
      ),
    );
  });

  it('refuses an initrd that would reach into the kernel by a page', () => {
    const room = inputs.ramSize - 2 * mebibyte - 2 * mebibyte - kernel.memorySize;
    expect(placeBoot({ ...inputs, initrdSize: room }).initrd?.start).toBe(0x8020_0000 + kernel.memorySize);
    expect(() => placeBoot({ ...inputs, initrdSize: room + 1 })).toThrow(/too little: the kernel takes/);
  });

  it('names the initrd when that alone is larger than memory', () => {
    expect(() => placeBoot({ ...inputs, initrdSize: 600 * mebibyte })).toThrow(
      'The guest has 512 MiB of memory, but the initrd alone takes 600 MiB. Give it more with --memory: ' +
        'at least 636 MiB, and as much again for what the kernel unpacks from it.',
    );
  });

  it('names the kernel when memory does not hold it', () => {
    expect(() => placeBoot({ ...inputs, ramSize: mebibyte, initrdSize: 0 })).toThrow(
      /^The guest has 1 MiB of memory, which is too little: the kernel takes the first 32\.4 MiB\. .*at least 36 MiB/,
    );
  });
});

describe('placeElf', () => {
  const ram = { start: ramBase, end: ramBase + 16 * mebibyte };
  const elf = (entry: bigint, physicalAddress: bigint, memorySize = 0x1000): ElfFile =>
    readElf(
      buildElf({
        entry,
        segments: [
          { virtualAddress: 0xffffffff80000000n, physicalAddress, data: Uint8Array.of(7, 8), memorySize },
        ],
      }),
      'k.elf',
    );

  it('places segments and takes a physical entry as it is', () => {
    expect(placeElf(elf(0x8020_0004n, 0x8020_0000n), ram)).toEqual({
      parts: [{ address: 0x8020_0000, bytes: Uint8Array.of(7, 8) }],
      entry: 0x8020_0004,
      extent: { start: 0x8020_0000, end: 0x8020_1000 },
      bias: 0,
    });
  });

  it('turns a virtual entry into the physical address', () => {
    expect(placeElf(elf(0xffffffff80000010n, 0x8020_0000n), ram).entry).toBe(0x8020_0010);
  });

  it('moves a position-independent file that is linked to 0 to the start of RAM', () => {
    const segment = { virtualAddress: 0n, physicalAddress: 0n, data: Uint8Array.of(7) };
    const firmware = readElf(buildElf({ type: 3, entry: 8n, segments: [segment] }), 'fw.elf');
    expect(placeElf(firmware, ram)).toMatchObject({
      parts: [{ address: ramBase }],
      entry: ramBase + 8,
      bias: ramBase,
    });
  });

  it.each([0x0n, 0x7fff_fff0n, 0x80ff_f001n, 0xffffffff80000000n])('refuses a segment at %x', (address) => {
    expect(() => placeElf(elf(0x8020_0004n, address), ram, 'k.elf')).toThrow(InputError);
    expect(() => placeElf(elf(0x8020_0004n, address), ram, 'k.elf')).toThrow(
      /^k\.elf wants to lie at 0x[0-9a-f]+ to 0x[0-9a-f]+, but RAM is 0x80000000 to 0x81000000\./,
    );
  });

  it('refuses an entry that is nowhere', () => {
    expect(() => placeElf(elf(0x1234n, 0x8020_0000n), ram, 'k.elf')).toThrow(
      /^k\.elf has its entry at 0x1234/,
    );
  });
});
