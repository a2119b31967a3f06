/**
 * Accesses that a PMP entry matches in part fail, whatever the entry allows, and those that wrap around the address
 * space fault (privileged architecture, "Priority and Matching Logic"); in code that is compiled already, too.
 */
import { describe, expect, test } from 'vitest';
import { PAGE, RAM } from '../../test/hart/hart-bed.ts';
import { HOT, type Mode, PAGES, type Trap, TrapBed } from '../../test/hart/trap-bed.ts';
import { CAUSE } from './exceptions.ts';

const CODE = RAM + 0x2000;
const AT = PAGES + 64;
const NA4 = 0x10;
const TOR = 0x08;
const RWX = 7;
const ACCESSES = [
  'ld a2, (a0)',
  'sd a2, (a0)',
  'amoadd.d a2, a1, (a0)',
  'lr.d a2, (a0)',
  'fld fa2, (a0)',
] as const;
type Access = (typeof ACCESSES)[number];
const LOOPS = ACCESSES.map(
  (access, index) => `.balign 4\n loop${index}: ${access}\n addi a1, a1, -1\n bnez a1, loop${index}\n ecall`,
).join('\n');

class ProtectedBed extends TrapBed {
  constructor() {
    super();
    this.setCsr('satp', 0n);
    this.load(LOOPS, CODE);
  }

  access(access: Access, address: number | bigint, turns = 1, mode: Mode = 'S'): Trap {
    return this.enter(mode, this.symbol(`loop${ACCESSES.indexOf(access)}`), {
      a0: address,
      a1: turns,
      a2: 1,
    });
  }
}

const faultOf = (access: Access): number =>
  /^(ld|lr|fld)/.test(access) ? CAUSE.loadAccess : CAUSE.storeAccess;

/** Runs all loops on open memory, so that they are compiled, and memory is in the TLB. */
function warm(bed: ProtectedBed, turns: number): void {
  bed.openMemory();
  for (const access of ACCESSES) expect(bed.access(access, AT, turns).cause).toBe(CAUSE.ecallFromHs);
}

describe.each([1, HOT])('behind %i turns of a loop', (turns) => {
  test('an access fails whose second half alone matches an entry that allows everything', () => {
    const bed = new ProtectedBed();
    warm(bed, turns);
    bed.protect((AT + 4) >>> 2, NA4 | RWX);
    for (const access of ACCESSES) {
      expect(bed.access(access, AT, turns), access).toMatchObject({
        cause: faultOf(access),
        tval: BigInt(AT),
      });
      // M-mode is not held to an entry that is not locked, but to this.
      expect(bed.access(access, AT, turns, 'M'), access).toMatchObject({
        cause: faultOf(access),
        tval: BigInt(AT),
      });
      expect(bed.access(access, AT + 8, turns).cause, access).toBe(CAUSE.ecallFromHs);
    }
  });

  test('a misaligned access fails that reaches into an entry', () => {
    const bed = new ProtectedBed();
    warm(bed, turns);
    bed.protect((AT + 4) >>> 2, NA4);
    for (const access of ['ld a2, (a0)', 'sd a2, (a0)', 'fld fa2, (a0)'] as const) {
      expect(bed.access(access, AT - 2, turns).cause, access).toBe(faultOf(access));
      expect(bed.access(access, AT + 6, turns).cause, access).toBe(faultOf(access));
      expect(bed.access(access, AT - 4, turns).cause, access).toBe(CAUSE.ecallFromHs);
      expect(bed.access(access, AT + 8, turns).cause, access).toBe(CAUSE.ecallFromHs);
    }
  });

  test('a range between two addresses is closed from its bottom to its top', () => {
    const bed = new ProtectedBed();
    warm(bed, turns);
    bed.setCsr('pmpcfg0', 0n);
    bed.setCsr('pmpaddr0', BigInt(AT / 4));
    bed.setCsr('pmpaddr1', BigInt(AT / 4 + 1));
    bed.setCsr('pmpaddr2', (1n << 54n) - 1n);
    bed.setCsr('pmpcfg0', BigInt(0x1f_0000 | (TOR << 8)));
    const store = 'sd a2, (a0)';
    expect(bed.access(store, AT - 4, turns).cause).toBe(CAUSE.storeAccess);
    expect(bed.access(store, AT, turns)).toMatchObject({ cause: CAUSE.storeAccess, tval: BigInt(AT) });
    expect(bed.access(store, AT - 8, turns).cause).toBe(CAUSE.ecallFromHs);
    expect(bed.access(store, AT + 4, turns).cause).toBe(CAUSE.ecallFromHs);
  });
});

/** The loop ends and begins with the interpreter, of whose work few samples are taken. */
const LONG = 32;

test('a page with an entry for some of its words is looked at anew in each access', () => {
  const bed = new ProtectedBed();
  bed.protect(AT >>> 2, NA4);
  bed.load(`1: ld a2, 8(a0)\n sd a2, 16(a0)\n addi a1, a1, -1\n bnez a1, 1b\n jr a3`, CODE + PAGE);
  for (const access of ACCESSES) {
    // Without a fence between what is allowed and what is not.
    const place = BigInt(bed.symbol(`loop${ACCESSES.indexOf(access)}`));
    const trap = bed.enter('S', CODE + PAGE, { a0: AT, a1: LONG * HOT, a3: place });
    expect(trap, access).toMatchObject({ cause: faultOf(access), epc: place, tval: BigInt(AT) });
  }
  expect(bed.compiled).toBeGreaterThan(HOT);
});

describe('at the end of the address space', () => {
  test.each(['M', 'S'] as const)('accesses and fetches fault in %s', (mode) => {
    const bed = new ProtectedBed();
    for (let before = 1n; before < 12n; before++) {
      const address = -before;
      const tval = BigInt.asUintN(64, address);
      for (const access of ['ld a2, (a0)', 'sd a2, (a0)'] as const) {
        const trap = bed.access(access, address, 1, mode);
        expect(trap, `${access} at ${address}`).toMatchObject({ cause: faultOf(access), tval });
      }
      const even = BigInt.asUintN(64, address & ~1n);
      expect(bed.enter(mode, even, {})).toMatchObject({ cause: CAUSE.fetchAccess, epc: even, tval: even });
    }
  });

  test('and at each power of two from 2^32 on accesses fault, and reach nothing', () => {
    const bed = new ProtectedBed();
    for (let bits = 32n; bits < 64n; bits++) {
      for (const address of [(1n << bits) - 4n, 1n << bits, (1n << bits) | BigInt(AT)]) {
        expect(bed.access('ld a2, (a0)', address, 1, 'M')).toMatchObject({
          cause: CAUSE.loadAccess,
          tval: address,
        });
      }
    }
  });
});
