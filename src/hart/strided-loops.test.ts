/** Loops whose memory accesses are checked for many turns at once, in lock step with the interpreter. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, PTE } from '../../test/hart/hart-bed.ts';
import { DATA, END, ON_ECALL, PagingBed, VIRTUAL } from '../../test/hart/paging-bed.ts';
import { CAUSE } from './exceptions.ts';

/** Pages of {@link VIRTUAL} that are mapped, to physical pages in another order. */
const PAGES = 8;
const ORDER = [5, 2, 7, 0, 3, 6, 1, 4];

function mappedBed(flags: (page: number) => number = () => PTE.all): PagingBed {
  const bed = new PagingBed();
  for (let page = 0; page < PAGES; page++) bed.map(page, DATA + ORDER[page] * PAGE, flags(page));
  return bed;
}

/** The first quadword of the data, with numbers that tell where they are. */
function fill(bed: PagingBed): void {
  for (let at = 0; at < PAGES * PAGE; at += 8) bed.write64(DATA + at, BigInt(at) * 0x0101_0101n + 1n);
}

describe('a loop that moves its pointers', () => {
  test('goes on in the next page, which is elsewhere', () => {
    const bed = mappedBed();
    for (let at = 0; at < PAGES * PAGE; at += 8) {
      bed.write64(DATA + ORDER[Math.floor(at / PAGE)] * PAGE + (at % PAGE), BigInt(at));
    }
    const turns = (PAGES * PAGE) / 8;
    const result = bed.supervisor(
      `li s0, ${VIRTUAL}
       li s1, ${turns}
       li a0, 0
    1: ld t0, (s0)
       add a0, a0, t0
       addi s0, s0, 8
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      ON_ECALL,
    );
    expect(result).toBe((8 * turns * (turns - 1)) / 2);
    expect(bed.compiled).toBeGreaterThan(turns * 4);
  });

  test.each([
    ['loads upwards', PTE.all & ~PTE.r, 'ld t0, (s0)', 8, 0, CAUSE.loadPageFault],
    ['stores upwards', PTE.all & ~PTE.w, 'sd s1, (s0)', 8, 0, CAUSE.storePageFault],
    ['loads downwards', PTE.all & ~PTE.r, 'lw t0, (s0)', -4, 7 * PAGE, CAUSE.loadPageFault],
    ['stores downwards', PTE.all & ~PTE.w, 'sh s1, (s0)', -2, 7 * PAGE, CAUSE.storePageFault],
  ])(
    'faults at the first address that it must not touch: %s',
    (_name, flags, access, stride, from, cause) => {
      const forbidden = 3;
      // A page without R but with W is reserved.
      const bed = mappedBed((page) =>
        page !== forbidden ? PTE.all : cause === CAUSE.loadPageFault ? 0 : flags,
      );
      const result = bed.supervisor(
        `li s0, ${VIRTUAL + from}
       li s1, 20000
    1: ${access}
       addi s0, s0, ${stride}
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      );
      const first = VIRTUAL + forbidden * PAGE + (stride > 0 ? 0 : PAGE + stride);
      expect(result).toBe(cause);
      expect(bed.x('a1')).toBe(BigInt(first));
      expect(bed.x('s0')).toBe(BigInt(first));
      expect(bed.compiled).toBeGreaterThan(1000);
    },
  );

  test('does not touch what a turn that ends early would have touched', () => {
    // The page behind the last quadword is not mapped; the loop ends before it gets there.
    const bed = mappedBed((page) => (page < 2 ? PTE.all : 0));
    fill(bed);
    const result = bed.supervisor(
      `li s2, 50
    again:
       li s0, ${VIRTUAL}
       li s1, ${VIRTUAL + 2 * PAGE}
       li a0, 0
    1: beq s0, s1, 2f
       ld t0, (s0)
       addi s0, s0, 8
       addi a0, a0, 1
       j 1b
    2: addi s2, s2, -1
       bnez s2, again
       ${END}`,
      ON_ECALL,
    );
    expect(result).toBe(PAGE / 4);
  });

  test('leaves in time for one who asks', () => {
    const bed = mappedBed();
    bed.load(`
      li s0, ${DATA}
      li a0, 0
    1: lbu t0, (s0)
      addi s0, s0, 1
      addi a0, a0, 1
      slli t1, a0, 52
      bnez t1, 1b
      li s0, ${DATA}
      j 1b`);
    bed.run(1_000_000);
    const before = bed.hart.instructions;
    bed.run(10_000);
    expect(bed.hart.instructions - before).toBeLessThan(30_000);
  });
});

