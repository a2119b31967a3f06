/** Compiled code while translations change, each program in lock step with the interpreter. */
import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { CAUSE } from './exceptions.ts';

const TABLES = [RAM + 0x4_0000, RAM + 0x5_0000] as const;
const DATA = RAM + 0x10_0000;
const CODE = RAM + 0x18_0000;
const VIRTUAL = 0x4000_0000;

const entryValue = (target: number, flags: number = PTE.all): bigint =>
  (BigInt(target >>> 12) << 10n) | BigInt(flags);

/** Sv39 tables: RAM where it is, and pages from {@link VIRTUAL} on; all in lock step. */
class PagingBed extends HartBed {
  constructor() {
    super({ engine: 'lockstep' });
    this.both(({ pmp }) => pmp.allowAll());
    for (const tables of TABLES) {
      this.setEntry(tables, RAM / 2 ** 30, RAM, PTE.all);
      this.setEntry(tables, VIRTUAL / 2 ** 30, tables + 4 * PAGE, PTE.v);
      this.setEntry(tables + 4 * PAGE, 0, tables + 5 * PAGE, PTE.v);
    }
  }

  map(page: number, target: number, flags: number = PTE.all, tables: number = TABLES[0]): this {
    this.setEntry(tables + 5 * PAGE, page, target, flags);
    return this;
  }

  /** Runs `body` in S-mode; traps go to `handler` in M-mode, which ends with mret unless it ends the program. */
  supervisor(body: string, handler = `csrr a0, mcause\ncsrr a1, mtval\n${FINISH}`): number {
    this.load(`
      la t0, trapped
      csrw mtvec, t0
      li t0, ${satp(0)}
      csrw satp, t0
      li t0, 0x800
      csrw mstatus, t0
      la t0, body
      csrw mepc, t0
      mret
    body:
      ${body}
      ${FINISH}
      .balign 4
    trapped:
      ${handler}`);
    return this.finish(400_000);
  }

  get compiled(): number {
    return this.hart.regionStatistics?.retired ?? 0;
  }
}

/** The value of satp for the tables of that number, which have an ASID each. */
const satp = (number: 0 | 1): bigint =>
  (8n << 60n) | (BigInt(number + 1) << 44n) | BigInt(TABLES[number] >>> 12);
const entryOf = (page: number): number => TABLES[0] + 5 * PAGE + page * 8;

/** The finisher is no memory, so that programs in S-mode with paging need it mapped: an ecall ends them instead. */
const END = 'ecall';
const ON_ECALL = `
  csrr t5, mcause
  addi t5, t5, -9
  bnez t5, other
  ${FINISH}
other:`;

describe('pages of data', () => {
  test('that move under a hot loop are seen after sfence.vma', () => {
    const bed = new PagingBed().map(0, DATA);
    bed.write64(DATA, 1n);
    bed.write64(DATA + PAGE, 1000n);
    const result = bed.supervisor(
      `li s0, ${VIRTUAL}
       li s1, ${entryOf(0)}
       li s2, ${entryValue(DATA)}
       li s3, ${entryValue(DATA + PAGE)}
       li s4, 40
       li a0, 0
    again:
       li t1, 30
    1: ld t0, (s0)
       add a0, a0, t0
       addi t1, t1, -1
       bnez t1, 1b
       andi t2, s4, 1
       mv t3, s2
       bnez t2, 2f
       mv t3, s3
    2: sd t3, (s1)
       sfence.vma s0
       addi s4, s4, -1
       bnez s4, again
       ${END}`,
      ON_ECALL,
    );
    expect(result % 30).toBe(0);
    expect(result / 30).toBe(20 * 1000 + 20);
    expect(bed.compiled).toBeGreaterThan(2000);
  });

  test('that lose their permission fault in a hot loop, precisely', () => {
    const bed = new PagingBed().map(0, DATA);
    const result = bed.supervisor(
      `li s0, ${VIRTUAL}
       li s1, ${entryOf(0)}
       li s2, ${entryValue(DATA, PTE.all & ~PTE.w)}
       li s4, 500
       li a2, 0
    1: ld t0, 8(s0)
       addi a2, a2, 1
       sd a2, 16(s0)
       addi s4, s4, -1
       li t1, 100
       bne s4, t1, 2f
       sd s2, (s1)
       sfence.vma
    2: bnez s4, 1b
       ${END}`,
    );
    expect(result).toBe(CAUSE.storePageFault);
    expect(bed.x('a1')).toBe(BigInt(VIRTUAL + 16));
    expect(bed.x('a2')).toBe(401n);
    expect(bed.read64(DATA + 16)).toBe(400n);
  });

  test.each([
    ['at the end of a page, the next of which is not there', 0, CAUSE.loadPageFault],
    ['at the end of a page, the next of which may only be read', PTE.v | PTE.r | PTE.a, CAUSE.storePageFault],
  ])('with neighbouring accesses %s', (_, flags, cause) => {
    const bed = new PagingBed().map(0, DATA).map(1, DATA + 4 * PAGE, flags);
    bed.supervisor(
      `li s0, ${VIRTUAL}
       li s4, 300
       li a2, 0
       li a5, 0
       li t4, 7
    1: andi t0, s4, 15
       mv s1, s0
       bnez t0, 2f
       li t1, ${PAGE - 16}
       add s1, s0, t1
    2: ld t1, 0(s1)
       addi a2, a2, 1
       ld t2, 8(s1)
       addi a2, a2, 1
       ld t3, 16(s1)
       addi a2, a2, 1
       sd a2, 24(s1)
       addi s4, s4, -1
       bnez s4, 1b
       ${END}`,
      `${ON_ECALL}
       addi a5, a5, 1
       csrr a3, mcause
       csrr a4, mtval
       csrr t5, mepc
       addi t5, t5, 4
       csrw mepc, t5
       mret`,
    );
    const accesses = cause === CAUSE.loadPageFault ? 2 : 1;
    expect(bed.x('a5')).toBe(BigInt(18 * accesses));
    expect(bed.x('a3')).toBe(BigInt(CAUSE.storePageFault));
    expect(bed.x('a4')).toBe(BigInt(VIRTUAL + PAGE + 8));
    expect(bed.compiled).toBeGreaterThan(1000);
  });
});

