/** Pointer masking in all modes, of interpreted and of compiled code, against a model in bigint. */
import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { CAUSE } from './exceptions.ts';

const TABLES = RAM + 0x4_0000;
const DATA = RAM + 0x10_0000;
const UPPER_DATA = DATA + PAGE;
const CODE = RAM + 0x18_0000;
const LOW_VALUE = 0x1111n;
const HIGH_VALUE = 0x2222n;
const USER_LEAF = PTE.v | PTE.r | PTE.w | PTE.x | PTE.u | PTE.a | PTE.d;
/** Where the tables have the pages of data, and the code for U-mode; RAM is where it is. */
const LOW_PAGE = 0x4000_0000n;
const HIGH_PAGE = 0xffff_ffff_c000_0000n;
const USER_CODE = LOW_PAGE + BigInt(PAGE);
/** All cache-block operations are allowed. */
const BLOCKS = 0xf0n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const MPV = 1n << 39n;
const SPVP = 1n << 8n;
const HU = 1n << 9n;
const SV39 = (8n << 60n) | BigInt(TABLES >>> 12);

const MODES = {
  HS: { mpp: 1n, virtual: false, register: 'menvcfg' },
  U: { mpp: 0n, virtual: false, register: 'senvcfg' },
  VS: { mpp: 1n, virtual: true, register: 'henvcfg' },
  VU: { mpp: 0n, virtual: true, register: 'senvcfg' },
} as const;
type ModeName = keyof typeof MODES;
const MODE_NAMES = ['HS', 'U', 'VS', 'VU'] as const;
const REGISTERS = ['menvcfg', 'henvcfg', 'senvcfg'] as const;
type MaskingRegister = (typeof REGISTERS)[number];
const REGISTER_NAMES = ['s0', 's1', 's2', 's11'] as const;
type RegisterName = (typeof REGISTER_NAMES)[number];
const PMLEN: Readonly<Record<number, bigint>> = { 0: 0n, 2: 7n, 3: 16n };

/** An address without its ignored bits ("Ignore" transformation). */
function transformed(address: bigint, pmm: number, translates: boolean): bigint {
  const bits = 64n - (PMLEN[pmm] ?? 0n);
  const rest = BigInt.asUintN(Number(bits), address);
  return translates ? BigInt.asUintN(64, BigInt.asIntN(Number(bits), rest)) : rest;
}

/** M-mode's part: enters a mode at s11, and ends with cause and address of the next trap in a0 and a1. */
const ENTRY = `
  la t0, trapped
  csrw mtvec, t0
  csrw mepc, s11
  mret
  .balign 4
trapped:
  csrr a0, mcause
  csrr a1, mtval
  ${FINISH}`;

class MaskingBed extends HartBed {
  constructor() {
    super({ engine: 'jit' });
    this.both(({ pmp }) => pmp.allowAll());
    this.setEntry(TABLES, RAM / 2 ** 30, RAM, PTE.all);
    this.#table(TABLES, 1, TABLES + PAGE);
    this.#table(TABLES, 511, TABLES + 3 * PAGE);
    this.setEntry(TABLES + 2 * PAGE, 0, DATA, USER_LEAF);
    this.setEntry(TABLES + 2 * PAGE, 1, CODE, USER_LEAF);
    this.setEntry(TABLES + 4 * PAGE, 0, UPPER_DATA, USER_LEAF);
  }

  #table(root: number, index: number, table: number): void {
    this.setEntry(root, index, table, PTE.v);
    this.setEntry(table, 0, table + PAGE, PTE.v);
  }

  /** Loads M-mode's part, and a body for another mode. */
  prepare(body: string): this {
    this.load(ENTRY);
    this.load(body, CODE);
    return this;
  }

  /** Runs what {@link prepare} has loaded, in a mode. */
  enter(
    mode: ModeName,
    paged: boolean,
    mxr: bigint,
    guestMxr: bigint,
    registers: Readonly<Partial<Record<RegisterName, bigint>>>,
    space = SV39,
  ): number {
    const { mpp, virtual } = MODES[mode];
    this.setCsr('satp', paged && !virtual ? space : 0n);
    this.setCsr('vsatp', paged && virtual ? space : 0n);
    this.setCsr('mstatus', (mpp << 11n) | SUM | mxr | (virtual ? MPV : 0n));
    this.setCsr('vsstatus', SUM | guestMxr);
    const entry = paged && mpp === 0n ? USER_CODE : BigInt(CODE);
    return this.start({ ...registers, s11: entry });
  }

  /** From the start of RAM in M-mode. */
  start(registers: Readonly<Partial<Record<RegisterName, bigint>>>): number {
    for (const name of REGISTER_NAMES) {
      const value = registers[name];
      if (value !== undefined) this.setX(name, value);
    }
    const { state, tlb } = this.hart;
    state.privilege = 3;
    state.virtual = 0;
    this.pc = BigInt(RAM);
    tlb.select();
    return this.finish();
  }

  choose(settings: Readonly<Record<MaskingRegister, number>>): void {
    for (const register of REGISTERS) this.setCsr(register, (BigInt(settings[register]) << 32n) | BLOCKS);
  }
}

