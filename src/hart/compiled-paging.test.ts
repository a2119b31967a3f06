/** Compiled code while translations change, each program in lock step with the interpreter. */
import { describe, expect, test } from 'vitest';
import { PAGE, PTE } from '../../test/hart/hart-bed.ts';
import {
  CODE,
  DATA,
  END,
  entryOf,
  entryValue,
  ON_ECALL,
  PagingBed,
  satp,
  TABLES,
  VIRTUAL,
} from '../../test/hart/paging-bed.ts';
import { CAUSE } from './exceptions.ts';

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

  test('that lie in another order in memory have their own contents when pointers lead through them', () => {
    const PAGES = 4;
    const bed = new PagingBed();
    // From the last page to the first one in memory, by pointers that go up and down, with a number behind each.
    for (let page = 0; page < PAGES; page++) {
      const target = DATA + ((page * 3) % PAGES) * PAGE;
      bed.map(page, target);
      bed.write64(target + 64, BigInt(VIRTUAL + ((page + 1) % PAGES) * PAGE + 128));
      bed.write64(target + 128, BigInt(VIRTUAL + page * PAGE + 64));
      bed.write64(target + 136, BigInt(10 ** page));
    }
    const result = bed.supervisor(
      `li s0, ${VIRTUAL + 128}
       li s1, 2000
       li a0, 0
    1: ld t0, 8(s0)
       ld t1, 0(s0)
       add a0, a0, t0
       sd s1, 24(s0)
       ld s0, (t1)
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      ON_ECALL,
    );
    expect(result).toBe((2000 / PAGES) * 1111);
    for (let page = 0; page < PAGES; page++) {
      expect(bed.read64(DATA + ((page * 3) % PAGES) * PAGE + 152)).toBe(BigInt(PAGES - page));
    }
    expect(bed.compiled).toBeGreaterThan(5000);
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
