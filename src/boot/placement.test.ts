import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildElf, type FixtureSegment } from '../../test/fixtures/elf-fixture.ts';
import { InputError } from '../errors/input-error.ts';
import { type ElfFile, readElf } from './elf.ts';
import type { RawKernel } from './kernel-image.ts';
import { type BootPlacement, checkInitrdSize, placeBoot, placeElf } from './placement.ts';
import { RamLayout } from './ram-layout.ts';

const mebibyte = 1024 * 1024;
const ramBase = 0x8000_0000;
/** Debian's kernel by its figures. */
const kernel: RawKernel = {
  kind: 'image',
  bytes: new Uint8Array(16),
  textOffset: 2 * mebibyte,
  memorySize: 0x1e6_b000,
};

/** A large array of which only the length counts: the system gives no memory for zeros that nobody writes. */
const zeros = new Uint8Array(3000 * mebibyte);
const ofSize = (size: number): Uint8Array => zeros.subarray(0, size);

const ramOf = (size: number): RamLayout => new RamLayout({ start: ramBase, end: ramBase + size });

function place(ramSize: number, initrdSize?: number, deviceTreeSize = 8000): BootPlacement {
  const deviceTree = ofSize(deviceTreeSize);
  const initrd = initrdSize === undefined ? {} : { initrd: ofSize(initrdSize) };
  return placeBoot(ramOf(ramSize), { kernel, deviceTree, ...initrd });
}

