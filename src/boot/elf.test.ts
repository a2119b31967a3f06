import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildElf } from '../../test/fixtures/elf-fixture.ts';
import { InputError } from '../errors/input-error.ts';
import { elfMachineName, readElf } from './elf.ts';

const program = {
  entry: 0xffffffff80000010n,
  segments: [
    {
      virtualAddress: 0xffffffff80000000n,
      physicalAddress: 0x80000000n,
      data: Uint8Array.of(1, 2, 3, 4),
      memorySize: 64,
    },
    { virtualAddress: 0x1000n, physicalAddress: 0x80001000n, data: Uint8Array.of(5) },
  ],
  symbols: { tohost: 0x80001000n, to: 1n, host: 2n },
};

describe.each([64, 32] as const)('readElf, %i bits', (bits) => {
  const entry = bits === 64 ? program.entry : 0x80000010n;
  const segments = program.segments.map((segment) => ({
    ...segment,
    virtualAddress: bits === 64 ? segment.virtualAddress : BigInt.asUintN(32, segment.virtualAddress),
  }));
  const file = buildElf({ ...program, bits, entry, segments });

  it('gives header, segments and symbols', () => {
    const elf = readElf(file, 'a.elf');
    expect(elf).toMatchObject({ bits, type: 'executable', machine: 243, entry });
    expect(elf.segments).toMatchObject(
      segments.map(({ virtualAddress, physicalAddress, data, memorySize }) => ({
        virtualAddress,
        physicalAddress,
        data,
        memorySize: memorySize ?? data.length,
        flags: { read: true, write: false, execute: true },
      })),
    );
    expect(elf.symbol('tohost')).toEqual({ value: 0x80001000n, size: 8 });
    expect(elf.symbol('to')).toEqual({ value: 1n, size: 8 });
    expect(elf.symbol('host')).toEqual({ value: 2n, size: 8 });
    expect(elf.symbol('fromhost')).toBeUndefined();
  });

  it('refuses a file that is cut short anywhere, with the place', () => {
    const end = file.length;
    for (let length = 0; length < end; length++) {
      expect(() => readElf(file.subarray(0, length), 'a.elf').symbol('fromhost'), `${length} bytes`).toThrow(
        InputError,
      );
    }
    expect(() => readElf(file.subarray(0, 70), 'a.elf')).toThrow(
      /^a\.elf is cut short: it ends at byte 70, before the end of the program headers \(\d+ bytes from byte \d+\)\./,
    );
  });

  it('reads or refuses, never worse, whatever byte is wrong', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(file);
        changed[at] = value;
        try {
          readElf(changed, 'a.elf').symbol('tohost');
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

it('refuses big-endian files and what is no ELF', () => {
  const bigEndian = buildElf(program);
  bigEndian[5] = 2;
  expect(() => readElf(bigEndian, 'a.elf')).toThrow(/big-endian/);
  expect(() => readElf(Uint8Array.of(1, 2, 3), 'a.elf')).toThrow('a.elf is not an ELF file.');
});

it('refuses a segment that is larger in the file than in memory', () => {
  const segments = [{ virtualAddress: 0n, physicalAddress: 0n, data: Uint8Array.of(1, 2), memorySize: 1 }];
  expect(() => readElf(buildElf({ segments }), 'a.elf')).toThrow(/2 bytes in the file but only 1 in memory/);
});

it('finds no symbol in a stripped file', () => {
  expect(readElf(buildElf({ segments: program.segments }), 'a.elf').symbol('tohost')).toBeUndefined();
});

it('refuses more than one symbol table, be they 65,000 that share all their symbols', () => {
  const file = buildElf(program);
  const view = new DataView(file.buffer);
  const [sectionSize, count] = [64, 65_000];
  const table = Number(view.getBigUint64(40, true));
  const many = new Uint8Array(table + sectionSize * count);
  many.set(file);
  for (let index = 3; index < count; index++) {
    many.copyWithin(table + sectionSize * index, table + sectionSize, table + sectionSize * 2);
  }
  new DataView(many.buffer).setUint16(60, count, true);
  const elf = readElf(many, 'a.elf');
  expect(() => elf.symbol('nowhere')).toThrow(
    /^a\.elf is a damaged ELF file: at byte \d+, it has 64998 symbol tables instead of one\./,
  );
});

it('tells which bytes describe the file: headers and notes', () => {
  const [first] = program.segments;
  const file = buildElf({ segments: [first, first] });
  const view = new DataView(file.buffer);
  view.setUint32(64 + 56, 4, true);
  expect(readElf(file, 'a.elf').metadata).toEqual([
    { offset: 0, length: 64 },
    { offset: 64, length: 112 },
    { offset: 64 + 112 + 4, length: 4 },
  ]);
});

it('names machines', () => {
  expect(elfMachineName(62)).toBe('x86-64');
  expect(elfMachineName(4711)).toBe('machine number 4711');
});
