import { describe, expect, test, vi } from 'vitest';
import { FINISH, HartBed, PTE, RAM } from '../../../test/hart/hart-bed.ts';

const HANDLER = RAM + 0x1000;
const MSIP = 8;
const MIE = 8n;
const MPP = 3n << 11n;

/** A hart in M-mode whose software interrupt is enabled in mie; the handler ends with a0 = mepc - RAM. */
function inMachine(program: string): HartBed {
  const bed = new HartBed();
  bed.load(`${program}\n li a0, -1\n ${FINISH}`);
  bed.load(`csrr a0, mepc\n li t0, ${RAM}\n sub a0, a0, t0\n ${FINISH}`, HANDLER);
  bed.hart.pmp.allowAll();
  bed.setCsr('mtvec', BigInt(HANDLER));
  return bed;
}

/** How often TypeScript is asked to carry out a system instruction while a program runs. */
function systemCalls(bed: HartBed): number {
  const execute = vi.spyOn(bed.hart.privileged, 'execute');
  bed.finish();
  return execute.mock.calls.length;
}

describe('an interrupt that waits for M-mode', () => {
  test.each([
    ['MIE set by csrsi', 'csrsi mstatus, 8', 24],
    ['MIE set by csrs', 'csrs mstatus, a2', 24],
    ['MIE set by csrw', 'csrw mstatus, a2', 24],
    ['mie, with MIE set before', 'csrw mie, x0\n csrsi mstatus, 8\n nop\n csrsi mie, 8', 36],
    ['mie and then MIE', 'csrw mie, x0\n csrsi mie, 8\n nop\n csrsi mstatus, 8', 36],
  ])('is taken right behind %s', (_, enable, mepc) => {
    const bed = inMachine(`
      csrsi mie, 8
      csrw mscratch, a0
      csrr a1, mcause
      csrci mstatus, 8
      csrr a1, mstatus
      ${enable}
      nop`);
    bed.lines = MSIP;
    bed.setX('a2', MIE);
    expect(bed.finish()).toBe(mepc);
  });

  test.each([
    ['with MPIE, to M-mode', MPP | 0x80n],
    ['to S-mode', 1n << 11n],
    ['to U-mode', 0n],
  ])('is taken at the target of MRET %s', (_, status) => {
    const bed = inMachine('csrsi mie, 8\n csrw mepc, a3\n csrw mstatus, a2\n mret');
    bed.lines = MSIP;
    bed.setX('a2', status);
    bed.setX('a3', BigInt(RAM + 0x800));
    expect(bed.finish()).toBe(0x800);
  });
});

describe('is left to generated code:', () => {
  const TURNS = 100;
  const loop = (body: string): string => `li s0, ${TURNS}\n 1: ${body}\n addi s0, s0, -1\n bnez s0, 1b`;

  test.each([
    ['interrupts off and on', 'csrrci a1, mstatus, 8\n csrw mstatus, a1'],
    [
      'what a trap handler reads and writes',
      'csrr a1, mepc\n csrr a1, mcause\n csrrw a1, mscratch, a1\n csrr a1, mtval',
    ],
    ['its own number', 'csrr a1, mhartid\n csrr a1, mcycle\n csrr a1, minstret'],
    ['interrupts chosen', 'csrci mie, 8\n csrsi mie, 8'],
  ])('%s', (_, body) => {
    const bed = inMachine(`csrr a1, mip\n ${loop(body)}`);
    bed.lines = 0x200;
    bed.setCsr('mie', 0xaaan);
    // The first, and an enabled interrupt of M-mode that TypeScript alone looks for.
    expect(systemCalls(bed)).toBeLessThan(10);
  });

  test.each([
    ['M-mode', MPP],
    ['S-mode', 1n << 11n],
    ['U-mode', 0n],
  ])('a call of M-mode from %s, and its return', (_, mpp) => {
    const bed = inMachine(
      `la t0, body\n csrw mepc, t0\n csrw mstatus, a2\n mret\n body: ${loop('ecall')}\n sw a0, (x0)`,
    );
    bed.setX('a2', mpp);
    bed.load(
      `csrr t0, mcause
      addi t0, t0, -7
      beqz t0, 1f
      csrr t0, mepc
      addi t0, t0, 4
      csrw mepc, t0
      mret
      1: ${FINISH}`,
      HANDLER,
    );
    expect(systemCalls(bed)).toBeLessThan(10);
    expect(bed.csr('mcause')).toBe(7n);
  });
});

test('MRET leads into the address space that M-mode has just chosen', () => {
  const TABLES = RAM + 0x2_0000;
  const bed = inMachine('');
  // Two address spaces, which have different pages at 1 GiB.
  for (const space of [0, 1]) {
    const root = TABLES + space * 0x1000;
    bed.setEntry(root, RAM / 2 ** 30, RAM, PTE.all);
    bed.setEntry(root, 1, RAM, PTE.all);
    bed.setX(`s${2 + space}`, (8n << 60n) | (BigInt(space) << 44n) | BigInt(root >>> 12));
  }
  // In the second one, code and data at 1 GiB are those of a table that is not there.
  bed.setEntry(TABLES + 0x1000, 1, 0, 0);
  bed.load(`
    csrw satp, s2
    li s0, 0
    la t0, handler
    csrw mtvec, t0
    again: li t0, 0x800
    csrs mstatus, t0
    la t0, visit
    csrw mepc, t0
    mret
    visit: li t1, 0x40000000
    ld a1, (t1)
    ecall
    .balign 4
    handler: csrr t0, mcause
    addi s0, s0, 1
    li t1, 4
    bgeu s0, t1, done
    li t1, 3
    bne s0, t1, again
    csrw satp, s3
    j again
    done: mv a0, t0
    ${FINISH}`);
  // The first three visits end with calls, the fourth with a page fault.
  expect(bed.finish()).toBe(13);
});
