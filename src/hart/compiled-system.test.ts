/** System instructions that do not end a region, in lock step with the interpreter. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAGE, PTE } from '../../test/hart/hart-bed.ts';
import { DATA, END, ON_ECALL, PagingBed, VIRTUAL } from '../../test/hart/paging-bed.ts';
import { CAUSE } from './exceptions.ts';

const PAGES = 4;
/** The page that only U-mode may access, unless SUM is set. */
const USER_PAGE = 2;
const SUM = 0x4_0000;
const CBZE = 1n << 7n;

/** Traps other than ecall step over the instruction; causes and addresses are summed up in a4. */
const STEP_OVER = `${ON_ECALL}
  csrr t5, mcause
  add a4, a4, t5
  csrr t5, mtval
  add a4, a4, t5
  csrr t5, mepc
  addi t5, t5, 4
  csrw mepc, t5
  mret`;

function mappedBed(missing = -1): PagingBed {
  const bed = new PagingBed();
  for (let page = 0; page < PAGES; page++) {
    const flags = page === USER_PAGE ? PTE.all | PTE.u : PTE.all;
    bed.map(page, DATA + page * PAGE, page === missing ? 0 : flags);
  }
  for (let at = 0; at < PAGES * PAGE; at += 8) bed.write64(DATA + at, BigInt(at) * 0x0101_0101n + 1n);
  return bed;
}

/** Instructions that compiled code retires for each time it is left. */
function stay(bed: PagingBed): number {
  const { exits, retired } = bed.hart.regionStatistics ?? { exits: {}, retired: 0 };
  const left = Object.values(exits).reduce((sum, count) => sum + count, 0);
  return left === 0 ? 0 : retired / left;
}

