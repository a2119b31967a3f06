import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  A,
  ACCESS_FAULT,
  ACCESSES,
  ADUE,
  D,
  fault,
  G,
  GUEST_BASE,
  GUEST_FAULT,
  GuestBed,
  guestPhysical,
  leaf,
  MXR,
  N,
  PAGE_FAULT,
  PBMTE,
  pointer,
  R,
  type Result,
  RWX,
  SPVP,
  SUM,
  SUPERVISOR,
  U,
  USER,
  V,
  W,
  X,
} from '../../../test/hart/mmu-bed.ts';
import { ACCESS, type Access, CAUSE } from '../exceptions.ts';

/** Values of mtinst and htinst for an access to a table (hypervisor extension, "pseudoinstructions"). */
const TABLE_ACCESS = { 2: { read: 0x2000, write: 0x2020 }, 3: { read: 0x3000, write: 0x3020 } } as const;
const { read: TABLE_READ } = TABLE_ACCESS[3];

const tableAccess = (levels: number) => TABLE_ACCESS[levels === 2 ? 2 : 3];
const OPEN = V | RWX | U | A | D;

function pageFault(access: Access, va: bigint): Result {
  return { ...fault(PAGE_FAULT[access], va), guestVirtual: true };
}

function accessFault(access: Access, va: bigint): Result {
  return { ...fault(ACCESS_FAULT[access], va), guestVirtual: true };
}

