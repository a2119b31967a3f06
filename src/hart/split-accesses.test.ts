/**
 * Misaligned accesses across two pages, interpreted and compiled: both pages are translated, mtval is the first byte of
 * the part that cannot be accessed (privileged architecture, "Machine Trap Value (mtval) Register"), and nothing of a
 * store that faults is done, which the specification leaves open.
 */
import { describe, expect, test, vi } from 'vitest';
import { type BedEngine, DEVICE, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { HOT, type Mode, PAGES, type Trap, TrapBed } from '../../test/hart/trap-bed.ts';
import { CAUSE } from './exceptions.ts';
import { PhysicalMemory } from './physical-memory.ts';

const CODE = RAM + 0x2000;
const FIRST = PAGES;
/** Not behind the first one. */
const SECOND = PAGES + 3 * PAGE;
const BETWEEN = PAGES + PAGE;
const VIRTUAL = 0x5000_0000n;
const GUEST_PHYSICAL = 0x2000_0000;
const VALUE = 0x8786_8584_8382_8180n;

const INSTRUCTIONS = [
  { name: 'sd', bytes: 8, store: true },
  { name: 'ld', bytes: 8, store: false },
  { name: 'sw', bytes: 4, store: true },
  { name: 'lw', bytes: 4, store: false },
  { name: 'sh', bytes: 2, store: true },
  { name: 'lhu', bytes: 2, store: false },
  { name: 'fsd', bytes: 8, store: true },
  { name: 'fld', bytes: 8, store: false },
  { name: 'fsw', bytes: 4, store: true },
  { name: 'flw', bytes: 4, store: false },
] as const;
type Instruction = (typeof INSTRUCTIONS)[number];
const [LONG_STORE, LONG_LOAD] = INSTRUCTIONS;

/** A loop of a1 turns around each instruction, with its address in a0 and its data in a2 or fa2. */
const LOOPS = INSTRUCTIONS.map(({ name }) => {
  const register = name.startsWith('f') ? 'fa2' : 'a2';
  return `.balign 4\n ${name}_loop: fmv.d.x fa2, a2
    1: ${name} ${register}, (a0)\n addi a1, a1, -1\n bnez a1, 1b\n fmv.x.d a3, fa2\n ecall`;
}).join('\n');

class SplitBed extends TrapBed {
  /** Where the entry of the second page is. */
  readonly entry: number;

  constructor(engine?: BedEngine) {
    super(engine);
    this.load(LOOPS, CODE);
    this.map(this.root, VIRTUAL, FIRST, PTE.all);
    this.entry = this.map(this.root, VIRTUAL + BigInt(PAGE), SECOND, PTE.all);
  }

  access(instruction: Instruction, address: bigint, turns = 1, mode: Mode = 'S'): Trap {
    return this.enter(mode, this.symbol(`${instruction.name}_loop`), { a0: address, a1: turns, a2: VALUE });
  }

  fill(): void {
    for (const page of [FIRST, SECOND, BETWEEN]) {
      this.bytes.fill(0x55, this.hostOf(page), this.hostOf(page) + PAGE);
    }
  }

  get untouched(): boolean {
    return [FIRST, SECOND, BETWEEN].every((page) =>
      this.bytes.subarray(this.hostOf(page), this.hostOf(page) + PAGE).every((byte) => byte === 0x55),
    );
  }

  /** Linear memory of a byte so far behind the border of the two pages, or before it. */
  around(offset: number): number {
    return this.hostOf(offset < 0 ? FIRST + PAGE : SECOND) + offset;
  }
}

/** Each way to split an access of each instruction: so many of its bytes are in the first page. */
function splits(use: (instruction: Instruction, before: number) => void): void {
  for (const instruction of INSTRUCTIONS) {
    for (let before = 1; before < instruction.bytes; before++) use(instruction, before);
  }
}

/** The state that a fault leaves, which is the same in code that is compiled already. */
interface Faults {
  readonly border: bigint;
  readonly load: number;
  readonly store: number;
  /** Where mtval points, unless it is the border. */
  readonly tval?: (address: bigint) => bigint;
  readonly mode?: Mode;
  readonly tval2?: bigint;
}

function expectFaults(bed: SplitBed, faults: Faults): void {
  const { border, mode = 'S', tval = () => border } = faults;
  bed.fill();
  splits((instruction, before) => {
    const address = border - BigInt(before);
    const label = `${instruction.name}, ${before} before`;
    expect(bed.access(instruction, address, 1, mode), label).toMatchObject({
      cause: instruction.store ? faults.store : faults.load,
      epc: BigInt(bed.symbol(`${instruction.name}_loop`) + 4),
      tval: BigInt.asUintN(64, tval(address)),
      tval2: faults.tval2 ?? 0n,
      guestVirtual: mode === 'VS',
    });
    expect(bed.x('a2'), label).toBe(VALUE);
    expect(bed.untouched, label).toBe(true);
  });
}

/** Accesses all splits so often in a row, where both pages are there. */
function expectAccesses(bed: SplitBed, turns: number, mode: Mode = 'S'): void {
  splits((instruction, before) => {
    const { name, bytes, store } = instruction;
    bed.fill();
    const places = Array.from({ length: bytes }, (_, index) => bed.around(index - before));
    if (!store) for (const [index, place] of places.entries()) bed.bytes[place] = 0x80 + index;
    const { cause } = bed.access(instruction, VIRTUAL + BigInt(PAGE - before), turns, mode);
    const label = `${name}, ${before} before, ${turns} turns`;
    expect(cause, label).toBe(mode === 'VS' ? CAUSE.ecallFromVs : CAUSE.ecallFromHs);
    expect(
      places.map((place) => bed.bytes[place]),
      label,
    ).toEqual(places.map((_, index) => 0x80 + index));
    if (store) return;
    const value = BigInt.asUintN(8 * bytes, VALUE);
    const signed = BigInt.asUintN(64, BigInt.asIntN(8 * bytes, value));
    const boxed = bytes === 4 ? value | (0xffff_ffffn << 32n) : value;
    if (name.startsWith('f')) expect(bed.x('a3'), label).toBe(boxed);
    else expect(bed.x('a2'), label).toBe(name === 'lhu' ? value : signed);
  });
}

const BORDER = VIRTUAL + BigInt(PAGE);
const PAGE_FAULTS = { border: BORDER, load: CAUSE.loadPageFault, store: CAUSE.storePageFault } as const;
const ACCESS_FAULTS = { border: BORDER, load: CAUSE.loadAccess, store: CAUSE.storeAccess } as const;

test('both pages are translated, and fault where they are not there: before and after code is compiled', () => {
  const bed = new SplitBed();
  const entry = bed.read64(bed.entry);
  for (const turns of [1, HOT]) {
    expectAccesses(bed, turns);
    bed.write64(bed.entry, 0n);
    expectFaults(bed, PAGE_FAULTS);
    bed.write64(bed.entry, entry);
  }
  expect(bed.compiled).toBeGreaterThan(HOT);
});

test.each(['interp', 'jit'] as const)(
  'pages that walks find are accessed in generated code: %s',
  (engine) => {
    const bed = new SplitBed(engine);
    const reads = vi.spyOn(PhysicalMemory.prototype, 'readParts');
    const writes = vi.spyOn(PhysicalMemory.prototype, 'writeParts');
    for (const turns of [1, HOT]) expectAccesses(bed, turns);
    bed.setCsr('satp', 0n);
    for (const mode of ['M', 'S'] as const) {
      bed.fill();
      bed.access(LONG_LOAD, BigInt(BETWEEN - 3), HOT, mode);
      expect(bed.x('a2')).toBe(0x5555_5555_5555_5555n);
      bed.access(LONG_STORE, BigInt(BETWEEN - 3), HOT, mode);
      const around = Array.from({ length: 10 }, (_, index) => bed.bytes[bed.hostOf(BETWEEN - 4 + index)]);
      expect(around).toEqual([0x55, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x55]);
    }
    expect([reads.mock.calls, writes.mock.calls]).toEqual([[], []]);
  },
);

describe('an access faults as a whole whose', () => {
  test('second page may only be read, if it is a store', () => {
    const bed = new SplitBed();
    expectAccesses(bed, 10);
    bed.write64(bed.entry, bed.read64(bed.entry) & ~BigInt(PTE.w));
    bed.fill();
    splits((instruction, before) => {
      const trap = bed.access(instruction, BORDER - BigInt(before));
      if (!instruction.store) expect(trap.cause).toBe(CAUSE.ecallFromHs);
      else expect(trap).toMatchObject({ cause: CAUSE.storePageFault, tval: BORDER });
      expect(bed.untouched).toBe(true);
    });
  });

  test('first page is absent', () => {
    const bed = new SplitBed();
    bed.map(bed.root, VIRTUAL, 0, 0);
    expectFaults(bed, { ...PAGE_FAULTS, tval: (address) => address });
  });

  test('second page is a device', () => {
    const bed = new SplitBed();
    bed.map(bed.root, BORDER, DEVICE, PTE.all);
    expectFaults(bed, ACCESS_FAULTS);
    expect(bed.accesses).toEqual([]);
  });

  test('second page is no memory', () => {
    const bed = new SplitBed();
    bed.map(bed.root, BORDER, 2 ** 52, PTE.all);
    expectFaults(bed, ACCESS_FAULTS);
  });

  test('second page is protected by PMP', () => {
    const bed = new SplitBed();
    bed.protect((SECOND >>> 2) | 0x1ff, 0x18);
    expectFaults(bed, ACCESS_FAULTS);
  });

  test('second page is beyond the lower half of the address space', () => {
    const bed = new SplitBed();
    bed.map(bed.root, 0x3f_ffff_f000n, FIRST, PTE.all);
    expectFaults(bed, { ...PAGE_FAULTS, border: 0x40_0000_0000n });
  });

  test('second page is the first one of the address space, behind the last', () => {
    const bed = new SplitBed();
    bed.map(bed.root, 0xffff_ffff_ffff_f000n, FIRST, PTE.all);
    expectFaults(bed, { ...PAGE_FAULTS, border: 0n });
  });

  test('second page the hypervisor has not mapped', () => {
    const bed = new SplitBed();
    bed.map(bed.root, VIRTUAL, GUEST_PHYSICAL, PTE.all);
    bed.map(bed.root, BORDER, GUEST_PHYSICAL + PAGE, PTE.all);
    const open = PTE.all | PTE.u;
    bed.map(bed.guestRoot, BigInt(GUEST_PHYSICAL), FIRST, open);
    const at = bed.map(bed.guestRoot, BigInt(GUEST_PHYSICAL + PAGE), SECOND, open);
    expectAccesses(bed, HOT, 'VS');
    bed.write64(at, 0n);
    expectFaults(bed, {
      border: BORDER,
      load: CAUSE.loadGuestPageFault,
      store: CAUSE.storeGuestPageFault,
      mode: 'VS',
      tval2: BigInt(GUEST_PHYSICAL + PAGE) >> 2n,
    });
  });
});

test.each(['M', 'S'] as const)('without paging, accesses across the ends of RAM fault: %s', (mode) => {
  const bed = new SplitBed();
  bed.setCsr('satp', 0n);
  const end = BigInt(RAM + bed.ramBytes);
  expectFaults(bed, { ...ACCESS_FAULTS, border: end, mode });
  expectFaults(bed, { ...ACCESS_FAULTS, border: BigInt(RAM), mode, tval: (address) => address });
});
