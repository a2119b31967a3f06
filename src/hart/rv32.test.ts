import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, interpreter, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { ON_ECALL } from '../../test/hart/paging-bed.ts';
import { generateInterpreter } from './interpreter/generate.ts';

const ROOT = RAM + 0x4_0000;
const LEAVES = ROOT + 0x1000;
const HIGHEST = ROOT + 0x2000;
const DATA = RAM + 0x10_0000;
const CODE = RAM + 0x18_0000;
const MEGA = 0x40_0000;
/** Where programs see pages that tests map. */
const VIRTUAL = 0x4000_0000;

const withoutShortcuts = new WebAssembly.Module(
  generateInterpreter({ minimum: 1, maximum: 65536 }, 32, false),
);

/** The ways to carry out a program, which must come to the same. */
const WAYS = [
  { name: 'the interpreter', engine: 'interp', module: interpreter(32) },
  { name: 'the interpreter without shortcuts', engine: 'interp', module: withoutShortcuts },
  { name: 'compiled code in lock step', engine: 'lockstep', module: interpreter(32) },
] as const;
type Way = (typeof WAYS)[number];

/** A hart of RV32 with tables of Sv32: RAM where it is, pages from {@link VIRTUAL} on, and the last ones of all. */
class Bed32 extends HartBed {
  constructor({ engine, module }: Way, options: { readonly hsHost?: boolean } = {}) {
    super({ xlen: 32, engine, interpreter: module, ...options });
    this.both(({ pmp }) => pmp.allowAll());
    this.entry(ROOT, RAM / MEGA, RAM, PTE.all);
    this.entry(ROOT, VIRTUAL / MEGA, LEAVES, PTE.v);
    this.entry(ROOT, 0, LEAVES, PTE.v);
    this.entry(ROOT, 1023, HIGHEST, PTE.v);
  }

  entry(table: number, index: number, target: number, flags: number): this {
    this.write32(table + index * 4, ((target / PAGE) << 10) | flags);
    return this;
  }

  read32(address: number): number {
    return new DataView(this.memory.buffer).getUint32(this.hostOf(address), true);
  }

  /** Runs `body` in S-mode until an ecall; the result is in a0. Other traps end it with their cause there. */
  supervisor(body: string): number {
    this.load(`
      la t0, trapped
      csrw mtvec, t0
      li t0, ${2 ** 31 + ROOT / PAGE}
      csrw satp, t0
      li t0, 0x800
      csrw mstatus, t0
      la t0, body
      csrw mepc, t0
      mret
    body:
      ${body}
      ecall
      .balign 4
    trapped:
      ${ON_ECALL}
      csrr a0, mcause
      csrr a1, mtval
      csrr a2, mepc
      ${FINISH}`);
    return this.finish(400_000);
  }

  /** The low 32 bits of a register. */
  word(name: string): number {
    return Number(BigInt.asUintN(32, this.x(name)));
  }
}

