import { describe, expect, test } from 'vitest';
import { HartBed, PAGE, RAM } from '../../../test/hart/hart-bed.ts';
import { CAUSE } from '../exceptions.ts';

const VS = 3 << 9;
const DIRTY = 0x600;

/** Code in M-mode whose traps end it, with cause in a0, value in a1, vstart in a2 and vl in a3. */
const withTraps = (code: string): string => `
  la t0, handler; csrw mtvec, t0
  li t0, ${VS}; csrs mstatus, t0
  ${code}
  li a0, -1
  j out
  .balign 4
handler:
  csrr a0, mcause; csrr a1, mtval
  li t0, ${VS}; csrs mstatus, t0
out:
  csrr a2, vstart; csrr a3, vl
  li t0, 0x100000; sd a0, (t0)
`;

function run(code: string, options: ConstructorParameters<typeof HartBed>[0] = {}): HartBed {
  const bed = new HartBed({ extensions: ['v', 'zvl256b'], ...options });
  bed.load(withTraps(code));
  bed.finish(1_000_000);
  return bed;
}

describe('vectors', () => {
  test('are illegal while VS is off, and so are their CSRs', () => {
    for (const code of ['vsetivli a0, 4, e8, m1, ta, ma', 'csrr a0, vlenb', 'vadd.vv v1, v2, v3']) {
      const bed = run(`li t0, ${VS}; csrc mstatus, t0; ${code}`);
      expect(bed.x('a0')).toBe(BigInt(CAUSE.illegalInstruction));
    }
  });

  test('mark VS as dirty', () => {
    const bed = run(`
      li t0, ${VS}; csrc mstatus, t0; li t0, 0x200; csrs mstatus, t0
      vsetivli t1, 4, e8, m1, ta, ma
      csrr a4, mstatus
    `);
    expect(bed.x('a0')).toBe(BigInt.asUintN(64, -1n));
    expect(Number(bed.x('a4') & BigInt(VS))).toBe(DIRTY);
    expect(bed.x('a4') >> 63n).toBe(1n);
  });

  test('stop at the element whose access traps, and go on there', () => {
    const end = RAM + 2 * 1024 * 1024;
    const bed = run(`
      vsetivli t1, 8, e32, m1, ta, ma
      vmv.v.i v1, -1
      li t2, ${end - 12}
      vle32.v v1, (t2)
    `);
    expect(bed.x('a0')).toBe(BigInt(CAUSE.loadAccess));
    expect(bed.x('a1')).toBe(BigInt(end));
    expect(bed.x('a2')).toBe(3n);
  });

  test('become shorter where a fault-only-first load would trap', () => {
    const bed = run(`
      vsetivli t1, 8, e32, m1, ta, ma
      li t2, ${RAM + 2 * 1024 * 1024 - 12}
      vle32ff.v v1, (t2)
    `);
    expect(bed.x('a0')).toBe(BigInt.asUintN(64, -1n));
    expect(bed.x('a3')).toBe(3n);
  });

  test.each(['interp', 'jit', 'lockstep'] as const)('cross pages, with the engine %s', (engine) => {
    const at = RAM + 16 * PAGE - 6;
    // Often enough to be compiled, as far as that goes.
    const bed = run(
      `
      li t3, 300
    1:vsetivli t1, 16, e8, m1, ta, ma
      vid.v v1
      li t2, ${at}
      vse8.v v1, (t2)
      addi t3, t3, -1
      bnez t3, 1b
    `,
      { engine },
    );
    expect([...bed.bytes.subarray(bed.ramOffset + at - RAM, bed.ramOffset + at - RAM + 16)]).toEqual(
      Array.from({ length: 16 }, (_, index) => index),
    );
  });

  test.each([128, 256, 512, 1024] as const)('of %i bits say so', (vlen) => {
    const bed = run('csrr a4, vlenb; vsetvli a5, zero, e8, m8, ta, ma', { extensions: ['v', `zvl${vlen}b`] });
    expect(bed.x('a4')).toBe(BigInt(vlen / 8));
    expect(bed.x('a5')).toBe(BigInt(vlen));
  });

  test('are illegal in a guest while VS of vsstatus is off, and mark it as dirty otherwise', () => {
    const inGuest = (status: number) =>
      run(`
        li t0, -1; csrw pmpaddr0, t0; li t0, 0x1f; csrw pmpcfg0, t0
        li t0, ${status}; csrw vsstatus, t0
        li t0, 0x1800; csrc mstatus, t0; li t0, 0x800; csrs mstatus, t0
        li t0, 1; slli t0, t0, 39; csrs mstatus, t0
        la t0, guest; csrw mepc, t0; mret
      guest:
        vsetivli t1, 4, e8, m1, ta, ma
        ecall
      `);
    const off = inGuest(0);
    expect(off.x('a0')).toBe(BigInt(CAUSE.illegalInstruction));
    expect(off.raw('vsstatus') & BigInt(VS)).toBe(0n);
    const on = inGuest(1 << 9);
    expect(on.x('a0')).toBe(BigInt(CAUSE.ecallFromVs));
    expect(on.raw('vsstatus') & BigInt(VS)).toBe(BigInt(DIRTY));
  });

  test('have no type that they do not support', () => {
    const bed = run('li a4, -1; vsetivli a4, 4, e64, mf8, ta, ma; csrr a5, vtype; vmv1r.v v1, v2');
    expect(bed.x('a4')).toBe(0n);
    expect(bed.x('a5')).toBe(1n << 63n);
    expect(bed.x('a0')).toBe(BigInt(CAUSE.illegalInstruction));
  });

  describe('of floating point', () => {
    const FS = 3 << 13;
    const ready = 'li t0, 0x2000; csrs mstatus, t0; vsetivli t1, 4, e32, m1, ta, ma';
    const isIllegal = (bed: HartBed): boolean => bed.x('a0') === BigInt(CAUSE.illegalInstruction);

    test.each([
      ['while FS is off', `li t0, ${FS}; csrc mstatus, t0; vfadd.vv v1, v2, v3`],
      ['with a reserved rounding mode', 'csrwi frm, 5; vfadd.vv v1, v2, v3'],
      ['with one that they do not need', 'csrwi frm, 7; vfmv.v.f v1, fa0'],
      ['of 16 bits without Zvfh', 'vsetivli t1, 4, e16, m1, ta, ma; vfadd.vv v1, v2, v3'],
      ['of 8 bits', 'vsetivli t1, 4, e8, m1, ta, ma; vfadd.vv v1, v2, v3'],
      ['wider than 64 bits', 'vsetivli t1, 4, e64, m1, ta, ma; vfwadd.vv v2, v4, v5'],
    ])('are illegal %s, also where generated code knows them', (_, code) => {
      const bed = run(`${ready}; vfadd.vv v1, v2, v3; vfmv.v.f v1, fa0; ${code}`);
      expect(isIllegal(bed)).toBe(true);
    });

    test('mark FS as dirty where a flag is new, and no sooner', () => {
      const bed = run(`
        ${ready}
        vmv.v.i v2, 0
        vfadd.vv v1, v2, v2
        csrr a4, mstatus
        li t0, 0x7f7fffff; vmv.v.x v2, t0
        vfadd.vv v1, v2, v2
        csrr a5, mstatus; csrr a6, fflags
      `);
      expect(Number(bed.x('a4')) & FS).toBe(1 << 13);
      expect(Number(bed.x('a5') & BigInt(FS))).toBe(FS);
      expect(bed.x('a6')).toBe(5n);
    });

    test('take a scalar that is not NaN-boxed as the canonical NaN', () => {
      const bed = run(`${ready}; li t0, 0x3f800000; fmv.d.x fa0, t0; vfmv.v.f v1, fa0; vmv.x.s a4, v1`);
      expect(bed.x('a4')).toBe(0x7fc0_0000n);
    });
  });

  describe('in compiled code', () => {
    const TURNS = 20_000;
    const DATA = RAM + 0x1_0000;
    /** A run by the interpreter, and one that is mostly compiled. */
    const both = (code: string) =>
      (['interp', 'jit'] as const).map((engine) => run(code, { engine, compileAfter: 4 }));

    test('have the registers of a region, whichever file they are of', () => {
      const [expected, bed] = both(`
        li t0, 0x2000; csrs mstatus, t0
        li s1, ${TURNS}; li s2, ${DATA}; li a4, 0; li a5, 0
      loop:
        vsetivli s3, 4, e32, m1, ta, ma
        vle32.v v1, (s2)
        vadd.vx v1, v1, s1
        vse32.v v1, (s2)
        vmv.x.s t3, v1
        add a4, a4, t3
        fcvt.s.w fa0, s1
        vfadd.vf v2, v2, fa0
        vfmv.f.s fa1, v2
        fcvt.w.s t4, fa1
        add a5, a5, t4
        csrr s3, vl
        add a5, a5, s3
        vsetvli zero, s1, e8, m1, ta, ma
        vsetvli s3, zero, e16, mf2, ta, ma
        vsetvli zero, zero, e8, mf4, ta, ma
        add a5, a5, s3
        addi s1, s1, -1
        bnez s1, loop
      `);
      for (const name of ['a4', 'a5', 'a3'] as const) expect(bed.x(name)).toBe(expected.x(name));
      expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(TURNS * 15);
    });

    test.each(['vsetvli t1, s1, e8, m1, ta, ma', 'csrr t1, vl', 'vmv.v.x v1, s1'])(
      '%s is illegal from the moment on at which VS is off',
      (code) => {
        const [expected, bed] = both(`
          vsetivli t1, 4, e8, m1, ta, ma
          li s2, 2
        again:
          li s1, ${TURNS}
        loop:
          ${code}
          addi s1, s1, -1
          bnez s1, loop
          li t0, ${VS}; csrc mstatus, t0
          addi s2, s2, -1
          bnez s2, again
        `);
        for (const each of [expected, bed]) {
          expect([each.x('a0'), each.x('s1'), each.x('s2')]).toEqual([2n, BigInt(TURNS), 1n]);
        }
        expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(TURNS * 2);
      },
    );

    test('stop where an access traps', () => {
      const [expected, bed] = both(`
        li s2, ${DATA + 1}; li a4, 0
        vsetivli s3, 8, e32, m1, ta, ma
      loop:
        vse32.v v1, (s2)
        addi s2, s2, 36
        addi a4, a4, 1
        j loop
      `);
      for (const name of ['a0', 'a1', 'a2', 'a4', 's2'] as const) expect(bed.x(name)).toBe(expected.x(name));
      expect(bed.x('a0')).toBe(BigInt(CAUSE.storeAccess));
      expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(20_000);
    });
  });
});
