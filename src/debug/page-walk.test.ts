import { describe, expect, test } from 'vitest';
import { type ReadEntry, walk } from './page-walk.ts';

/** Tables in a map of entries by address. */
function tables(entries: readonly (readonly [bigint, bigint])[]): ReadEntry {
  const memory = new Map(entries);
  return (address) => memory.get(address);
}

const pointer = (table: bigint): bigint => ((table >> 12n) << 10n) | 1n;
const leaf = (page: bigint, flags = 0xfn): bigint => ((page >> 12n) << 10n) | flags;
const ROOT = 0x8000_1000n;
const atp = (mode: bigint): bigint => (mode << 60n) | (ROOT >> 12n);

describe('a walk', () => {
  test('without translation gives the address itself', () => {
    expect(walk({ xlen: 64, atp: 0n }, 0x1234n, () => undefined)).toBe(0x1234n);
    expect(walk({ xlen: 32, atp: 0x1n }, 0x1234n, () => undefined)).toBe(0x1234n);
  });

  test.each([
    ['Sv39', 8n, 3, 0xffff_ffc0_0020_3456n],
    ['Sv48', 9n, 4, 0xffff_8000_0020_3456n],
    ['Sv57', 10n, 5, 0xff00_0000_0020_3456n],
  ])('goes through all tables of %s', (_, mode, levels, address) => {
    const entries: [bigint, bigint][] = [];
    for (let level = levels - 1; level >= 0; level--) {
      const table = ROOT + BigInt(levels - 1 - level) * 0x1000n;
      const index = (address >> BigInt(12 + 9 * level)) & 0x1ffn;
      entries.push([table + index * 8n, level === 0 ? leaf(0x9abc_d000n) : pointer(table + 0x1000n)]);
    }
    expect(walk({ xlen: 64, atp: atp(mode) }, address, tables(entries))).toBe(0x9abc_d456n);
    // Not an address of that scheme.
    expect(walk({ xlen: 64, atp: atp(mode) }, address & (2n ** 62n - 1n), tables(entries))).toBeUndefined();
  });

  test('ends at superpages, of whatever permission', () => {
    const giga = tables([[ROOT + 8n, leaf(0x8000_0000n, 0x9n)]]);
    expect(walk({ xlen: 64, atp: atp(8n) }, 0x4012_3456n, giga)).toBe(0x8012_3456n);
  });

  test('knows contiguous entries', () => {
    const entry = leaf(0x8000_8000n) | (1n << 63n);
    const read = tables([
      [ROOT, pointer(ROOT + 0x1000n)],
      [ROOT + 0x1000n, pointer(ROOT + 0x2000n)],
      [ROOT + 0x2000n + 5n * 8n, entry],
    ]);
    expect(walk({ xlen: 64, atp: atp(8n) }, 0x5123n, read)).toBe(0x8000_5123n);
  });

  test('knows Sv32, with physical addresses of 34 bits', () => {
    const read = tables([
      [ROOT + 4n * 0x300n, pointer(0x3_0000_0000n)],
      [0x3_0000_0000n + 4n * 1n, leaf(0x2_1234_5000n)],
    ]);
    const stage = { xlen: 32 as const, atp: (1n << 31n) | (ROOT >> 12n) };
    expect(walk(stage, 0xc000_1678n, read)).toBe(0x2_1234_5678n);
  });

  test('of the G-stage has a root of four pages', () => {
    const read = tables([[ROOT + 8n * 0x7ffn, leaf(0x8000_0000n)]]);
    const stage = { xlen: 64 as const, atp: atp(8n), guestPhysical: true };
    expect(walk(stage, 0x1ff_c000_0010n, read)).toBe(0x8000_0010n);
    expect(walk(stage, 0x3ff_c000_0010n, read)).toBeUndefined();
  });

  test('finds nothing where an entry is not valid, tables lead in circles, or lie nowhere', () => {
    const stage = { xlen: 64 as const, atp: atp(8n) };
    expect(walk(stage, 0n, tables([[ROOT, 0xen]]))).toBeUndefined();
    expect(walk(stage, 0n, tables([[ROOT, pointer(ROOT)]]))).toBeUndefined();
    expect(walk(stage, 0n, () => undefined)).toBeUndefined();
    expect(walk({ xlen: 64, atp: atp(7n) }, 0n, () => 1n)).toBeUndefined();
  });
});
