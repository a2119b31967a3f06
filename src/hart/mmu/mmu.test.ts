import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  A,
  ACCESS_FAULT,
  ACCESSES,
  ADUE,
  Bed,
  D,
  fault,
  G,
  leaf,
  MACHINE,
  MPRV,
  MXR,
  N,
  PAGE_FAULT,
  PBMTE,
  pointer,
  R,
  RAM_BASE,
  RAM_BYTES,
  RAM_OFFSET,
  RWX,
  SUM,
  SUPERVISOR,
  U,
  USER,
  V,
  W,
  X,
} from '../../../test/hart/mmu-bed.ts';
import { ACCESS, type Access, CAUSE } from '../exceptions.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('without translation', () => {
  it('passes addresses through in M-mode and with satp = 0', () => {
    const bed = new Bed();
    for (const privilege of [USER, SUPERVISOR, MACHINE]) {
      bed.state.privilege = privilege;
      expect(bed.translate(0x8000_1234n, ACCESS.load, 4)).toEqual({ physical: 0x8000_1234 });
      expect(bed.mmu.pageSize).toBe(2 ** 56);
      expect(bed.mmu.cacheable).toBe(true);
    }
  });

  it('keeps addresses of 64 bits outside everything', () => {
    const bed = new Bed();
    bed.translate(0xffff_ffff_8000_0000n, ACCESS.load);
    expect(bed.mmu.physical).toBeGreaterThan(2 ** 56);
  });

  it('ignores satp in M-mode', () => {
    const bed = new Bed();
    bed.root('satp', 3);
    bed.state.privilege = MACHINE;
    expect(bed.translate(0x1000n, ACCESS.fetch, 4)).toEqual({ physical: 0x1000 });
  });
});

