import { describe, expect, test } from 'vitest';
import { HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { HOT, type Mode, PAGES, TrapBed } from '../../test/hart/trap-bed.ts';
import { assemble } from '../isa/index.ts';
import { CAUSE } from './exceptions.ts';
import { FETCH_LIST, FIELD } from './layout.ts';

/** How often interrupt lines are looked at while a hart carries out FENCE.I, after that many fetches from new pages. */
function looksAfter(fills: number): number {
  const bed = new HartBed({ engine: 'interp' }).load(`
      li t0, 0x888
      csrw mie, t0
      j 1f
    1: fence.i
    end: j end`);
  let looks = 0;
  Object.defineProperty(bed, 'lines', {
    get: () => {
      looks++;
      return 0;
    },
  });
  bed.run(1);
  bed.hart.state.words[FIELD.fetchFills >> 2] = fills;
  looks = 0;
  bed.run(1);
  expect(bed.pc).toBe(BigInt(bed.symbol('end')));
  return looks;
}

// Compiled code fetches ahead from pages that the interpreter may never come to: both must take interrupts at the same
// places.
test('FENCE.I looks for interrupts no more often when the TLB has more of the code', () => {
  expect(looksAfter(FETCH_LIST + 1)).toBe(looksAfter(1));
});

/** The word of an instruction. */
function wordOf(instruction: string): number {
  return new DataView(assemble(instruction).bytes.buffer).getUint32(0, true);
}

/**
 * A hart carries out behind FENCE.I the code that it has stored, whatever instruction has stored it (unprivileged
 * architecture, "Zifencei").
 */
describe('behind FENCE.I, hot code is as it was changed', () => {
  const STORE = RAM + 0x2000;
  const LOOP = PAGES + 0x80;
  const ALIAS = 0x4000_0000n;
  const ECALL = { M: CAUSE.ecallFromM, S: CAUSE.ecallFromHs, VS: CAUSE.ecallFromVs } as const;
  /** Opens operations on cache blocks to less privileged modes. */
  const CBO = 0xf0n;
  /** `changed` adds 1 to a1 at first. Its second word is that of the decrement. */
  const CODE = `changed: addi a1, a1, 1\n addi a0, a0, -1\n bnez a0, changed\n ecall`;
  const added = (step: number): number => wordOf(`addi a1, a1, ${step}`);
  const both = (step: number): bigint => BigInt(added(step)) | (BigInt(wordOf('addi a0, a0, -1')) << 32n);

  function bedWithLoop(): TrapBed {
    const bed = new TrapBed().load(CODE, LOOP);
    bed.setCsr('menvcfg', CBO);
    bed.setCsr('henvcfg', CBO);
    bed.map(bed.root, ALIAS, PAGES, PTE.all);
    return bed;
  }

  /** Runs the loop, and tells what it adds in each turn. */
  function step(bed: TrapBed, mode: Mode, at: bigint | number = LOOP): number {
    expect(bed.enter(mode, at, { a0: HOT, a1: 0 }).cause).toBe(ECALL[mode]);
    return Number(bed.x('a1')) / HOT;
  }

  /** Carries out stores with the address of the code in s0 and a value in s1. */
  function store(
    bed: TrapBed,
    mode: Mode,
    stores: string,
    value: bigint | number,
    at: bigint | number = LOOP,
    fence = 'fence.i',
  ): void {
    bed.load(`${stores}\n ${fence}\n ecall`, STORE);
    bed.both((hart) => hart.fenceI());
    // Behind the fence for this code, the loop is found to be as it was: what shows the change is the guest's fence.
    if (at === LOOP) bed.enter(mode, LOOP, { a0: HOT });
    expect(bed.enter(mode, STORE, { s0: at, s1: value }).cause).toBe(ECALL[mode]);
  }

  const STORES: readonly (readonly [name: string, stores: string, value: bigint | number])[] = [
    ['a word', 'sw s1, (s0)', added(2)],
    ['a double word', 'sd s1, (s0)', both(3)],
    ['a halfword', 'sh s1, 2(s0)', added(4) >>> 16],
    ['a byte', 'sb s1, 2(s0)', (added(5) >>> 16) & 0xff],
    ['a misaligned double word', 'sd s1, -3(s0)', both(6) << 24n],
    ['a misaligned word', 'sw s1, 1(s0)', BigInt.asUintN(32, both(7) >> 8n)],
    ['AMOSWAP', 'amoswap.w t0, s1, (s0)', added(8)],
    ['AMOADD', 'amoadd.d t0, s1, (s0)', both(9) - both(8)],
    ['SC', 'lr.w t0, (s0)\n sc.w t0, s1, (s0)', added(10)],
    ['a double-word SC', 'lr.d t0, (s0)\n sc.d t0, s1, (s0)', both(11)],
    ['FSD', 'fmv.d.x fa0, s1\n fsd fa0, (s0)', both(12)],
    ['FSW', 'fmv.w.x fa0, s1\n fsw fa0, (s0)', added(13)],
  ];

  test.each(['M', 'S', 'VS'] as const)('in %s by stores of all kinds', (mode) => {
    const bed = bedWithLoop();
    expect(step(bed, mode)).toBe(1);
    for (const [index, [name, stores, value]] of STORES.entries()) {
      store(bed, mode, stores, value);
      expect(step(bed, mode), name).toBe(index + 2);
    }
    store(bed, mode, 'cbo.zero (s0)', 0);
    const trap = bed.enter(mode, LOOP, { a0: HOT });
    expect(trap).toMatchObject({ cause: CAUSE.illegalInstruction, epc: BigInt(LOOP), tval: 0n });
    expect(bed.compiled).toBeGreaterThan(HOT * STORES.length);
  });

  // xv6 loads programs into pages that had others, and never says FENCE.I.
  test.each(['M', 'S', 'VS'] as const)('and also behind a fence of all translations, in %s', (mode) => {
    const bed = bedWithLoop();
    expect(step(bed, mode)).toBe(1);
    for (const [index, fence] of ['sfence.vma', 'sinval.vma x0, x0', 'sfence.vma'].entries()) {
      store(bed, mode, 'sw s1, (s0)', added(index + 2), LOOP, fence);
      expect(step(bed, mode)).toBe(index + 2);
    }
  });

  test('by a store to another address of the same page, and the other way round', () => {
    const bed = bedWithLoop();
    const alias = ALIAS + BigInt(LOOP - PAGES);
    expect([step(bed, 'S'), step(bed, 'S', alias)]).toEqual([1, 1]);
    store(bed, 'S', 'sw s1, (s0)', added(2), alias);
    expect([step(bed, 'S'), step(bed, 'S', alias)]).toEqual([2, 2]);
    store(bed, 'S', 'sw s1, (s0)', added(3), LOOP);
    expect([step(bed, 'S', alias), step(bed, 'S')]).toEqual([3, 3]);
  });

  test('by a guest that stores through its hypervisor’s address', () => {
    const bed = bedWithLoop();
    const hsv = 'hsv.w s1, (s0)';
    bed.setCsr('hstatus', 1n << 8n);
    expect(step(bed, 'VS')).toBe(1);
    store(bed, 'S', hsv, added(2));
    expect(step(bed, 'VS')).toBe(2);
  });

  test('by a misaligned store that changes the ends of two pages', () => {
    const bed = new TrapBed();
    const border = PAGES + PAGE;
    bed.load(CODE, border - 2);
    expect(step(bed, 'S', border - 2)).toBe(1);
    store(bed, 'S', 'sw s1, (s0)', added(2), border - 2);
    expect(step(bed, 'S', border - 2)).toBe(2);
  });

  test('by itself in each turn', () => {
    const bed = new TrapBed();
    bed.load(
      `la t0, changed
       li t3, ${added(0)}
    1: andi t1, a0, 15
       slli t2, t1, 20
       or t2, t2, t3
       sw t2, (t0)
       fence.i
       .balign 4
    changed: addi a1, a1, 0
       add a2, a2, t1
       addi a0, a0, -1
       bnez a0, 1b
       ecall`,
      STORE,
    );
    bed.enter('S', STORE, { a0: 500, a1: 0, a2: 0 });
    expect(bed.x('a1')).toBe(bed.x('a2'));
    expect(bed.x('a2')).toBe(BigInt(31 * 120 + (4 * 5) / 2));
  });
});