describe('pages of code', () => {
  /** Two functions, for the same virtual address. */
  function withFunctions(): PagingBed {
    const bed = new PagingBed();
    bed.load('addi a0, a0, 1\nret', CODE);
    bed.load('addi a0, a0, 100\nret', CODE + PAGE);
    return bed;
  }

  test('are other ones in another address space', () => {
    const bed = withFunctions()
      .map(0, CODE)
      .map(0, CODE + PAGE, PTE.all, TABLES[1]);
    const result = bed.supervisor(
      `li s0, ${VIRTUAL}
       li s1, ${satp(0)}
       li s2, ${satp(1)}
       li s4, 40
       li a0, 0
    again:
       li t1, 30
    1: jalr s0
       addi t1, t1, -1
       bnez t1, 1b
       csrr t2, satp
       mv t3, s1
       bne t2, s1, 2f
       mv t3, s2
    2: csrw satp, t3
       addi s4, s4, -1
       bnez s4, again
       ${END}`,
      ON_ECALL,
    );
    expect(result).toBe(30 * 20 * 101);
    expect(bed.compiled).toBeGreaterThan(2000);
  });

  test('that are moved are called where they are after sfence.vma, also from code that has them in place', () => {
    const bed = withFunctions().map(0, CODE).map(1, CODE);
    // The caller stands in the page before, so that the function is within its reach.
    bed.load(
      `li t1, 30
    1: jal ra, . + ${PAGE - 4}
       addi t1, t1, -1
       bnez t1, 1b
       jr s5`,
      DATA,
    );
    bed.map(0, DATA);
    const result = bed.supervisor(
      `li s0, ${VIRTUAL}
       li s1, ${entryOf(1)}
       li s2, ${entryValue(CODE)}
       li s3, ${entryValue(CODE + PAGE)}
       li s4, 40
       li a0, 0
    again:
       jalr s5, 0(s0)
       andi t2, s4, 1
       mv t3, s2
       bnez t2, 2f
       mv t3, s3
    2: sd t3, (s1)
       li t4, ${VIRTUAL + PAGE}
       sfence.vma t4
       addi s4, s4, -1
       bnez s4, again
       ${END}`,
      ON_ECALL,
    );
    expect(result).toBe(30 * (20 * 100 + 20));
    expect(bed.compiled).toBeGreaterThan(2000);
  });

  test('that are no longer executable fault when they are called', () => {
    const bed = withFunctions().map(0, CODE);
    const result = bed.supervisor(
      `li s0, ${VIRTUAL}
       li s1, ${entryOf(0)}
       li s2, ${entryValue(CODE, PTE.all & ~PTE.x)}
       li s4, 500
       li a2, 0
    1: jalr s0
       addi s4, s4, -1
       li t1, 100
       bne s4, t1, 2f
       sd s2, (s1)
       sfence.vma
    2: bnez s4, 1b
       ${END}`,
    );
    expect(result).toBe(CAUSE.fetchPageFault);
    expect(bed.x('a1')).toBe(BigInt(VIRTUAL));
    expect(bed.x('s4')).toBe(100n);
  });
});
