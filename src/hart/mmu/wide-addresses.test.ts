/** Page numbers of 44 bits are put together from halves in many places; whole numbers tell what must come out. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  A,
  ACCESS_FAULT,
  ACCESSES,
  Bed,
  D,
  fault,
  GUEST_FAULT,
  GuestBed,
  leaf,
  RWX,
  U,
  V,
} from '../../../test/hart/mmu-bed.ts';
import { ACCESS } from '../exceptions.ts';

const OPEN = V | RWX | A | D;
const TABLE_READ = 0x3000;
const PAGE_SHIFT = 12n;
const NUMBER_BITS = 44;

/** A number of up to so many bits, all of which are likely to be set. */
const bits = (count: number): fc.Arbitrary<bigint> => fc.bigInt(0n, (1n << BigInt(count)) - 1n);

/** Bits of the page numbers that so many levels translate. */
const numberBits = (levels: number): number => 9 * levels;

/** A canonical virtual address for so many levels. */
const virtualAddress = (levels: number): fc.Arbitrary<bigint> =>
  bits(numberBits(levels) + 12).map((address) =>
    BigInt.asUintN(64, BigInt.asIntN(numberBits(levels) + 12, address)),
  );

const guestCase = fc
  .record({ levels: fc.constantFrom(3, 4, 5), guestLevels: fc.constantFrom(3, 4, 5) })
  .chain(({ levels, guestLevels }) =>
    fc.record({
      levels: fc.constant(levels),
      guestLevels: fc.constant(guestLevels),
      va: virtualAddress(levels),
      // The root, the other tables, and the page.
      numbers: fc.uniqueArray(bits(Math.min(numberBits(guestLevels) + 2, NUMBER_BITS)), {
        minLength: levels + 1,
        maxLength: levels + 1,
      }),
      missing: fc.nat(levels),
      access: fc.constantFrom(...ACCESSES),
    }),
  );

/** The place of the entry for an address in a table. */
const entryOffset = (va: bigint, level: number): bigint =>
  BigInt.asUintN(9, va >> (PAGE_SHIFT + 9n * BigInt(level))) * 8n;

describe('guest-physical page numbers of 44 bits', () => {
  test('lead to tables and pages, and show in htval where the G-stage has none', () => {
    fc.assert(
      fc.property(guestCase, ({ levels, guestLevels, va, numbers, missing, access }) => {
        const bed = new GuestBed(levels, guestLevels);
        const pages = numbers.map(() => bed.page());
        const guestLeaves = numbers.map((number, index) =>
          bed.mapGuest(number << PAGE_SHIFT, leaf(pages[index], OPEN | U)),
        );
        bed.set('vsatp', (BigInt(levels + 5) << 60n) | numbers[0]);
        for (let at = 0; at < levels; at++) {
          const flags = at === levels - 1 ? OPEN : V;
          const entry = pages[at] + Number(entryOffset(va, levels - 1 - at));
          bed.setEntry(entry, (numbers[at + 1] << 10n) | flags);
        }
        expect(bed.translate(va, access)).toEqual({ physical: pages[levels] + Number(va & 0xfffn) });

        bed.setEntry(guestLeaves[missing], 0n);
        const isTable = missing < levels;
        const offset = isTable ? entryOffset(va, levels - 1 - missing) : va & 0xfffn;
        expect(bed.translate(va, access)).toEqual({
          ...fault(GUEST_FAULT[access], va),
          tval2: ((numbers[missing] << PAGE_SHIFT) | offset) >> 2n,
          tinst: isTable ? TABLE_READ : 0,
          guestVirtual: true,
        });
      }),
      { seed: 44, numRuns: 200 },
    );
  });
});

describe('physical page numbers of 44 bits', () => {
  test('of leaves give the address of the page, and of roots a table that is not in RAM', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(3, 4, 5).chain((levels) => fc.tuple(fc.constant(levels), virtualAddress(levels))),
        bits(NUMBER_BITS),
        ([levels, va], number) => {
          const bed = new Bed();
          const root = bed.root('satp', levels);
          bed.map(root, levels, va, (number << 10n) | OPEN);
          const expected = Number(number << PAGE_SHIFT) + Number(va & 0xfffn);
          expect(bed.translate(va, ACCESS.load)).toEqual({ physical: expected });
          const far = (BigInt(root) >> PAGE_SHIFT) | (1n << 20n) | ((number >> 20n) << 20n);
          bed.set('satp', (BigInt(levels + 5) << 60n) | far);
          expect(bed.translate(va, ACCESS.load)).toEqual(fault(ACCESS_FAULT[ACCESS.load], va));
        },
      ),
      { seed: 44, numRuns: 100 },
    );
  });
});