describe.each([
  [3, 38n],
  [4, 47n],
  [5, 56n],
])('%i levels', (levels, topBit) => {
  it('translates at the ends of both halves of the address space', () => {
    const bed = new Bed();
    const root = bed.root('satp', levels);
    const half = 1n << topBit;
    for (const va of [0n, half - 4096n, -half, -4096n, 0x1234_5000n]) {
      const page = bed.page();
      bed.map(root, levels, va, leaf(page, V | R | A));
      expect(bed.translate(va + 0xabcn, ACCESS.load)).toEqual({ physical: page + 0xabc });
      expect(bed.mmu.pageSize).toBe(4096);
    }
  });

  it('refuses addresses that are not sign-extended', () => {
    const bed = new Bed();
    const root = bed.root('satp', levels);
    // Both halves are mapped at both ends, so that only the check of the upper bits can refuse.
    const half = 1n << topBit;
    for (const va of [0n, half - 4096n, -half, -4096n])
      bed.map(root, levels, va, leaf(bed.page(), V | RWX | A | D));
    for (const access of ACCESSES) {
      for (let bit = topBit; bit < 64n; bit++) {
        const beyond = 1n << bit;
        expect(bed.translate(beyond, access)).toEqual(fault(PAGE_FAULT[access], beyond));
        // The last page, with one of the upper bits cleared.
        const below = BigInt.asUintN(64, -1n ^ beyond);
        expect(bed.translate(below, access)).toEqual(fault(PAGE_FAULT[access], below));
      }
    }
  });

  it('translates superpages of every level, and refuses misaligned ones', () => {
    for (let level = 1; level < levels; level++) {
      const bed = new Bed();
      const root = bed.root('satp', levels);
      const size = 1n << BigInt(12 + 9 * level);
      const base = size < 1n << 50n ? size * 3n : 0n;
      const address = bed.map(root, levels, 0n, leaf(base, V | R | A), level);
      const va = (size - 1n) & 0x7_1234_5678_9abcn;
      expect(bed.translate(va, ACCESS.load)).toEqual({ physical: Number(base + va) });
      expect(bed.mmu.pageSize).toBe(Number(size));
      for (let bit = 12n; 1n << bit < size; bit++) {
        bed.setEntry(address, leaf(base | (1n << bit), V | R | A));
        expect(bed.translate(va, ACCESS.load), `level ${level} bit ${bit}`).toEqual(
          fault(CAUSE.loadPageFault, va),
        );
      }
    }
  });

  it('refuses a pointer where no level is left', () => {
    const bed = new Bed();
    const root = bed.root('satp', levels);
    bed.map(root, levels, 0n, pointer(bed.page()));
    expect(bed.translate(0n, ACCESS.store)).toEqual(fault(CAUSE.storePageFault, 0n));
  });

  it('refuses pointers with bits of leaves', () => {
    for (const bit of [U, A, D, N, 1n << 61n, 1n << 62n, 1n << 54n, 1n << 60n]) {
      const bed = new Bed();
      const root = bed.root('satp', levels);
      bed.set('menvcfg', PBMTE);
      bed.map(root, levels, 0n, leaf(bed.page(), V | R | A));
      expect(bed.translate(0n, ACCESS.load)).toHaveProperty('physical');
      bed.setEntry(root, bed.entry(root) | bit);
      expect(bed.translate(0n, ACCESS.load)).toEqual(fault(CAUSE.loadPageFault, 0n));
    }
  });

  it('raises access faults for tables outside RAM', () => {
    const bed = new Bed();
    const root = bed.root('satp', levels);
    const ends = [0, RAM_BASE - 4096, RAM_BASE + RAM_BYTES, 2 ** 40];
    for (const table of ends) {
      bed.setEntry(root, pointer(table));
      for (const access of ACCESSES) {
        expect(bed.translate(0x123n, access)).toEqual(fault(ACCESS_FAULT[access], 0x123n));
      }
    }
    bed.setEntry(root, leaf(0n, V | X | A));
    // Every bit of the root's page number counts.
    for (let bit = 20n; bit < 44n; bit++) {
      bed.set('satp', (BigInt(levels + 5) << 60n) | BigInt(root / 4096) | (1n << bit));
      expect(bed.translate(0n, ACCESS.fetch)).toEqual(fault(CAUSE.fetchAccess, 0n));
    }
    bed.set('satp', (BigInt(levels + 5) << 60n) | 0xfff_ffff_ffffn);
    expect(bed.translate(0n, ACCESS.fetch)).toEqual(fault(CAUSE.fetchAccess, 0n));
  });
});

/** Everything that decides whether a leaf allows an access. */
interface LeafCase {
  flags: bigint;
  upper: bigint;
  privilege: number;
  access: Access;
  sum: boolean;
  mxr: boolean;
  memoryTypes: boolean;
}

const leafCase: fc.Arbitrary<LeafCase> = fc.record({
  flags: fc.bigInt(0n, 0x3ffn),
  // Mostly nothing, sometimes one reserved or extension bit, or both bits of the memory type.
  upper: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0n) },
    { weight: 2, arbitrary: fc.integer({ min: 54, max: 62 }).map((bit) => 1n << BigInt(bit)) },
    { weight: 1, arbitrary: fc.constant(3n << 61n) },
  ),
  privilege: fc.constantFrom(USER, SUPERVISOR),
  access: fc.constantFrom(...ACCESSES),
  sum: fc.boolean(),
  mxr: fc.boolean(),
  memoryTypes: fc.boolean(),
});

/** The decision in the words of the specification; at level 0 a pointer is a fault as well. */
function leafAllows(c: LeafCase): boolean {
  const has = (bit: bigint) => (c.flags & bit) !== 0n;
  if (!has(V) || (has(W) && !has(R))) return false;
  if ((c.upper & (0x7fn << 54n)) !== 0n) return false;
  const type = c.upper >> 61n;
  if (type === 3n || (type !== 0n && !c.memoryTypes)) return false;
  if (c.privilege === USER && !has(U)) return false;
  if (c.privilege === SUPERVISOR && has(U) && (c.access === ACCESS.fetch || !c.sum)) return false;
  if (c.access === ACCESS.fetch) return has(X);
  if (c.access === ACCESS.store) return has(W);
  return has(R) || (c.mxr && has(X));
}