describe('compiled code', () => {
  test('zeroes blocks', () => {
    const bed = mappedBed();
    bed.setCsr('menvcfg', CBZE);
    bed.supervisor(
      `li s1, 40
    1: li s0, ${VIRTUAL}
       li s2, ${VIRTUAL + 2 * PAGE}
    2: cbo.zero (s0)
       addi s0, s0, 64
       bltu s0, s2, 2b
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      ON_ECALL,
    );
    for (let at = 0; at < 2 * PAGE; at += 8) expect(bed.read64(DATA + at)).toBe(0n);
    expect(bed.read64(DATA + 2 * PAGE)).not.toBe(0n);
    expect(stay(bed)).toBeGreaterThan(20);
  });

  test('masks interrupts and keeps what it needs in CSRs', () => {
    const bed = mappedBed();
    const result = bed.supervisor(
      `li s1, 500
       li a0, 0
    1: csrrci s2, sstatus, 2
       csrrw s3, sscratch, s1
       csrr s4, sscratch
       add a0, a0, s4
       andi s2, s2, 2
       csrs sstatus, s2
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      ON_ECALL,
    );
    expect(result).toBe((500 * 501) / 2);
    expect(stay(bed)).toBeGreaterThan(50);
  });

  test('looks again at what SUM forbids', () => {
    const bed = mappedBed();
    const result = bed.supervisor(
      `li s1, 300
       li s2, ${SUM}
       li s3, ${VIRTUAL + USER_PAGE * PAGE}
       li a0, 0
       csrs sstatus, s2
    1: ld t0, (s3)
       csrc sstatus, s2
       ld t0, (s3)
       csrs sstatus, s2
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      `${ON_ECALL}
       csrr t5, mcause
       addi t5, t5, -${CAUSE.loadPageFault}
       bnez t5, 2f
       addi a0, a0, 1
    2: csrr t5, mepc
       addi t5, t5, 4
       csrw mepc, t5
       mret`,
    );
    expect(result).toBe(300);
  });

  test('stays compiled where SUM changes around a copy, as in the copies of kernels', () => {
    const bed = mappedBed();
    bed.supervisor(
      `li s1, 2000
       li s2, ${SUM}
       li s3, ${VIRTUAL + USER_PAGE * PAGE}
    1: csrs sstatus, s2
       ld t0, (s3)
       ld t1, 8(s3)
       addi t0, t0, 1
       sd t0, 16(s3)
       sd t1, 24(s3)
       csrc sstatus, s2
       addi s1, s1, -1
       bnez s1, 1b
       ${END}`,
      ON_ECALL,
    );
    const page = DATA + USER_PAGE * PAGE;
    expect(bed.read64(page + 16)).toBe(bed.read64(page) + 1n);
    expect(stay(bed)).toBeGreaterThan(100);
    expect(bed.hart.regionStatistics?.compiled).toBeLessThan(6);
  });
});

const REGISTERS = ['s2', 's3', 's4', 's5'] as const;
const register = fc.constantFrom(...REGISTERS, 'zero');
const change = fc.constantFrom('csrrw', 'csrrs', 'csrrc');
const trapCsr = fc.constantFrom('sscratch', 'sepc', 'scause', 'stval');
const status = fc.constantFrom('sstatus', 'sstatus', 'sstatus', 'mstatus');
const offset = fc.nat(PAGE / 64 - 1).map((block) => block * 64);

/** An instruction of the loop; s6 to s9 point to the pages. */
const step = fc.oneof(
  fc
    .tuple(change, register, trapCsr, register)
    .map(([name, rd, csr, rs1]) => `${name} ${rd}, ${csr}, ${rs1}`),
  fc.tuple(change, register, status, register).map(([name, rd, csr, rs1]) => `${name} ${rd}, ${csr}, ${rs1}`),
  fc
    .tuple(change, register, fc.oneof(status, trapCsr), fc.nat(31))
    .map(([name, rd, csr, imm]) => `${name}i ${rd}, ${csr}, ${imm}`),
  register.map((rd) => `csrrs ${rd}, time, zero`),
  fc.nat(PAGES - 1).map((page) => `cbo.zero (s${page + 6})`),
  fc.tuple(register, fc.nat(PAGES - 1), offset).map(([rd, page, at]) => `ld ${rd}, ${at >> 1}(s${page + 6})`),
  fc
    .tuple(register, fc.nat(PAGES - 1), offset)
    .map(([rs2, page, at]) => `sd ${rs2}, ${at >> 1}(s${page + 6})`),
  fc.tuple(register, register, register).map(([rd, rs1, rs2]) => `add ${rd}, ${rs1}, ${rs2}`),
);

const program = fc.record({
  steps: fc.array(step, { minLength: 3, maxLength: 24 }),
  values: fc.tuple(
    ...REGISTERS.map(() =>
      fc.oneof(fc.constantFrom(SUM, 2, 0x22, 0x102, 0x6000, SUM | 2, 0x8_0000), fc.integer({ min: 0 })),
    ),
  ),
  mayZero: fc.boolean(),
  turns: fc.integer({ min: 10, max: 40 }),
  missing: fc.integer({ min: -2, max: PAGES - 1 }),
});

test('any loop of system instructions does what the interpreter does', () => {
  let compiled = 0;
  fc.assert(
    fc.property(program, ({ steps, values, mayZero, turns, missing }) => {
      const bed = mappedBed(missing);
      if (mayZero) bed.setCsr('menvcfg', CBZE);
      bed.supervisor(
        `.option norvc
         li a4, 0
         li s1, ${turns}
         ${Array.from({ length: PAGES }, (_, page) => `li s${page + 6}, ${VIRTUAL + page * PAGE}`).join('\n')}
      1: ${REGISTERS.map((name, index) => `li ${name}, ${values[index]}`).join('\n')}
         ${steps.join('\n')}
         addi s1, s1, -1
         bnez s1, 1b
         ${END}`,
        STEP_OVER,
      );
      compiled += bed.compiled;
    }),
    { numRuns: 60 },
  );
  expect(compiled).toBeGreaterThan(1000);
});
