/**
 * HLV, HLVX and HSV under all permissions of both stages (privileged architecture, "Hypervisor Virtual-Machine Load and
 * Store Instructions"): HLVX needs the right to execute in both and not that to read, MXR means nothing to it, and its
 * faults are those of loads.
 */
import { describe, expect, test } from 'vitest';
import { PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { leafEntry, PAGES, TrapBed } from '../../test/hart/trap-bed.ts';
import { CAUSE } from './exceptions.ts';

const CODE = RAM + 0x2000;
const VIRTUAL = 0x1000n;
const GUEST_PHYSICAL = 0x5000_0000;
const VALUE = 0xfedc_ba98_8765_4321n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const SPVP = 1n << 8n;
const OPEN = PTE.v | PTE.a | PTE.d;
const PERMISSIONS = [PTE.r, PTE.x, PTE.r | PTE.x, PTE.r | PTE.w, PTE.rwx];
const BOTH = [false, true];

/** One access: the leaves of both stages, and all that has a say in what they allow. */
interface Case {
  readonly first: number;
  readonly second: number;
  readonly user: boolean;
  /** The access is as one of VS-mode, not VU-mode. */
  readonly supervisor: boolean;
  readonly sum: boolean;
  readonly guestMxr: boolean;
  readonly mxr: boolean;
}

const CASES: readonly Case[] = PERMISSIONS.flatMap((first) =>
  PERMISSIONS.flatMap((second) =>
    BOTH.flatMap((user) =>
      BOTH.flatMap((supervisor) =>
        BOTH.flatMap((sum) =>
          BOTH.flatMap((guestMxr) =>
            BOTH.map((mxr) => ({ first, second, user, supervisor, sum, guestMxr, mxr })),
          ),
        ),
      ),
    ),
  ),
);

class GuestLoadBed extends TrapBed {
  readonly #offset: number;
  /** Two pages, all the permissions of which are the same. */
  readonly #entries = [0, PAGE].map((page) => ({
    page,
    first: this.map(this.root, VIRTUAL + BigInt(page), 0, 0),
    second: this.map(this.guestRoot, BigInt(GUEST_PHYSICAL + page), 0, 0),
  }));

  /** @param offset of the accesses in the first page */
  constructor(offset: number) {
    // These instructions are not compiled.
    super('interp');
    this.setCsr('satp', 0n);
    this.#offset = offset;
    this.write64(PAGES + offset, VALUE);
  }

  /** @returns the cause of the trap: an ecall of HS-mode, if the instruction had none */
  carryOut(c: Case): number {
    for (const { page, first, second } of this.#entries) {
      this.write64(first, leafEntry(GUEST_PHYSICAL + page, OPEN | c.first | (c.user ? PTE.u : 0)));
      this.write64(second, leafEntry(PAGES + page, OPEN | c.second | PTE.u));
    }
    this.setCsr('hstatus', c.supervisor ? SPVP : 0n);
    this.setCsr('vsstatus', (c.sum ? SUM : 0n) | (c.guestMxr ? MXR : 0n));
    const address = VIRTUAL + BigInt(this.#offset);
    // SUM of HS-mode has no say: it is the other way round.
    const status = (c.mxr ? MXR : 0n) | (c.sum ? 0n : SUM);
    const { cause, tval, tval2, guestVirtual } = this.enter('S', CODE, { a0: address, a1: VALUE }, status);
    if (cause === CAUSE.ecallFromHs) return cause;
    const guestFault = cause === CAUSE.loadGuestPageFault || cause === CAUSE.storeGuestPageFault;
    expect([tval, tval2, guestVirtual]).toEqual([
      address,
      guestFault ? BigInt(GUEST_PHYSICAL + this.#offset) >> 2n : 0n,
      true,
    ]);
    return cause;
  }
}

const mayUse = (c: Case): boolean => (c.supervisor ? !c.user || c.sum : c.user);
const readable = (flags: number, mxr: boolean): boolean => (flags & (mxr ? PTE.r | PTE.x : PTE.r)) !== 0;

describe.each([0, PAGE - 1])('at offset %i of a guest’s page', (offset) => {
  test.each([
    ['hlvx.wu a2, (a0)', 0x8765_4321n, PTE.x],
    ['hlvx.hu a2, (a0)', 0x4321n, PTE.x],
    ['hlv.d a2, (a0)', VALUE, PTE.r],
    ['hlv.w a2, (a0)', 0xffff_ffff_8765_4321n, PTE.r],
    ['hsv.d a1, (a0)', 0n, PTE.w],
  ])('%s needs what it should need in both stages', (instruction, value, permission) => {
    const bed = new GuestLoadBed(offset);
    bed.load(`li a2, 0\n ${instruction}\n ecall`, CODE);
    const [pageFault, guestFault] =
      permission === PTE.w
        ? [CAUSE.storePageFault, CAUSE.storeGuestPageFault]
        : [CAUSE.loadPageFault, CAUSE.loadGuestPageFault];
    for (const c of CASES) {
      const grants = (flags: number, mxr: boolean): boolean =>
        permission === PTE.r ? readable(flags, mxr) : (flags & permission) !== 0;
      const second = grants(c.second, c.mxr) ? CAUSE.ecallFromHs : guestFault;
      const cause = mayUse(c) && grants(c.first, c.mxr || c.guestMxr) ? second : pageFault;
      const label = JSON.stringify(c);
      expect(bed.carryOut(c), label).toBe(cause);
      expect(bed.x('a2'), label).toBe(cause === CAUSE.ecallFromHs ? value : 0n);
    }
  });
});