describe('leaves', () => {
  const bed = new Bed();
  const root = bed.root('satp', 3);
  const page = bed.page();
  const va = 0x12_3456_7000n;
  const address = bed.map(root, 3, va, 0n);

  it('allow exactly what their bits say', () => {
    fc.assert(
      fc.property(leafCase, (c) => {
        bed.state.privilege = c.privilege;
        bed.set('mstatus', (c.sum ? SUM : 0n) | (c.mxr ? MXR : 0n));
        bed.set('menvcfg', ADUE | (c.memoryTypes ? PBMTE : 0n));
        const before = leaf(page, c.flags | c.upper);
        bed.setEntry(address, before);
        const result = bed.translate(va + 8n, c.access, 8);
        if (leafAllows(c)) {
          expect(result).toEqual({ physical: page + 8 });
          expect(bed.entry(address)).toBe(before | A | (c.access === ACCESS.store ? D : 0n));
        } else {
          expect(result).toEqual(fault(PAGE_FAULT[c.access], va + 8n));
          expect(bed.entry(address)).toBe(before);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('are refused for each reserved bit', () => {
    bed.state.privilege = SUPERVISOR;
    bed.set('mstatus', 0n);
    for (let bit = 54n; bit <= 60n; bit++) {
      bed.setEntry(address, leaf(page, V | RWX | A | D | (1n << bit)));
      expect(bed.translate(va, ACCESS.load)).toEqual(fault(CAUSE.loadPageFault, va));
    }
  });

  it('may stand for 64 KiB (Svnapot), and for no other size', () => {
    const napot = bed.map(root, 3, va + 0x5000n, 0n);
    const base = 0x8765_0000n;
    bed.setEntry(napot, leaf(base | 0x8000n, V | R | G | A | N));
    expect(bed.translate(va + 0x5abcn, ACCESS.load)).toEqual({
      physical: Number(base | ((va + 0x5abcn) & 0xffffn)),
    });
    expect(bed.mmu.pageSize).toBe(65536);
    for (let number = 0n; number < 16n; number++) {
      bed.setEntry(napot, leaf(base | (number << 12n), V | R | A | N));
      const result = bed.translate(va + 0x5000n, ACCESS.load);
      if (number === 8n) expect(result).toHaveProperty('physical');
      else expect(result).toEqual(fault(CAUSE.loadPageFault, va + 0x5000n));
    }
    const big = bed.map(root, 3, 0x40_0000_0000n - (1n << 21n), leaf(0x20_0000n, V | R | A | N), 1);
    expect(bed.entry(big)).not.toBe(0n);
    expect(bed.translate(0x40_0000_0000n - (1n << 21n), ACCESS.load)).toHaveProperty('cause', 13);
  });
});

describe('accessed and dirty bits', () => {
  it.each([
    ['load', ACCESS.load, 0n, A],
    ['fetch', ACCESS.fetch, 0n, A],
    ['first store', ACCESS.store, A, A | D],
    ['store', ACCESS.store, 0n, A | D],
  ])('are set or missed as menvcfg.ADUE says: %s', (_, access, before, after) => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const page = bed.page();
    const address = bed.map(root, 3, 0n, leaf(page, V | RWX | before));
    bed.set('menvcfg', 0n);
    expect(bed.translate(0n, access)).toEqual(fault(PAGE_FAULT[access], 0n));
    expect(bed.entry(address)).toBe(leaf(page, V | RWX | before));
    bed.setEntry(address, leaf(page, V | RWX | after));
    expect(bed.translate(0n, access)).toEqual({ physical: page });
    bed.setEntry(address, leaf(page, V | RWX | before));
    bed.set('menvcfg', ADUE);
    expect(bed.translate(0n, access)).toEqual({ physical: page });
    expect(bed.entry(address)).toBe(leaf(page, V | RWX | after));
  });

  it('are judged anew when the entry changes in between', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const [old, fresh] = [bed.page(), bed.page()];
    const address = bed.map(root, 3, 0n, leaf(old, V | R | W));
    const replaceBefore = (value: bigint) => {
      const real = Atomics.compareExchange;
      vi.spyOn(Atomics, 'compareExchange').mockImplementationOnce((...operands: unknown[]) => {
        bed.setEntry(address, value);
        return Reflect.apply(real, Atomics, operands);
      });
    };

    replaceBefore(leaf(fresh, V | R | W));
    expect(bed.translate(0n, ACCESS.store)).toEqual({ physical: fresh });
    expect(bed.entry(address)).toBe(leaf(fresh, V | R | W | A | D));

    bed.setEntry(address, leaf(old, V | R | W));
    replaceBefore(leaf(old, V | R));
    expect(bed.translate(0n, ACCESS.store)).toEqual(fault(CAUSE.storePageFault, 0n));
    expect(bed.entry(address)).toBe(leaf(old, V | R));

    bed.setEntry(address, leaf(old, V | R | W));
    replaceBefore(0n);
    expect(bed.translate(0n, ACCESS.load)).toEqual(fault(CAUSE.loadPageFault, 0n));
    expect(bed.entry(address)).toBe(0n);
  });

  it('are not set over a change of the upper half', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const address = bed.map(root, 3, 0n, leaf(0x4_0000_0000n, V | R));
    const real = Atomics.compareExchange;
    vi.spyOn(Atomics, 'compareExchange').mockImplementationOnce((...operands: unknown[]) => {
      bed.setEntry(address, leaf(0x8_0000_0000n, V | R));
      return Reflect.apply(real, Atomics, operands);
    });
    expect(bed.translate(0n, ACCESS.load)).toEqual({ physical: 0x8_0000_0000 });
    expect(bed.entry(address)).toBe(leaf(0x8_0000_0000n, V | R | A));
  });

  it('are read as one value although the halves are loaded one by one', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const address = bed.map(root, 3, 0n, leaf(0x4_0000_1000n, V | R | A));
    const real = Atomics.load;
    const index = (address - RAM_BASE + RAM_OFFSET) / 4;
    vi.spyOn(Atomics, 'load').mockImplementation((...operands: unknown[]) => {
      const value = Reflect.apply(real, Atomics, operands);
      // Right after the low half has been read, the whole entry is replaced.
      if (operands[1] === index) bed.setEntry(address, leaf(0x8_0000_2000n, V | R | A));
      return value;
    });
    expect(bed.translate(0n, ACCESS.load)).toEqual({ physical: 0x8_0000_2000 });
  });

  it('are not set in an entry that changes right after it was read', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const address = bed.map(root, 3, 0n, leaf(0x8000_1000n, V | R | W));
    const real = Atomics.load;
    const index = (address - RAM_BASE + RAM_OFFSET) / 4;
    let reads = 0;
    vi.spyOn(Atomics, 'load').mockImplementation((...operands: unknown[]) => {
      const value = Reflect.apply(real, Atomics, operands);
      // The low half is read twice; then the entry is complete.
      if (operands[1] === index && ++reads === 2) bed.setEntry(address, leaf(0x8000_2000n, V | R));
      return value;
    });
    expect(bed.translate(0n, ACCESS.store)).toEqual(fault(CAUSE.storePageFault, 0n));
    expect(bed.entry(address)).toBe(leaf(0x8000_2000n, V | R));
  });

  it('need the right to write the table', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const address = bed.map(root, 3, 0n, leaf(bed.page(), V | R | W | A));
    // The table of the leaf is readable only, everything else is open.
    bed.pmp.writeCsr(0x3b1, -1, -1);
    bed.pmp.writeCsr(0x3b0, (((address >>> 12) << 10) | 0x1ff) >>> 0, 0);
    bed.pmp.writeCsr(0x3a0, 0x1f19, 0);
    expect(bed.translate(0n, ACCESS.load)).toHaveProperty('physical');
    expect(bed.translate(0n, ACCESS.store)).toEqual(fault(CAUSE.storeAccess, 0n));
    expect(bed.entry(address) & D).toBe(0n);
  });
});