describe('a turn that "moves" x0, by a HINT, and could access memory through it,', () => {
  const TURNS = 3000;
  const LOOP = `
      li s0, ${TURNS}
      li a0, 0
      li a1, 0
    1: addi zero, zero, 8
      beqz a1, 2f
      lw a2, (zero)
      bnez a2, 1b
    2: addi a0, a0, 1
      beqz a0, 3f
    3: addi s0, s0, -1
      bnez s0, 1b`;

  test('is compiled, for M-mode', () => {
    const bed = new HartBed({ engine: 'lockstep' }).load(`${LOOP}\n${FINISH}`);
    expect(bed.finish()).toBe(TURNS);
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(TURNS * 3);
  });

  test('is compiled, for an unprivileged program', () => {
    const bed = new HartBed({ engine: 'lockstep' });
    bed
      .both(({ pmp }) => pmp.allowAll())
      .load(`
      la t0, trapped
      csrw mtvec, t0
      la t0, user
      csrw mepc, t0
      mret
    user:
      ${LOOP}
      ecall
      .balign 4
    trapped:
      ${FINISH}`);
    expect(bed.finish()).toBe(TURNS);
    expect(bed.csr('mcause')).toBe(BigInt(CAUSE.ecallFromU));
    expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(TURNS * 3);
  });
});

/** One step of a turn: an access through a pointer, or moving one. */
interface Step {
  /** The last one is x0. */
  readonly pointer: number;
  readonly access: 'lb' | 'lhu' | 'lw' | 'ld' | 'sb' | 'sh' | 'sw' | 'sd' | 'move';
  readonly imm: number;
  /** Only in turns in which this bit of the count is set. */
  readonly bit: number | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  pointer: fc.constantFrom(0, 1, 2, 0, 1, 2, 0, 1, 2, 3),
  access: fc.constantFrom('lb', 'lhu', 'lw', 'ld', 'sb', 'sh', 'sw', 'sd', 'move', 'move'),
  imm: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(-64, -32, 16, 24, 40, 64, 88, 120)),
  bit: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 3 }),
});

const program = fc.record({
  steps: fc.array(step, { minLength: 2, maxLength: 10 }),
  starts: fc.array(fc.integer({ min: 0, max: PAGES * PAGE }), { minLength: 3, maxLength: 3 }),
  aligned: fc.boolean(),
  turns: fc.integer({ min: 1, max: 700 }),
  /** Where the outer loop jumps into the inner one's body. */
  missing: fc.integer({ min: 0, max: PAGES * 2 }),
  readOnly: fc.integer({ min: 0, max: PAGES * 2 }),
});

function instructionsOf({ pointer, access, imm, bit }: Step, index: number): string {
  const register = pointer < 3 ? `s${pointer + 2}` : 'zero';
  const what = {
    move: `addi ${register}, ${register}, ${imm}`,
    load: `${access} t0, ${imm}(${register})\n add a2, a2, t0`,
    store: `${access} a2, ${imm}(${register})`,
  }[access === 'move' ? 'move' : access.startsWith('l') ? 'load' : 'store'];
  if (bit === undefined) return what;
  return `andi t1, s1, ${1 << bit}\n beqz t1, skip${index}\n ${what}\n skip${index}:`;
}

test('any loop does what the interpreter does', () => {
  fc.assert(
    fc.property(program, ({ steps, starts, aligned, turns, missing, readOnly }) => {
      const bed = mappedBed((page) =>
        page === missing ? 0 : page === readOnly ? PTE.all & ~PTE.w : PTE.all,
      );
      fill(bed);
      const start = (index: number) => VIRTUAL + (aligned ? starts[index] & ~7 : starts[index]);
      // Faulting instructions are stepped over; how many, and where, is summed up.
      bed.supervisor(
        `.option norvc
         li s0, 6
         li a2, 0
         li a4, 0
      again:
         ${[0, 1, 2].map((index) => `li s${index + 2}, ${start(index)}`).join('\n')}
         li s1, ${turns}
      1: ${steps.map(instructionsOf).join('\n')}
         addi s1, s1, -1
         bnez s1, 1b
         addi s0, s0, -1
         bnez s0, again
         ${END}`,
        `${ON_ECALL}
         csrr t5, mtval
         add a4, a4, t5
         csrr t5, mepc
         addi t5, t5, 4
         csrw mepc, t5
         mret`,
      );
    }),
    { numRuns: 60 },
  );
});
