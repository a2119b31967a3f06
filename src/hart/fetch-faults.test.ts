/**
 * Faults of an instruction whose second half is in another page: the trap is at the instruction's beginning, and mtval
 * is where the part begins that could not be fetched (privileged architecture, "Machine Trap Value (mtval) Register").
 */
import { describe, expect, test } from 'vitest';
import { PAGE, PTE } from '../../test/hart/hart-bed.ts';
import { HOT, leafEntry, type Mode, PAGES, TrapBed } from '../../test/hart/trap-bed.ts';
import { CAUSE } from './exceptions.ts';

const FIRST = PAGES;
/** Not behind the first one, so that no address of the second half can be right by chance. */
const SECOND = PAGES + 3 * PAGE;
const START = 0xff0;
const CROSSING = PAGE - 2;
/** Sums what is below a0. The `add` stands across the border of the pages. */
const LOOP = `
  loop: c.addi a0, -1
  ${'c.nop\n'.repeat(6)}
  add a1, a1, a0
  bnez a0, loop
  ecall`;
const VIRTUAL = 0x1000_0000n;
const GUEST_PHYSICAL = 0x2000_0000;
const NAPOT_PAGE = 0x1ff;
const NAPOT = 0x18;

function bedWithLoop(): TrapBed {
  const bed = new TrapBed().load(LOOP, FIRST + START);
  const from = bed.hostOf(FIRST + PAGE);
  bed.bytes.copyWithin(bed.hostOf(SECOND), from, from + 16);
  bed.bytes.fill(0, from, from + 16);
  return bed;
}

/** A way to take the second page away. */
type Removal = readonly [name: string, cause: number, remove: (bed: TrapBed, entry: number) => void];

const entry = (name: string, cause: number, change: (value: bigint) => bigint): Removal => [
  name,
  cause,
  (bed, at) => bed.write64(at, change(bed.read64(at))),
];

const protectedPage: Removal = [
  'protected by PMP',
  CAUSE.fetchAccess,
  (bed) => bed.protect((SECOND >>> 2) | NAPOT_PAGE, NAPOT),
];

const removals = (cause: number): Removal[] => [
  entry('absent', cause, () => 0n),
  entry('not executable', cause, (value) => value & ~BigInt(PTE.x)),
  entry('of the other privilege', cause, (value) => value ^ BigInt(PTE.u)),
  entry('not accessed yet', cause, (value) => value & ~BigInt(PTE.a)),
];

/** Has the loop run so often, then takes its second page away, and looks at the traps. */
function expectFaults(bed: TrapBed, mode: Mode, at: number, [, cause, remove]: Removal): void {
  const before = bed.read64(at);
  for (const turns of [1, 10, HOT]) {
    const ecall = mode === 'VS' ? CAUSE.ecallFromVs : CAUSE.ecallFromHs;
    expect(bed.enter(mode, VIRTUAL + BigInt(START), { a0: turns, a1: 0 })).toMatchObject({ cause: ecall });
    expect(bed.x('a1')).toBe(BigInt((turns * (turns - 1)) / 2));
    remove(bed, at);
    const guest = cause === CAUSE.fetchGuestPageFault;
    const fault = (epc: bigint, tval: bigint): object => ({
      cause,
      epc,
      tval,
      tval2: guest ? BigInt(GUEST_PHYSICAL + PAGE + Number(tval % BigInt(PAGE))) >> 2n : 0n,
      tinst: 0n,
      guestVirtual: mode === 'VS',
    });
    const crossing = VIRTUAL + BigInt(CROSSING);
    const border = VIRTUAL + BigInt(PAGE);
    expect(bed.enter(mode, VIRTUAL + BigInt(START), { a0: 5, a1: 7 })).toEqual(fault(crossing, border));
    expect([bed.x('a0'), bed.x('a1')]).toEqual([4n, 7n]);
    expect(bed.enter(mode, crossing, {})).toEqual(fault(crossing, border));
    expect(bed.enter(mode, border + 2n, {})).toEqual(fault(border + 2n, border + 2n));
    bed.write64(at, before);
    bed.openMemory();
  }
  expect(bed.compiled).toBeGreaterThan(HOT);
}

describe('an instruction whose second page is', () => {
  test.each([...removals(CAUSE.fetchPageFault), protectedPage])('%s', (...removal) => {
    const bed = bedWithLoop();
    bed.map(bed.root, VIRTUAL, FIRST, PTE.all);
    const at = bed.map(bed.root, VIRTUAL + BigInt(PAGE), SECOND, PTE.all);
    expectFaults(bed, 'S', at, removal);
  });
});

describe('in a guest, an instruction whose second page is', () => {
  /** @returns where the entries for the second page are, of both stages */
  function mapped(bed: TrapBed): readonly [first: number, second: number] {
    const open = PTE.all | PTE.u;
    bed.map(bed.guestRoot, BigInt(GUEST_PHYSICAL), FIRST, open);
    bed.map(bed.root, VIRTUAL, GUEST_PHYSICAL, PTE.all);
    return [
      bed.map(bed.root, VIRTUAL + BigInt(PAGE), GUEST_PHYSICAL + PAGE, PTE.all),
      bed.map(bed.guestRoot, BigInt(GUEST_PHYSICAL + PAGE), SECOND, open),
    ];
  }

  test.each([...removals(CAUSE.fetchPageFault), protectedPage])('%s in its own tables', (...removal) => {
    const bed = bedWithLoop();
    expectFaults(bed, 'VS', mapped(bed)[0], removal);
  });

  test.each(removals(CAUSE.fetchGuestPageFault))('%s in the tables of the hypervisor', (...removal) => {
    const bed = bedWithLoop();
    expectFaults(bed, 'VS', mapped(bed)[1], removal);
  });
});

describe('an instruction that leaves', () => {
  test.each([
    ['the lower half of the address space', 0x3f_ffff_f000n, 0x40_0000_0000n],
    ['the end of the address space', 0xffff_ffff_ffff_f000n, 0n],
  ])('%s', (_, page, next) => {
    const bed = bedWithLoop();
    bed.map(bed.root, page, FIRST, PTE.all);
    const trap = bed.enter('S', page + BigInt(START), { a0: 5 });
    expect(trap).toMatchObject({ cause: CAUSE.fetchPageFault, epc: page + BigInt(CROSSING), tval: next });
    expect(bed.x('a0')).toBe(4n);
  });

  test('the end of the address space, to a page at 0', () => {
    const bed = bedWithLoop();
    const last = 0xffff_ffff_ffff_f000n;
    bed.map(bed.root, last, FIRST, PTE.all);
    const at = bed.map(bed.root, 0n, SECOND, PTE.all);
    expect(bed.enter('S', last + BigInt(START), { a0: HOT, a1: 0 }).cause).toBe(CAUSE.ecallFromHs);
    expect(bed.x('a1')).toBe(BigInt((HOT * (HOT - 1)) / 2));
    bed.write64(at, leafEntry(SECOND, PTE.all & ~PTE.x));
    const trap = bed.enter('S', last + BigInt(START), { a0: HOT });
    expect(trap).toMatchObject({ cause: CAUSE.fetchPageFault, epc: last + BigInt(CROSSING), tval: 0n });
  });
});