const REPEATS = 60;

/** Accesses at s0, again and again: they are compiled, and find what the first has left in the TLB. */
const ACCESSES = {
  load: { code: 'ld a2, 8(s0)', loads: true },
  store: { code: 'sd s2, 8(s0); mv a2, s2', loads: false },
  amo: { code: 'addi t0, s0, 8; amoor.d a2, zero, (t0)', loads: false },
  block: { code: 'addi t0, s0, 8; cbo.zero (t0); sd s2, 8(s0); mv a2, s2', loads: false },
} as const;

const TAGS = [0n, 0x55n << 57n, 0x7fn << 57n, 0x01n << 48n, 0xffffn << 48n];

/** PMM of a register, those of other modes being different. */
function settingsOf(register: MaskingRegister, pmm: number): Record<MaskingRegister, number> {
  const other = pmm === 0 ? 3 : 0;
  return { menvcfg: other, henvcfg: other, senvcfg: other, [register]: pmm };
}

interface Case {
  readonly paged: boolean;
  readonly pmm: number;
  /** Which MXR is set. */
  readonly mxr: 'none' | 'own' | 'host';
  readonly base: bigint;
  readonly tag: bigint;
}

const CASES: readonly Case[] = [false, true].flatMap((paged) =>
  [0, 2, 3].flatMap((pmm) =>
    (['none', 'own', 'host'] as const).flatMap((mxr) =>
      (paged ? [LOW_PAGE, HIGH_PAGE] : [BigInt(DATA)]).flatMap((base) =>
        TAGS.map((tag) => ({ paged, pmm, mxr, base, tag })),
      ),
    ),
  ),
);

describe.each(Object.entries(ACCESSES))('pointer masking of %s', (_, { code, loads }) => {
  const bed = new MaskingBed().prepare(`
    li t2, ${REPEATS}
  1: ${code}
    addi t2, t2, -1
    bnez t2, 1b
    ecall`);
  bed.write64(DATA + 8, LOW_VALUE);
  bed.write64(UPPER_DATA + 8, HIGH_VALUE);

  test.each(MODE_NAMES)('%s', (mode) => {
    const { register, virtual } = MODES[mode];
    for (const { paged, pmm, mxr, base, tag } of CASES) {
      bed.choose(settingsOf(register, pmm));
      const address = base ^ tag;
      const goal = transformed(address + 8n, mxr === 'none' ? pmm : 0, paged);
      const status = mxr === 'host' || (mxr === 'own' && !virtual) ? MXR : 0n;
      const guestStatus = mxr === 'own' ? MXR : 0n;
      const value = base === HIGH_PAGE ? HIGH_VALUE : LOW_VALUE;
      const cause = bed.enter(mode, paged, status, guestStatus, { s0: address, s2: value });
      const label = `${paged ? 'paged' : 'bare'}, PMM ${pmm}, MXR ${mxr}, ${address.toString(16)}`;
      if (goal === base + 8n) {
        expect([cause, bed.x('a2')], label).toEqual([ECALL_FROM[mode], value]);
      } else {
        expect([cause, bed.x('a1')], label).toEqual([faultOf(loads, paged), goal]);
      }
    }
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(1000);
  });
});

const ECALL_FROM: Readonly<Record<ModeName, number>> = { U: 8, HS: 9, VS: 10, VU: 8 };

function faultOf(loads: boolean, paged: boolean): number {
  if (loads) return paged ? CAUSE.loadPageFault : CAUSE.loadAccess;
  return paged ? CAUSE.storePageFault : CAUSE.storeAccess;
}