describe.each(WAYS)('RV32 by $name', (way) => {
  test('computes in 32 bits', () => {
    const bed = new Bed32(way).load(`
      li s0, 300
    1: li a0, 0x7fffffff
      addi a1, a0, 1
      sub a2, zero, a1
      li a3, 33
      sll a4, a0, a3
      srl a5, a1, a3
      sra a6, a1, a3
      mulhu a7, a0, a0
      sltu s2, a0, a1
      slt s3, a0, a1
      addi s0, s0, -1
      bnez s0, 1b
      ${FINISH}`);
    bed.finish();
    const words = ['a1', 'a2', 'a4', 'a5', 'a6', 'a7', 's2', 's3'].map((name) => bed.word(name));
    expect(words).toEqual([
      0x8000_0000, 0x8000_0000, 0xffff_fffe, 0x4000_0000, 0xc000_0000, 0x3fff_ffff, 1, 0,
    ]);
  });

  test('has pages of 4 KiB and 4 MiB with marks of 32 bits', () => {
    const bed = new Bed32(way);
    bed.entry(LEAVES, 1, DATA, PTE.v | PTE.r | PTE.w);
    bed.entry(LEAVES, 2, DATA + PAGE, PTE.v | PTE.r);
    // The entry beside it must stay as it is.
    bed.entry(LEAVES, 3, 0, 0);
    bed.write32(DATA + 8, 1234);
    const result = bed.supervisor(`
      li t0, ${VIRTUAL + PAGE + 8}
      lw a0, 0(t0)
      sw a0, 4(t0)
      li t0, ${VIRTUAL + 2 * PAGE}
      lw a3, 0(t0)
      li t0, ${DATA + 12}
      lw a4, 0(t0)`);
    expect([result, bed.word('a4'), bed.read32(DATA + 12)]).toEqual([1234, 1234, 1234]);
    const marks = [1, 2, 3].map((index) => bed.read32(LEAVES + 4 * index) & (PTE.a | PTE.d));
    expect(marks).toEqual([PTE.a | PTE.d, PTE.a, 0]);
    expect(bed.read32(ROOT + (RAM / MEGA) * 4) & (PTE.a | PTE.d)).toBe(PTE.a | PTE.d);
  });

  test('a page fault tells the address, zero-extended', () => {
    const bed = new Bed32(way);
    expect(bed.supervisor(`li t0, -16\nlw a0, 0(t0)`)).toBe(13);
    expect(bed.x('a1')).toBe(0xffff_ffff_ffff_fff0n);
    expect(bed.raw('mtval')).toBe(0xffff_fff0n);
  });

  test('a misaligned superpage faults', () => {
    const bed = new Bed32(way).entry(ROOT, VIRTUAL / MEGA + 1, RAM + PAGE, PTE.all);
    expect(bed.supervisor(`li t0, ${VIRTUAL + MEGA}\nlw a0, 0(t0)`)).toBe(13);
  });

  test('a fence of an address makes a new superpage show in all of its pages', () => {
    const bed = new Bed32(way).entry(ROOT, VIRTUAL / MEGA + 1, RAM, PTE.all);
    bed.write32(DATA + 0x40, 1);
    bed.write32(DATA + PAGE + 0x40, 2);
    // 2 MiB of RAM, so that the second half of the superpage has nothing.
    const result = bed.supervisor(`
      li t0, ${VIRTUAL + MEGA + DATA - RAM + 0x40}
      li t1, ${PAGE}
      add t1, t1, t0
      lw a3, 0(t0)
      lw a4, 0(t1)
      li t2, ${ROOT + (VIRTUAL / MEGA + 1) * 4}
      sw zero, 0(t2)
      li t3, ${VIRTUAL + MEGA}
      sfence.vma t3
      lw a0, 0(t1)`);
    expect([result, bed.word('a3'), bed.word('a4')]).toEqual([13, 1, 2]);
  });

  test('the last address is followed by 0: code, instructions and accesses', () => {
    const bed = new Bed32(way);
    bed.entry(HIGHEST, 1023, CODE, PTE.all).entry(LEAVES, 0, CODE + PAGE, PTE.all);
    // An instruction of four bytes in the last two and the first two, then a return.
    bed.load('c.nop\nc.nop\nc.nop', CODE + PAGE - 8);
    const straddling = new DataView(new ArrayBuffer(4));
    straddling.setUint32(0, 0x0015_0513, true); // addi a0, a0, 1
    bed.write16(CODE + PAGE - 2, straddling.getUint16(0, true));
    bed.write16(CODE + PAGE, straddling.getUint16(2, true));
    bed.load('jalr s1, 0(ra)', CODE + PAGE + 2);
    const result = bed.supervisor(`
      li a0, 0
      li s0, 200
    1: li t0, -8
      jalr ra, 0(t0)
      addi s0, s0, -1
      bnez s0, 1b
      lw a3, -2(zero)
      li t0, -4
      lw a4, 6(t0)`);
    expect([result, bed.word('s1')]).toEqual([200, 6]);
    expect(bed.word('a3')).toBe(0x0015_0513);
    expect(bed.word('a4')).toBe(bed.read32(CODE + PAGE + 2));
  });

  test('calls and branches across the end of the address space', () => {
    const bed = new Bed32(way);
    bed.entry(HIGHEST, 1023, CODE, PTE.all).entry(LEAVES, 0, CODE + PAGE, PTE.all);
    // At the top: a jump to 0x10. There: a branch back to the top, then a return.
    bed.load(`jal s1, ${CODE + PAGE + 0x10}`, CODE + PAGE - 4);
    bed.load(`addi a0, a0, 1\nblt a0, a1, ${CODE + PAGE - 4}\nret`, CODE + PAGE + 0x10);
    const result = bed.supervisor(`
      li a0, 0
      li a1, 3000
      li t0, -4
      jalr ra, 0(t0)`);
    expect([result, bed.word('s1')]).toEqual([3000, 0]);
  });

  test('satp keeps its fields; MODE is bit 31', () => {
    const bed = new Bed32(way).load(`
      li t0, -1
      csrw satp, t0
      csrr a1, satp
      li t0, 0x12345678
      csrw satp, t0
      csrr a2, satp
      csrw hgatp, t0
      csrr a3, hgatp
      csrw satp, zero
      csrw hgatp, zero
      ${FINISH}`);
    bed.finish();
    expect(['a1', 'a2', 'a3'].map((name) => bed.word(name))).toEqual([0xffff_ffff, 0x1234_5678, 0x1234_5678]);
  });

  test('interrupts have bit 31 of the cause, SD is bit 31, and MPV and GVA are in mstatush', () => {
    const bed = new Bed32(way);
    bed.lines = 1 << 7;
    bed.load(`
      la t0, trapped
      csrw mtvec, t0
      csrr a4, mstatus
      li t0, 0x6000
      csrs mstatus, t0
      csrr a1, mstatus
      li t0, 0xc0
      csrw mstatush, t0
      csrr a2, mstatush
      li t0, 0x80
      csrw mie, t0
      csrsi mstatus, 8
      .balign 4
    trapped:
      csrr a0, mcause
      csrr a3, mstatush
      ${FINISH}`);
    expect(bed.finish() >>> 0).toBe(0x8000_0007);
    expect([bed.word('a1'), bed.word('a2'), bed.word('a3')]).toEqual([0x8000_6000, 0xc0, 0]);
  });

  test('counters, timers and environments have their upper halves in registers of their own', () => {
    const bed = new Bed32(way);
    bed.ticks = 5 * 2 ** 32 + 7;
    const pairs = ['htimedelta', 'stimecmp', 'vstimecmp', 'mcycle', 'minstret'];
    const write = pairs.map((name, at) => `li t0, ${at + 3}\ncsrw ${name}h, t0\nli t0, -2\ncsrw ${name}, t0`);
    bed.load(`
      li t0, -1
      csrw menvcfgh, t0
      csrw menvcfg, zero
      csrr a1, menvcfgh
      csrr a2, timeh
      csrr a3, time
      ${write.join('\n')}
      csrr a4, minstreth
      csrr a5, cycleh
      csrr a6, stimecmp
      csrr a7, stimecmph
      ${FINISH}`);
    bed.finish();
    const words = ['a1', 'a2', 'a3', 'a4', 'a6', 'a7'].map((name) => bed.word(name));
    // STCE and ADUE: Svpbmt and pointer masking are not for 32 bits.
    expect(words).toEqual([0xa000_0000, 5, 7, 7, 0xffff_fffe, 4]);
    expect(bed.word('a5')).toBe(7);
    expect(bed.raw('htimedelta')).toBe((3n << 32n) | 0xffff_fffen);
    expect(bed.raw('vstimecmp')).toBe((5n << 32n) | 0xffff_fffen);
  });

  test('protection entries are four to a pmpcfg, and reach 34 bits', () => {
    const bed = new Bed32(way);
    bed.load(`
      li t0, 0x9f1f1b19
      csrw pmpcfg3, t0
      csrr a1, pmpcfg3
      li t0, -1
      csrw pmpaddr1, t0
      csrr a2, pmpaddr1
      ${FINISH}`);
    bed.finish();
    expect([bed.word('a1'), bed.word('a2')]).toEqual([0x9f1f_1b19, 0xffff_ffff]);
    expect(bed.csr('pmpcfg3')).toBe(0x9f1f_1b19n);
  });

  test('the G-stage translates 34 bits, and a fault tells them shifted by 2', () => {
    const bed = new Bed32(way);
    const guestRoot = RAM + 0x6_0000;
    const guestTables = RAM + 0x7_0000;
    // Sv32x4: guest-physical addresses from 12 GiB on lead to RAM. The guest's tables lie there, too.
    const shifted = 3 * 2 ** 32;
    bed.write32(guestRoot + ((shifted + RAM) / MEGA) * 4, ((RAM / PAGE) << 10) | PTE.all | PTE.u);
    bed.write32(guestRoot + (RAM / MEGA) * 4, ((RAM / PAGE) << 10) | PTE.all | PTE.u);
    const number = (address: number): number => Math.floor(address / PAGE) * 2 ** 10;
    const put = (index: number, value: number) => bed.write32(guestTables + index * 4, value | 0);
    put(RAM / MEGA, number(RAM) | 0 | PTE.all);
    put(VIRTUAL / MEGA, (number(shifted + RAM) % 2 ** 32) | PTE.all);
    put(VIRTUAL / MEGA + 1, (number(shifted + RAM + MEGA) % 2 ** 32) | PTE.all);
    bed.write32(DATA, 77);
    bed.load(`
      la t0, trapped
      csrw mtvec, t0
      li t0, ${2 ** 31 + guestRoot / PAGE}
      csrw hgatp, t0
      li t0, ${2 ** 31 + guestTables / PAGE}
      csrw vsatp, t0
      li t0, 0x80
      csrw mstatush, t0
      li t0, 0x800
      csrw mstatus, t0
      la t0, guest
      csrw mepc, t0
      mret
    guest:
      li t0, ${VIRTUAL + DATA - RAM}
      lw a3, 0(t0)
      li t0, ${VIRTUAL + MEGA + 0x123450}
      lw a4, 0(t0)
      .balign 4
    trapped:
      csrr a0, mcause
      csrr a1, mtval2
      csrr a2, mstatush
      ${FINISH}`);
    expect(bed.finish()).toBe(21);
    expect([bed.word('a3'), bed.word('a1'), bed.word('a2')]).toEqual([
      77,
      (shifted + RAM + MEGA + 0x12_3450) / 4,
      0xc0,
    ]);
  });
});

test('RV64 instructions are illegal, and C.JAL takes the place of C.ADDIW', () => {
  for (const bits of [0x0000_3003, 0x0000_001b, 0x0200_003b, 0x0200_1013]) {
    const bed = new HartBed({ xlen: 32 }).load(
      `la t0, trapped\ncsrw mtvec, t0\nnop\n.balign 4\ntrapped: csrr a0, mcause\n${FINISH}`,
    );
    bed.write32(RAM + 12, bits);
    expect(bed.finish()).toBe(2);
  }
  const bed = new HartBed({ xlen: 32 }).load(`c.jal 2f\n1: j 1b\n2: mv a0, ra\n${FINISH}`);
  expect(bed.finish() >>> 0).toBe(RAM + 2);
});
