import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildElf } from '../../../test/fixtures/elf-fixture.ts';
import { readDeviceTree } from '../../../test/fixtures/fdt-reader.ts';
import { bareProgram, finish, guestProgram } from '../../../test/machine/programs.ts';
import { runMachine } from '../../../test/machine/run-machine.ts';
import { readElf } from '../../boot/elf.ts';
import { InputError } from '../../errors/input-error.ts';
import { describeDevices } from '../devices.ts';
import { RAM_BASE } from '../parts.ts';
import { type BareBoot, type BareProgram, type FirmwareImage, planBare } from './boot.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const RAM = RAM_BASE;

const raw = (size: number): FirmwareImage => ({
  kind: 'raw',
  bytes: new Uint8Array(size).fill(1),
  source: 'fw.bin',
});

/** An ELF file of `size` bytes at an offset into RAM, with as many zeroed bytes behind them. */
function elf(offset: number, size: number): FirmwareImage {
  const address = BigInt(RAM + offset);
  const data = new Uint8Array(size).fill(2);
  const segments = [
    { virtualAddress: address, physicalAddress: address, data, memorySize: Math.max(size * 2, 4) },
  ];
  return { kind: 'elf', elf: readElf(buildElf({ entry: address, segments }), 'fw.elf'), source: 'fw.elf' };
}

const machine = (memorySize: number, cpus = 1) =>
  ({
    cpus,
    ramBase: RAM,
    memorySize,
    devices: describeDevices({ kind: 'bare', cpus }),
    extensions: ['m'],
    mmuType: 'riscv,sv39',
  }) as const;

function expectApart({ parts }: Pick<BareBoot, 'parts'>, memorySize: number): void {
  const ordered = parts.toSorted((one, other) => one.address - other.address);
  let free: number = RAM;
  for (const { address, bytes } of ordered) {
    expect(address).toBeGreaterThanOrEqual(free);
    free = address + bytes.length;
  }
  expect(free).toBeLessThanOrEqual(RAM + memorySize);
}

const kibibytes = (most: number) => fc.integer({ min: 0, max: most }).map((count) => count * KIB);
const images = fc.oneof(
  fc.integer({ min: 1, max: 300 * KIB }).map(raw),
  fc.tuple(kibibytes(300), fc.integer({ min: 1, max: 8 * KIB })).map(([offset, size]) => elf(offset, size)),
);

describe('planBare', () => {
  test('keeps all parts apart and in RAM, whatever the sizes, or refuses in words', () => {
    const kernels = fc.integer({ min: 1, max: 8 * MIB }).map((memorySize) => ({
      kind: 'image' as const,
      bytes: new Uint8Array(100),
      textOffset: 2 * MIB,
      memorySize,
    }));
    const initrds = fc.option(
      kibibytes(5000).map((size) => new Uint8Array(size)),
      { nil: undefined },
    );
    const programs: fc.Arbitrary<BareProgram> = fc.oneof(
      images.map((image) => ({ kind: 'program' as const, image })),
      fc.tuple(images, kernels, initrds).map(([image, kernel, initrd]) => ({
        kind: 'firmware' as const,
        image,
        kernel,
        ...(initrd && { initrd }),
      })),
    );
    const memory = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 5000 }));
    let placed = 0;
    fc.assert(
      fc.property(programs, memory, fc.integer({ min: 1, max: 64 }), (program, pages, cpus) => {
        const memorySize = pages * 4096;
        try {
          expectApart(planBare(program, machine(memorySize, cpus)), memorySize);
          placed++;
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 200, seed: 1 },
    );
    // Both happen often.
    expect(placed).toBeGreaterThan(20);
    expect(placed).toBeLessThan(180);
  });

  test('refuses a program that leaves no room for the device tree', () => {
    const full: BareProgram = { kind: 'program', image: raw(64 * KIB) };
    expect(() => planBare(full, machine(64 * KIB))).toThrow(
      /^The device tree takes \d+ bytes, for which the program leaves no room in 65536 bytes of memory\. Give more/,
    );
    // With zeroed data: in the file there are 16 KiB only.
    const zeroed: BareProgram = { kind: 'program', image: elf(32 * KIB, 16 * KIB) };
    expect(planBare(zeroed, machine(64 * KIB)).deviceTreeAddress).toBe(RAM + 24 * KIB);
    const small: BareProgram = { kind: 'program', image: raw(16) };
    expect(() => planBare(small, machine(4 * KIB, 64))).toThrow(/^The device tree takes \d+ bytes/);
  });

  test('has the kernel leave alone what harts that start late are told', () => {
    const program: BareProgram = { kind: 'firmware', image: raw(64 * KIB), kernel: guestProgram('nop\n') };
    const { bare, deviceTree } = planBare(program, machine(64 * MIB));
    expect(readDeviceTree(deviceTree).reservations).toEqual([{ address: bare.dynamicInfo, size: 48 }]);
  });

  test('refuses firmware that reaches into the kernel', () => {
    const kernel = guestProgram('nop\n');
    const program: BareProgram = { kind: 'firmware', image: raw(2 * MIB + 1), kernel };
    expect(() => planBare(program, machine(64 * MIB))).toThrow(
      /^fw\.bin and the kernel lie in the same place: at 0x80000000 to 0x80200001 and 0x80200000/,
    );
  });
});

/** Starts what fw_dynamic is told to start: in S-mode, with all of memory open to it. */
const dynamicFirmware = `
  li t0, -1; csrw pmpaddr0, t0; li t0, 0x1f; csrw pmpcfg0, t0
  ld t0, 16(a2); csrw mepc, t0
  li t0, 0x1800; csrc mstatus, t0; li t0, 0x800; csrs mstatus, t0
  mret
`;

/** Ends well if each byte of an initrd is its offset's low byte but for 0, which is 1; else with status 7. */
const checkInitrd = (start: number, size: number): string => `
  li t0, ${start}; li t1, ${start + size}; li t2, 0
  next:
  andi t3, t2, 255; bnez t3, compare; li t3, 1
  compare:
  lbu t4, (t0); bne t3, t4, wrong
  addi t0, t0, 1; addi t2, t2, 1
  bne t0, t1, next
  ${finish(0x5555)}
  stay: j stay
  wrong:
  ${finish(0x0007_3333)}
  j stay
`;

describe('an initrd under firmware', () => {
  test.each([
    [8, 64 * KIB],
    [5, 64 * KIB],
    // Up to the device tree, in whose page before the firmware's orders would be.
    [8, 3968 * KIB],
    [64, 64 * KIB + 1],
  ])('in %i MiB, of %i bytes: the kernel finds all of it', async (mebibytes, size) => {
    const initrd = Uint8Array.from({ length: size }, (_, index) => index & 255 || 1);
    const image = bareProgram(dynamicFirmware).image;
    const planned = (kernel: ReturnType<typeof guestProgram>) =>
      planBare({ kind: 'firmware', image, kernel, initrd }, machine(mebibytes * MIB));
    const place = planned(guestProgram(checkInitrd(RAM, size))).parts.find(({ bytes }) => bytes === initrd);
    const kernel = guestProgram(checkInitrd(place?.address ?? 0, size));
    const program: BareProgram = { kind: 'firmware', image, kernel, initrd };
    const { end } = await runMachine(
      { kind: 'bare', harts: 1, memoryBytes: mebibytes * MIB, program },
      60_000,
    );
    expect(end).toEqual({ reason: 'poweroff' });
  });
});