describe('protection', () => {
  it('applies to tables and to the access itself, as access faults', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const page = bed.page();
    bed.map(root, 3, 0x5000n, leaf(page, V | RWX | A | D));
    const guard = (address: number, config: number) => {
      bed.pmp.writeCsr(0x3b1, -1, -1);
      bed.pmp.writeCsr(0x3b0, (((address >>> 12) << 10) | 0x1ff) >>> 0, 0);
      bed.pmp.writeCsr(0x3a0, 0x1f00 | 0x18 | config, 0);
    };
    for (const access of ACCESSES) {
      guard(root, 4);
      expect(bed.translate(0x5008n, access)).toEqual(fault(ACCESS_FAULT[access], 0x5008n));
      guard(page, 0);
      expect(bed.translate(0x5008n, access)).toEqual(fault(ACCESS_FAULT[access], 0x5008n));
      guard(page, 7);
      expect(bed.translate(0x5008n, access)).toEqual({ physical: page + 8 });
    }
  });

  it('says when a page may not be kept', () => {
    const bed = new Bed();
    bed.pmp.writeCsr(0x3b1, -1, -1);
    bed.pmp.writeCsr(0x3b0, 0x8000_2000 >>> 2, 0);
    bed.pmp.writeCsr(0x3a0, 0x1f10, 0);
    expect(bed.translate(0x8000_2ff0n, ACCESS.load, 8)).toHaveProperty('physical');
    expect(bed.mmu.cacheable).toBe(false);
    expect(bed.translate(0x8000_1ff0n, ACCESS.load, 8)).toHaveProperty('physical');
    expect(bed.mmu.cacheable).toBe(true);
    expect(bed.translate(0x8000_2000n, ACCESS.load, 8)).toEqual(fault(CAUSE.loadAccess, 0x8000_2000n));
  });
});