describe('placeBoot', () => {
  it('puts the kernel at its offset, the initrd 128 MiB behind its start and the device tree at the top', () => {
    const layout = ramOf(512 * mebibyte);
    const initrd = ofSize(mebibyte + 5);
    const deviceTree = ofSize(8000);
    expect(placeBoot(layout, { kernel, initrd, deviceTree })).toEqual({
      entry: 0x8020_0000,
      kernel: { start: 0x8020_0000, end: 0x8020_0000 + 0x1e6_b000 },
      initrd: { start: 0x8820_0000, end: 0x8820_0000 + mebibyte + 5 },
      deviceTree: { start: 0x9fe0_0000, end: 0x9fe0_0000 + 8000 },
    });
    expect(layout.parts.map(({ address }) => address)).toEqual([0x8020_0000, 0x9fe0_0000, 0x8820_0000]);
    expect(
      layout.parts.every(({ bytes }, index) => bytes === [kernel.bytes, deviceTree, initrd][index]),
    ).toBe(true);
  });

  it('leaves half of a small memory between the kernel and the initrd, and all that it can where that is too much', () => {
    expect(place(128 * mebibyte, mebibyte).initrd?.start).toBe(0x8420_0000);
    expect(place(128 * mebibyte, 70 * mebibyte).initrd?.start).toBe(0x87e0_0000 - 70 * mebibyte);
  });

  it('keeps everything apart, aligned, in RAM and below 4 GiB, or refuses in words', () => {
    const size = fc.oneof(...[64, 3000].map((limit) => fc.integer({ min: 1, max: limit * mebibyte })));
    fc.assert(
      fc.property(
        size,
        fc.option(size, { nil: undefined }),
        fc.integer({ min: 1, max: mebibyte }),
        (ram, initrd, tree) => {
          try {
            const placed = place(ram, initrd, tree);
            const end = Math.min(ramBase + ram, 2 ** 32);
            const extents = [placed.kernel, placed.deviceTree, ...(placed.initrd ? [placed.initrd] : [])];
            extents.sort((one, other) => one.start - other.start);
            extents.forEach((extent, index) => {
              expect(extent.start).toBeGreaterThanOrEqual(index === 0 ? ramBase : extents[index - 1].end);
              expect(extent.start % 4096).toBe(0);
              expect(extent.end).toBeLessThanOrEqual(extent === placed.kernel ? ramBase + ram : end);
            });
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
          let message = '';
          try {
            place(mebibyte, initrdSize, deviceTreeSize);
          } catch (error) {
            message = error instanceof InputError ? error.message : '';
          }
          const needed = Number(/at least (\d+) MiB/.exec(message)?.[1]);
          expect(place(needed * mebibyte, initrdSize, deviceTreeSize).entry).toBe(0x8020_0000);
        },
      ),
    );
  });

  it('refuses an initrd that would reach into the kernel by a page', () => {
    const room = 512 * mebibyte - 2 * mebibyte - 2 * mebibyte - kernel.memorySize;
    expect(place(512 * mebibyte, room).initrd?.start).toBe(0x8020_0000 + kernel.memorySize);
    expect(() => place(512 * mebibyte, room + 1)).toThrow(/too little: the kernel takes/);
  });

  it('names the initrd when that alone is larger than memory', () => {
    expect(() => place(512 * mebibyte, 600 * mebibyte)).toThrow(
      'The guest has 512 MiB of memory, but the initrd alone takes 600 MiB. Give it more: ' +
        'at least 636 MiB, and as much again for what the kernel unpacks from it.',
    );
  });

  it('says the same by sizes alone, before anything is read', () => {
    expect(() => checkInitrdSize(512 * mebibyte, 600 * mebibyte)).toThrow(
      'The guest has 512 MiB of memory, but the initrd alone takes 600 MiB. Give it more: ' +
        'at least 604 MiB, and as much again for what the kernel unpacks from it.',
    );
    expect(() => checkInitrdSize(512 * mebibyte, 512 * mebibyte)).not.toThrow();
  });

  it('names the kernel when memory does not hold it', () => {
    expect(() => place(mebibyte, 0)).toThrow(
      /^The guest has 1 MiB of memory, which is too little: the kernel takes the first 32\.4 MiB\. .*at least 36 MiB/,
    );
  });

  it('names both when firmware lies where the kernel has to be', () => {
    const layout = ramOf(512 * mebibyte);
    layout.put('fw.bin', ramBase, ofSize(16), 3 * mebibyte);
    expect(() => placeBoot(layout, { kernel, deviceTree: ofSize(1) })).toThrow(
      'fw.bin and the kernel lie in the same place: at 0x80000000 to 0x80300000 and 0x80200000 to 0x8206b000. ' +
        'Link one of them for another address.',
    );
  });
});

describe('placeElf', () => {
  const ramSize = 16 * mebibyte;
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
    const layout = ramOf(ramSize);
    expect(placeElf(layout, elf(0x8020_0004n, 0x8020_0000n))).toEqual({
      entry: 0x8020_0004,
      extent: { start: 0x8020_0000, end: 0x8020_1000 },
      bias: 0,
    });
    expect(layout.parts).toEqual([{ address: 0x8020_0000, bytes: Uint8Array.of(7, 8) }]);
  });

  it('turns a virtual entry into the physical address', () => {
    expect(placeElf(ramOf(ramSize), elf(0xffffffff80000010n, 0x8020_0000n)).entry).toBe(0x8020_0010);
  });

  it('moves a position-independent file that is linked to 0 to the start of RAM', () => {
    const segment = { virtualAddress: 0n, physicalAddress: 0n, data: Uint8Array.of(7) };
    const firmware = readElf(buildElf({ type: 3, entry: 8n, segments: [segment] }), 'fw.elf');
    const layout = ramOf(ramSize);
    expect(placeElf(layout, firmware)).toMatchObject({ entry: ramBase + 8, bias: ramBase });
    expect(layout.parts).toMatchObject([{ address: ramBase }]);
  });

  it.each([0x0n, 0x7fff_fff0n, 0x80ff_f001n, 0xffffffff80000000n])('refuses a segment at %x', (address) => {
    expect(() => placeElf(ramOf(ramSize), elf(0x8020_0004n, address), 'k.elf')).toThrow(InputError);
    expect(() => placeElf(ramOf(ramSize), elf(0x8020_0004n, address), 'k.elf')).toThrow(
      /^k\.elf wants to lie at 0x[0-9a-f]+ to 0x[0-9a-f]+, but RAM is 0x80000000 to 0x81000000\./,
    );
  });

  it('refuses an entry that is nowhere', () => {
    expect(() => placeElf(ramOf(ramSize), elf(0x1234n, 0x8020_0000n), 'k.elf')).toThrow(
      /^k\.elf has its entry at 0x1234/,
    );
  });

  describe('with what a linker puts in front of code at the start of RAM', () => {
    /** As `-Ttext=0x80000000` has it: the file from its first byte on, a page before RAM. */
    const linked = (
      change: (bytes: Uint8Array) => void = () => undefined,
      segments: FixtureSegment[] = [],
    ) => {
      const code = Uint8Array.of(0x13, 0, 0, 0);
      const file = new Uint8Array(0x1004);
      const own = { virtualAddress: 0x7fff_f000n, physicalAddress: 0x7fff_f000n, data: file };
      const headers = buildElf({ entry: 0x8000_0000n, segments: [own, ...segments] }).subarray(
        0,
        64 + 56 * 2,
      );
      file.set(headers);
      file.set(code, 0x1000);
      // The first program header: at byte 8 of it, the segment's offset in the file.
      new DataView(file.buffer).setBigUint64(64 + 8, 0n, true);
      change(file);
      return file;
    };

    it('leaves out the headers', () => {
      const layout = ramOf(ramSize);
      const placed = placeElf(layout, readElf(linked(), 'plain.elf'), 'plain.elf');
      expect(placed).toEqual({
        entry: ramBase,
        extent: { start: ramBase, end: ramBase + 4 },
        bias: 0,
      });
      expect(layout.parts).toEqual([{ address: ramBase, bytes: Uint8Array.of(0x13, 0, 0, 0) }]);
    });

    it('leaves out notes, but nothing that a program could need', () => {
      const note = (file: Uint8Array) => {
        const view = new DataView(file.buffer);
        view.setUint16(56, 2, true);
        view.setUint32(64 + 56, 4, true);
        view.setBigUint64(64 + 56 + 8, 0x200n, true);
        view.setBigUint64(64 + 56 + 32, 16n, true);
        file.fill(9, 0x200, 0x210);
      };
      expect(placeElf(ramOf(ramSize), readElf(linked(note), 'k'), 'k').extent.start).toBe(ramBase);
      for (const at of [0x1ff, 0x210, 0xfff]) {
        const file = linked((bytes) => {
          note(bytes);
          bytes[at] = 1;
        });
        expect(() => placeElf(ramOf(ramSize), readElf(file, 'k'), 'k'), `${at}`).toThrow(
          /^k wants to lie at 0x7ffff000 to 0x80000004, but RAM is 0x80000000/,
        );
      }
    });
  });

  it('refuses segments that overlap at once, be they 65,000 large ones', () => {
    const file = manySegments(65_000, () => 0x8000_0000n);
    expect(() => placeElf(ramOf(ramSize), readElf(file, 'k'), 'k')).toThrow(
      /^k has two segments in the same place: at 0x80000000 to 0x80001000 and 0x80000000 to 0x80001000\./,
    );
  });

  it('takes 65,000 segments that do not overlap', () => {
    const layout = ramOf(512 * mebibyte);
    placeElf(
      layout,
      readElf(
        manySegments(65_000, (index) => 0x8000_0000n + BigInt(index * 0x1000)),
        'k',
      ),
    );
    expect(layout.parts).toHaveLength(65_000);
  });
});

/** An ELF file whose segments all are the same page of it. */
function manySegments(count: number, addressOf: (index: number) => bigint): Uint8Array {
  const page = { virtualAddress: 0n, physicalAddress: 0n, data: new Uint8Array(0x1000).fill(1) };
  const [header, program] = [64, 56];
  const file = new Uint8Array(header + program * count + 0x1000);
  file.set(buildElf({ entry: 0x8000_0000n, segments: [page] }).subarray(0, header + program));
  const view = new DataView(file.buffer);
  view.setUint16(56, count, true);
  for (let index = 0; index < count; index++) {
    const at = header + program * index;
    file.copyWithin(at, header, header + program);
    view.setBigUint64(at + 8, BigInt(header + program * count), true);
    view.setBigUint64(at + 24, addressOf(index), true);
  }
  return file;
}