function guestFault(access: Access, va: bigint, gpa: number | bigint, tinst = 0): Result {
  return { cause: GUEST_FAULT[access], tval: va, tval2: BigInt(gpa) >> 2n, tinst, guestVirtual: true };
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Two levels are those of Sv32 and Sv32x4. */
const combinations = [
  [2, 2] as const,
  ...[3, 4, 5].flatMap((first) => [3, 4, 5].map((second) => [first, second] as const)),
];

/** An address as harts have it that use so many levels. */
const addressOf = (levels: number, va: bigint) => (levels === 2 ? BigInt.asUintN(32, va) : va);

describe.each(combinations)('%i levels over %i levels', (virtualLevels, guestLevels) => {
  it('translates through both', () => {
    const bed = new GuestBed(virtualLevels, guestLevels);
    const va = addressOf(virtualLevels, 0xffff_ffff_ffff_f000n);
    const page = bed.page();
    bed.open(page);
    bed.mapVirtual(va, leaf(guestPhysical(page), V | RWX | A | D));
    for (const access of ACCESSES) {
      expect(bed.translate(va + 0x123n, access)).toEqual({ physical: page + 0x123 });
      expect(bed.mmu.pageSize).toBe(4096);
    }
  });

  it('reads the table of each level through the G-stage', () => {
    const bed = new GuestBed(virtualLevels, guestLevels);
    const va = addressOf(virtualLevels, 0x12_3456_7000n);
    const page = bed.page();
    bed.open(page);
    bed.mapVirtual(va, leaf(guestPhysical(page), V | RWX | A | D));
    let table = bed.virtualRoot;
    for (let level = virtualLevels - 1; level >= 0; level--) {
      const entry = bed.entryIn(table, va, level);
      const guestLeaf = bed.open(table);
      bed.setEntry(guestLeaf, bed.entry(guestLeaf) & ~V);
      for (const access of ACCESSES) {
        expect(bed.translate(va + 9n, access)).toEqual(
          guestFault(access, va + 9n, guestPhysical(entry), tableAccess(virtualLevels).read),
        );
      }
      bed.setEntry(guestLeaf, bed.entry(guestLeaf) | V);
      table = Number((bed.entry(entry) >> 10n) << 12n) - guestPhysical(0);
    }
  });
});

describe.each([
  [3, 41n],
  [4, 50n],
  [5, 59n],
])('guest-physical addresses of %i levels', (levels, bits) => {
  it('are two bits wider, and zero-extended', () => {
    const bed = new GuestBed(3, levels);
    bed.set('vsatp', 0n);
    const page = bed.page();
    const last = (1n << bits) - 4096n;
    bed.mapGuest(last, leaf(page, OPEN));
    expect(bed.translate(last + 0x18n, ACCESS.load, 8)).toEqual({ physical: page + 0x18 });
    for (const access of ACCESSES) {
      for (let bit = bits; bit < 64n; bit++) {
        const beyond = last | (1n << bit);
        expect(bed.translate(beyond, access)).toEqual(guestFault(access, beyond, beyond));
      }
    }
  });

  it('have a root of four pages, at a multiple of its size', () => {
    const bed = new GuestBed(3, levels);
    bed.set('vsatp', 0n);
    const page = bed.page();
    bed.open(page);
    const gpa = BigInt(guestPhysical(page));
    for (let misaligned = 0; misaligned < 4; misaligned++) {
      bed.set('hgatp', (BigInt(levels + 5) << 60n) | BigInt(bed.guestRoot / 4096 + misaligned));
      expect(bed.translate(gpa, ACCESS.load)).toEqual({ physical: page });
    }
  });

  it('that a VS-stage table points to are checked too', () => {
    if (levels === 5) return;
    const bed = new GuestBed(3, levels);
    const beyond = 1n << bits;
    bed.mapVirtual(0n, leaf(beyond, V | RWX | A | D));
    expect(bed.translate(8n, ACCESS.store)).toEqual(guestFault(ACCESS.store, 8n, beyond + 8n));
    bed.setEntry(bed.virtualRoot, leaf(beyond, V));
    expect(bed.translate(8n, ACCESS.fetch)).toEqual(guestFault(ACCESS.fetch, 8n, beyond, TABLE_READ));
  });
});

/** One two-stage access: the flags of the three leaves that decide, and the mode. */
interface Case {
  virtualFlags: bigint;
  tableFlags: bigint;
  pageFlags: bigint;
  privilege: number;
  access: Access;
  virtualSum: boolean;
  virtualMxr: boolean;
  hostSum: boolean;
  hostMxr: boolean;
  /** As HLV, HLVX or HSV, from HS-mode. */
  guestAccess: boolean;
  executable: boolean;
}

const likelyFlags = fc.oneof(
  { weight: 1, arbitrary: fc.bigInt(0n, 0xffn) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(RWX, R | W, R, X, R | X)
      .chain((p) => fc.bigInt(0n, 15n).map((rest) => V | p | (rest << 4n))),
  },
);

const anyCase: fc.Arbitrary<Case> = fc
  .record({
    virtualFlags: likelyFlags,
    tableFlags: likelyFlags,
    pageFlags: likelyFlags,
    privilege: fc.constantFrom(USER, SUPERVISOR),
    access: fc.constantFrom(...ACCESSES),
    virtualSum: fc.boolean(),
    virtualMxr: fc.boolean(),
    hostSum: fc.boolean(),
    hostMxr: fc.boolean(),
    guestAccess: fc.boolean(),
    executable: fc.boolean(),
  })
  .map((c) => ({
    ...c,
    access: c.guestAccess && c.access === ACCESS.fetch ? ACCESS.load : c.access,
    executable: c.executable && c.guestAccess && c.access !== ACCESS.store,
  }));

/** A leaf at level 0 that is no fault by itself. */
function wellFormed(flags: bigint): boolean {
  return (flags & V) !== 0n && (flags & RWX) !== 0n && (flags & (R | W)) !== W;
}

function grants(flags: bigint, access: Access, mxr: boolean, executable: boolean): boolean {
  if (access === ACCESS.fetch || executable) return (flags & X) !== 0n;
  if (access === ACCESS.store) return (flags & W) !== 0n;
  return (flags & R) !== 0n || (mxr && (flags & X) !== 0n);
}

type Verdict = 'table read' | 'page fault' | 'table write' | 'guest page' | 'done';

function verdict(c: Case): Verdict {
  const guestOk = (flags: bigint, access: Access, mxr: boolean, executable: boolean) =>
    wellFormed(flags) && (flags & U) !== 0n && grants(flags, access, mxr, executable);
  if (!guestOk(c.tableFlags, ACCESS.load, false, false)) return 'table read';
  const user = (c.virtualFlags & U) !== 0n;
  const mayUse = c.privilege === USER ? user : !user || (c.virtualSum && c.access !== ACCESS.fetch);
  if (!wellFormed(c.virtualFlags) || !mayUse) return 'page fault';
  if (!grants(c.virtualFlags, c.access, c.virtualMxr || c.hostMxr, c.executable)) return 'page fault';
  const marks = c.access === ACCESS.store ? A | D : A;
  if ((c.virtualFlags & marks) !== marks && !guestOk(c.tableFlags, ACCESS.store, false, false)) {
    return 'table write';
  }
  return guestOk(c.pageFlags, c.access, c.hostMxr, c.executable) ? 'done' : 'guest page';
}

describe.each([
  [2, 2],
  [3, 4],
] as const)('permissions of both stages, %i levels over %i', (virtualLevels, guestLevels) => {
  const bed = new GuestBed(virtualLevels, guestLevels);
  const va = addressOf(virtualLevels, 0x12_3456_7000n);
  const page = bed.page();
  const entry = bed.mapVirtual(va, 0n);
  const table = entry - (entry % 4096);
  const tableLeaf = bed.open(table);
  const pageLeaf = bed.open(page);
  const at = va + 0x10n;

  function run(c: Case): Result {
    bed.setEntry(entry, leaf(guestPhysical(page), c.virtualFlags));
    bed.setEntry(tableLeaf, leaf(table, c.tableFlags));
    bed.setEntry(pageLeaf, leaf(page, c.pageFlags));
    bed.set('vsstatus', (c.virtualSum ? SUM : 0n) | (c.virtualMxr ? MXR : 0n));
    bed.set('mstatus', (c.hostSum ? SUM : 0n) | (c.hostMxr ? MXR : 0n));
    if (!c.guestAccess) {
      bed.state.virtual = 1;
      bed.state.privilege = c.privilege;
      return bed.translate(at, c.access, 4);
    }
    bed.state.virtual = 0;
    bed.state.privilege = SUPERVISOR;
    bed.set('hstatus', c.privilege === SUPERVISOR ? SPVP : 0n);
    return bed.translateGuest(at, c.access, c.executable);
  }

  function expected(c: Case, result: Verdict): Result {
    switch (result) {
      case 'done':
        return { physical: page + 0x10 };
      case 'page fault':
        return pageFault(c.access, at);
      case 'guest page':
        return guestFault(c.access, at, guestPhysical(page) + 0x10);
      default:
        return guestFault(
          c.access,
          at,
          guestPhysical(entry),
          tableAccess(virtualLevels)[result === 'table read' ? 'read' : 'write'],
        );
    }
  }

  it('decide as an independent model does, with A and D set in all three leaves', () => {
    const seen = new Map<Verdict, number>();
    fc.assert(
      fc.property(anyCase, (c) => {
        const result = verdict(c);
        seen.set(result, (seen.get(result) ?? 0) + 1);
        expect(run(c)).toEqual(expected(c, result));
        const marks = c.access === ACCESS.store ? A | D : A;
        const passedVirtual = result === 'done' || result === 'guest page';
        const wrote = passedVirtual && (c.virtualFlags & marks) !== marks;
        expect(bed.entry(entry)).toBe(
          leaf(guestPhysical(page), c.virtualFlags | (passedVirtual ? marks : 0n)),
        );
        expect(bed.entry(tableLeaf)).toBe(
          leaf(table, c.tableFlags | (result === 'table read' ? 0n : A) | (wrote ? D : 0n)),
        );
        expect(bed.entry(pageLeaf)).toBe(leaf(page, c.pageFlags | (result === 'done' ? marks : 0n)));
      }),
      { numRuns: 30_000 },
    );
    expect([...seen.keys()].sort()).toEqual([
      'done',
      'guest page',
      'page fault',
      'table read',
      'table write',
    ]);
  });
});

describe('accessed and dirty bits', () => {
  const va = 0x7000n;

  function guestWith(marks: bigint) {
    const bed = new GuestBed(3, 3);
    const page = bed.page();
    const guestLeaf = bed.open(page);
    const ownLeaf = bed.mapVirtual(va, leaf(guestPhysical(page), V | RWX | marks));
    return { bed, page, guestLeaf, ownLeaf };
  }

  it('of the first stage are missed when henvcfg.ADUE is 0', () => {
    const { bed, page, ownLeaf } = guestWith(0n);
    bed.set('henvcfg', 0n);
    for (const access of ACCESSES) expect(bed.translate(va, access)).toEqual(pageFault(access, va));
    expect(bed.entry(ownLeaf)).toBe(leaf(guestPhysical(page), V | RWX));
    bed.set('henvcfg', ADUE);
    expect(bed.translate(va, ACCESS.store)).toEqual({ physical: page });
  });

  it('of the G-stage are missed when menvcfg.ADUE is 0, for the page and for the tables of the first', () => {
    const { bed, page, guestLeaf } = guestWith(A | D);
    bed.set('menvcfg', 0n);
    bed.set('henvcfg', 0n);
    const table = bed.open(bed.virtualRoot);
    for (const access of ACCESSES) {
      bed.setEntry(guestLeaf, leaf(page, OPEN & ~A));
      expect(bed.translate(va, access)).toEqual(guestFault(access, va, guestPhysical(page)));
      bed.setEntry(guestLeaf, leaf(page, OPEN));
      expect(bed.translate(va, access)).toEqual({ physical: page });
    }
    bed.setEntry(table, bed.entry(table) & ~A);
    expect(bed.translate(va, ACCESS.load)).toMatchObject({
      cause: CAUSE.loadGuestPageFault,
      tinst: TABLE_READ,
    });
    // The tables are only read here: D is not needed.
    bed.setEntry(table, (bed.entry(table) | A) & ~D);
    expect(bed.translate(va, ACCESS.store)).toEqual({ physical: page });
  });
});

describe('mixed modes', () => {
  it('pass guest-physical addresses through with hgatp = 0', () => {
    const bed = new GuestBed(3, 3);
    bed.set('hgatp', 0n);
    const root = bed.root('vsatp', 3);
    const page = bed.page();
    bed.map(root, 3, 0x7000n, leaf(page, V | R | A));
    expect(bed.translate(0x7010n, ACCESS.load)).toEqual({ physical: page + 0x10 });
    expect(bed.translate(0x7010n, ACCESS.store)).toEqual(pageFault(ACCESS.store, 0x7010n));
    bed.set('vsatp', 0n);
    expect(bed.translate(0x8000_0010n, ACCESS.store)).toEqual({ physical: 0x8000_0010 });
    expect(bed.mmu.pageSize).toBe(2 ** 56);
  });

  it('do not use satp', () => {
    const bed = new GuestBed(3, 3);
    const page = bed.page();
    bed.open(page);
    bed.mapVirtual(0x7000n, leaf(guestPhysical(page), V | R | A));
    bed.root('satp', 3);
    expect(bed.translate(0x7000n, ACCESS.load)).toEqual({ physical: page });
    bed.state.virtual = 0;
    expect(bed.translate(0x7000n, ACCESS.load)).toEqual(fault(CAUSE.loadPageFault, 0x7000n));
  });

  it('report the page of the first stage, which fences by address are about', () => {
    const bed = new GuestBed(3, 3);
    bed.mapGuest(0x8000_0000n, leaf(0x8000_0000, OPEN), 2);
    bed.mapVirtual(0n, leaf(0x8000_0000, V | RWX | A | D), 1);
    expect(bed.translate(0x12_3456n, ACCESS.load)).toEqual({ physical: 0x8012_3456 });
    expect(bed.mmu.pageSize).toBe(2 ** 21);
    bed.mapVirtual(0x4000_0000n, leaf(0xc000_0000, V | RWX | A | D), 2);
    bed.mapGuest(0xc001_0000n, leaf(0x9000_8000, OPEN | G | N));
    expect(bed.translate(0x4001_0123n, ACCESS.load)).toEqual({ physical: 0x9000_0123 });
    expect(bed.mmu.pageSize).toBe(2 ** 30);
  });

  it('refuse misaligned superpages in the G-stage', () => {
    const bed = new GuestBed(3, 3);
    bed.set('vsatp', 0n);
    bed.mapGuest(0x8000_0000n, leaf(0x8000_1000, OPEN), 1);
    expect(bed.translate(0x8000_0123n, ACCESS.fetch)).toEqual(
      guestFault(ACCESS.fetch, 0x8000_0123n, 0x8000_0123n),
    );
  });
});

describe('memory types', () => {
  const NON_CACHEABLE = 1n << 61n;

  it('are enabled by menvcfg for the G-stage, and by both registers for the VS-stage', () => {
    const bed = new GuestBed(3, 3);
    const page = bed.page();
    const guestLeaf = bed.open(page);
    const entry = bed.mapVirtual(0n, leaf(guestPhysical(page), V | R | A));
    const attempt = (menvcfg: bigint, henvcfg: bigint) => {
      bed.set('menvcfg', menvcfg);
      bed.set('henvcfg', henvcfg);
      return bed.translate(0n, ACCESS.load);
    };
    bed.setEntry(entry, bed.entry(entry) | NON_CACHEABLE);
    expect(attempt(PBMTE, PBMTE)).toEqual({ physical: page });
    expect(attempt(PBMTE, 0n)).toEqual(pageFault(ACCESS.load, 0n));
    expect(attempt(0n, PBMTE)).toEqual(pageFault(ACCESS.load, 0n));
    bed.setEntry(entry, bed.entry(entry) & ~NON_CACHEABLE);
    bed.setEntry(guestLeaf, bed.entry(guestLeaf) | NON_CACHEABLE);
    expect(attempt(PBMTE, 0n)).toEqual({ physical: page });
    expect(attempt(0n, 0n)).toEqual(guestFault(ACCESS.load, 0n, guestPhysical(page)));
  });
});

describe('access faults', () => {
  it('arise where tables of either stage are outside RAM', () => {
    for (const access of ACCESSES) {
      const bed = new GuestBed(3, 3);
      bed.mapGuest(0x10_0000n, leaf(0x10_0000, OPEN));
      bed.setEntry(bed.virtualRoot, pointer(0x10_0000));
      expect(bed.translate(4n, access)).toEqual(accessFault(access, 4n));
      bed.setEntry(bed.guestRoot + (GUEST_BASE / 2 ** 30) * 8, pointer(0x10_0000));
      expect(bed.translate(4n, access)).toEqual(accessFault(access, 4n));
    }
  });

  it('arise from protection of the final address; HLVX needs reading and execution there', () => {
    const bed = new GuestBed(3, 3);
    const page = bed.page();
    bed.open(page);
    bed.mapVirtual(0n, leaf(guestPhysical(page), V | R | X | A));
    bed.set('hstatus', SPVP);
    const guard = (config: number) => {
      bed.pmp.writeCsr(0x3b1, -1, -1);
      bed.pmp.writeCsr(0x3b0, (((page >>> 12) << 10) | 0x1ff) >>> 0, 0);
      bed.pmp.writeCsr(0x3a0, 0x1f00 | 0x18 | config, 0);
    };
    const hlvx = () => bed.translateGuest(4n, ACCESS.load, true);
    guard(1);
    expect(bed.translate(4n, ACCESS.load)).toEqual({ physical: page + 4 });
    expect(hlvx()).toEqual(accessFault(ACCESS.load, 4n));
    guard(4);
    expect(bed.translate(4n, ACCESS.load)).toEqual(accessFault(ACCESS.load, 4n));
    expect(hlvx()).toEqual(accessFault(ACCESS.load, 4n));
    guard(5);
    expect(hlvx()).toEqual({ physical: page + 4 });
  });
});

describe('races', () => {
  it('judge a VS-stage entry anew when it changes before its A and D bits are set', () => {
    const bed = new GuestBed(3, 3);
    const [old, fresh] = [bed.page(), bed.page()];
    bed.open(old);
    bed.open(fresh);
    const entry = bed.mapVirtual(0n, leaf(guestPhysical(old), V | R | W));
    const real = Atomics.compareExchange;
    vi.spyOn(Atomics, 'compareExchange').mockImplementationOnce((...operands: unknown[]) => {
      bed.setEntry(entry, leaf(guestPhysical(fresh), V | R | W));
      return Reflect.apply(real, Atomics, operands);
    });
    expect(bed.translate(0n, ACCESS.store)).toEqual({ physical: fresh });
    expect(bed.entry(entry)).toBe(leaf(guestPhysical(fresh), V | R | W | A | D));
  });

  it('judge it anew also when the G-stage has to mark the table first', () => {
    const bed = new GuestBed(3, 3);
    const page = bed.page();
    bed.open(page);
    const entry = bed.mapVirtual(0n, leaf(guestPhysical(page), V | R | W));
    const tableLeaf = bed.open(entry - (entry % 4096));
    bed.setEntry(tableLeaf, bed.entry(tableLeaf) & ~D);
    const real = Atomics.compareExchange;
    // The first compare-exchange is the one of the G-stage leaf.
    vi.spyOn(Atomics, 'compareExchange').mockImplementationOnce((...operands: unknown[]) => {
      bed.setEntry(entry, leaf(guestPhysical(page), V | R));
      return Reflect.apply(real, Atomics, operands);
    });
    expect(bed.translate(0n, ACCESS.store)).toEqual(pageFault(ACCESS.store, 0n));
    expect(bed.entry(entry)).toBe(leaf(guestPhysical(page), V | R));
  });
});