describe('mstatus.MPRV', () => {
  it('lends loads and stores of M-mode the privilege in MPP, but not fetches', () => {
    const bed = new Bed();
    const root = bed.root('satp', 3);
    const page = bed.page();
    bed.map(root, 3, 0x5000n, leaf(page, V | RWX | A | D));
    bed.state.privilege = MACHINE;
    bed.set('mstatus', MPRV | (1n << 11n));
    expect(bed.translate(0x5004n, ACCESS.load)).toEqual({ physical: page + 4 });
    expect(bed.translate(0x5004n, ACCESS.store)).toEqual({ physical: page + 4 });
    expect(bed.translate(0x5004n, ACCESS.fetch)).toEqual({ physical: 0x5004 });
    bed.set('mstatus', MPRV);
    expect(bed.translate(0x5004n, ACCESS.load)).toEqual(fault(CAUSE.loadPageFault, 0x5004n));
    bed.root('hgatp', 3);
    bed.set('mstatus', MPRV | (3n << 11n) | (1n << 39n));
    expect(bed.translate(0x5004n, ACCESS.load)).toEqual({ physical: 0x5004 });
  });

  it('enters two-stage translation with MPV', () => {
    const bed = new Bed();
    bed.root('hgatp', 3);
    bed.state.privilege = MACHINE;
    bed.set('mstatus', MPRV | (1n << 11n) | (1n << 39n));
    expect(bed.translate(0x5004n, ACCESS.load)).toEqual({
      cause: CAUSE.loadGuestPageFault,
      tval: 0x5004n,
      tval2: 0x5004n >> 2n,
      tinst: 0,
      guestVirtual: true,
    });
  });
});