describe('hlv, hsv and hlvx', () => {
  const modes = { M: 3, HS: 1, U: 0 } as const;
  const cases = Object.entries(modes).flatMap(([mode, privilege]) =>
    [false, true].map((supervisor) => ({ mode, privilege, supervisor })),
  );

  test.each(cases)('$mode as VS: $supervisor', ({ privilege, supervisor }) => {
    for (const [name, pmm] of [
      ['henvcfg', 3],
      ['senvcfg', 2],
      ['hupmm', 3],
    ] as const) {
      const bed = new MaskingBed();
      bed.write64(DATA, LOW_VALUE);
      bed.setCsr('vsatp', SV39);
      bed.setCsr('vsstatus', SUM);
      bed.setCsr('hstatus', (supervisor ? SPVP : 0n) | HU | (name === 'hupmm' ? 3n << 48n : 0n));
      bed.choose({ menvcfg: 3, henvcfg: 0, senvcfg: 0, [name]: pmm });
      bed.load(ENTRY);
      const isMasked = name === (supervisor ? 'henvcfg' : privilege === 0 ? 'hupmm' : 'senvcfg');
      const address = LOW_PAGE | (0x7fn << 57n);
      for (const code of ['hlv.d a2, (s0)', 'hsv.d s2, (s0)', 'hlvx.wu a2, (s0)']) {
        bed.load(`${code}\nebreak`, CODE);
        bed.both((hart) => hart.fenceI());
        bed.setCsr('mstatus', BigInt(privilege) << 11n);
        const cause = bed.start({ s0: address, s2: LOW_VALUE, s11: BigInt(CODE) });
        const isExempt = code.startsWith('hlvx') || !isMasked;
        const fault = code.startsWith('hsv') ? CAUSE.storePageFault : CAUSE.loadPageFault;
        expect(cause, `${code} ${name}`).toBe(isExempt ? fault : CAUSE.breakpoint);
        expect(bed.x('a1'), `${code} ${name}`).toBe(isExempt ? address : BigInt(CODE + 4));
      }
    }
  });
});

test('an access beyond the last address of the lower half goes on in the upper one', () => {
  const bed = new MaskingBed().prepare('ld a2, (s0); sd s2, (s0); ecall');
  const root = TABLES + 8 * PAGE;
  const sv48 = (9n << 60n) | BigInt(root >>> 12);
  bed.setEntry(root, 0, TABLES, PTE.v);
  for (const [half, index] of [255, 256].entries()) {
    const inner = half === 0 ? 511 : 0;
    const [second, third, last] = [1, 2, 3].map((level) => root + (level + half * 3) * PAGE);
    bed.setEntry(root, index, second, PTE.v);
    bed.setEntry(second, inner, third, PTE.v);
    bed.setEntry(third, inner, last, PTE.v);
    bed.setEntry(last, inner, half === 0 ? DATA : UPPER_DATA, PTE.all);
  }
  bed.write64(DATA + PAGE - 8, 0x1122_3344_5566_7788n);
  bed.write64(UPPER_DATA, 0x99aa_bbcc_ddee_ff00n);
  bed.choose({ menvcfg: 3, henvcfg: 0, senvcfg: 0 });
  const address = (0x5a5an << 48n) | 0x7fff_ffff_fffcn;
  const registers = { s0: address, s2: 0xcafe_f00d_dead_beefn };
  expect(bed.enter('HS', true, 0n, 0n, registers, sv48)).toBe(ECALL_FROM.HS);
  expect(bed.x('a2')).toBe(0xddee_ff00_1122_3344n);
  expect(bed.read64(UPPER_DATA)).toBe(0x99aa_bbcc_cafe_f00dn);
  bed.choose({ menvcfg: 0, henvcfg: 0, senvcfg: 0 });
  bed.enter('HS', true, 0n, 0n, registers, sv48);
  expect(bed.x('a1')).toBe(address);
});

test.each([0x7fn, 0x80n, 0xffn])(
  'a fence of one address is about all names of its superpage, as that with %i',
  (tag) => {
    const bed = new MaskingBed().prepare(`
    ld a2, (s0)
    sd s2, (s1)
    li t0, 0xc0000000
    sfence.vma t0
    ld a3, (s0)
    ecall`);
    const entry = TABLES + 6 * PAGE;
    bed.setEntry(TABLES, 3, entry, PTE.v);
    bed.setEntry(entry, 0, RAM, PTE.all);
    bed.choose({ menvcfg: 3, henvcfg: 0, senvcfg: 0 });
    const moved = (BigInt(RAM >>> 12) << 10n) | BigInt(PTE.all & ~PTE.r);
    const tagged = 0xc000_5000n | (tag << 56n);
    const cause = bed.enter('HS', true, 0n, 0n, { s0: tagged, s1: BigInt(entry), s2: moved });
    expect(cause).toBe(CAUSE.loadPageFault);
  },
);

test('PMM is 0, 2 or 3, and there where the extension is', () => {
  const bed = new MaskingBed();
  for (const register of REGISTERS) {
    for (const [written, kept] of [
      [2n, 2n],
      [1n, 2n],
      [3n, 3n],
      [0n, 0n],
      [1n, 0n],
    ] as const) {
      bed.setCsr(register, written << 32n);
      expect((bed.csr(register) >> 32n) & 3n).toBe(kept);
    }
  }
  bed.setCsr('hstatus', 2n << 48n);
  bed.setCsr('hstatus', 1n << 48n);
  expect((bed.csr('hstatus') >> 48n) & 3n).toBe(2n);
});
