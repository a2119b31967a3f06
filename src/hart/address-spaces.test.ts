import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { supervisorProgram } from '../../test/hart/paging-bed.ts';
import { CAUSE } from './exceptions.ts';

const FIRST_TABLES = RAM + 0x4_0000;
const SECOND_TABLES = RAM + 0x5_0000;
const GUEST_TABLES = RAM + 0x6_0000;
const DATA = RAM + 0x10_0000;
const CODE = RAM + 0x18_0000;
const VIRTUAL = 0x4000_0000;
const MEGA = 1 << 21;

/** Sv39 tables: RAM where it is (a gigapage), and pages from {@link VIRTUAL} on. */
class SpaceBed extends HartBed {
  constructor() {
    super();
    this.hart.pmp.allowAll();
  }

  /** @returns the value for satp, with ASID 1 */
  tables(at: number, user = 0): bigint {
    this.setEntry(at, 0, 0, PTE.all | user);
    this.setEntry(at, RAM / 2 ** 30, RAM, PTE.all | user);
    this.setEntry(at, VIRTUAL / 2 ** 30, at + 4 * PAGE, PTE.v);
    this.setEntry(at + 4 * PAGE, 0, at + 5 * PAGE, PTE.v);
    return (8n << 60n) | (1n << 44n) | BigInt(at >>> 12);
  }

  /** Address of the entry of page number `page`. */
  entry(tables: number, page: number): number {
    return tables + 5 * PAGE + page * 8;
  }

  map(tables: number, page: number, target: number, flags: number = PTE.all): void {
    this.setEntry(tables + 5 * PAGE, page, target, flags);
  }

  /** The number of an entry. */
  entryValue(target: number, flags: number = PTE.all): bigint {
    return (BigInt(target >>> 12) << 10n) | BigInt(flags);
  }
}

/** Runs `body` in S-mode with satp set to `satp`; traps end the program, with their cause in a0. */
function supervisor(satp: bigint, body: string): string {
  return supervisorProgram(satp, body, `csrr a0, mcause\ncsrr a1, mtval\ncsrr a2, mepc\n${FINISH}`);
}

describe('page tables that change under running code', () => {
  test.each([
    ['sfence.vma', 'sfence.vma'],
    ['sfence.vma with the address', 'sfence.vma s0'],
    ['sfence.vma with the ASID', 'li t0, 1\n sfence.vma x0, t0'],
    ['sinval.vma between its fences', 'sfence.w.inval\n sinval.vma s0, x0\n sfence.inval.ir'],
  ])('are seen after %s', (_, fence) => {
    const bed = new SpaceBed();
    const satp = bed.tables(FIRST_TABLES);
    bed.map(FIRST_TABLES, 0, DATA);
    bed.write64(DATA, 1n);
    bed.write64(DATA + PAGE, 2n);
    bed.load(
      supervisor(
        satp,
        `li s0, ${VIRTUAL}
         ld a3, (s0)
         sd a3, 8(s0)
         li t1, ${bed.entry(FIRST_TABLES, 0)}
         li t2, ${bed.entryValue(DATA + PAGE)}
         sd t2, (t1)
         ${fence}
         ld a4, (s0)
         sd a4, 16(s0)
         li a0, 0`,
      ),
    );
    expect(bed.finish()).toBe(0);
    expect([bed.x('a3'), bed.x('a4')]).toEqual([1n, 2n]);
    expect([bed.read64(DATA + 8), bed.read64(DATA + 16), bed.read64(DATA + PAGE + 16)]).toEqual([1n, 0n, 2n]);
  });

  test("are fenced without TypeScript in a program's half, wherever the kernel has superpages", () => {
    const bed = new SpaceBed();
    const satp = bed.tables(FIRST_TABLES);
    // A gigapage by pages of 2 MiB, 8 GiB below that of the program but for the upper half.
    bed.setEntry(FIRST_TABLES, 505, FIRST_TABLES + 6 * PAGE, PTE.v);
    for (let mega = 0; mega < 512; mega++) bed.setEntry(FIRST_TABLES + 6 * PAGE, mega, RAM, PTE.all);
    bed.map(FIRST_TABLES, 0, DATA);
    let fences = 0;
    const { flushPage } = bed.hart.tlb;
    bed.hart.tlb.flushPage = (...place) => {
      fences++;
      flushPage.apply(bed.hart.tlb, place);
    };
    bed.load(
      supervisor(
        satp,
        `li s0, ${VIRTUAL}
         li t0, ${-7 * 2 ** 30}
         li t1, ${MEGA}
         li t2, 512
      1: ld a3, (t0)
         add t0, t0, t1
         addi t2, t2, -1
         bnez t2, 1b
         ld a3, (s0)
         sfence.vma s0
         li a0, 0`,
      ),
    );
    expect(bed.finish()).toBe(0);
    expect(fences).toBe(0);
  });

  test('revoke the right to write, and all of a page', () => {
    for (const [flags, access, cause] of [
      [PTE.all & ~PTE.w, 'sd x0, (s0)', CAUSE.storePageFault],
      [0, 'ld a3, (s0)', CAUSE.loadPageFault],
    ] as const) {
      const bed = new SpaceBed();
      const satp = bed.tables(FIRST_TABLES);
      bed.map(FIRST_TABLES, 0, DATA);
      const change = `li t1, ${bed.entry(FIRST_TABLES, 0)}\n li t2, ${bed.entryValue(DATA, flags)}\n sd t2, (t1)`;
      bed.load(
        supervisor(
          satp,
          `li s0, ${VIRTUAL}\n ld a3, (s0)\n sd a3, (s0)\n ${change}\n sfence.vma s0\n here: ${access}`,
        ),
      );
      expect(bed.finish()).toBe(cause);
      expect([bed.x('a1'), bed.x('a2')]).toEqual([BigInt(VIRTUAL), BigInt(bed.symbol('here'))]);
    }
  });

  test('a superpage is forgotten as a whole by any of its addresses', () => {
    const bed = new SpaceBed();
    const satp = bed.tables(FIRST_TABLES);
    const middle = FIRST_TABLES + 4 * PAGE;
    bed.setEntry(middle, 1, RAM, PTE.all);
    const at = VIRTUAL + MEGA;
    bed.load(
      supervisor(
        satp,
        `li s0, ${at + (DATA - RAM)}
         ld a3, (s0)
         li t1, ${middle + 8}
         sd x0, (t1)
         li t0, ${at + MEGA - PAGE}
         sfence.vma t0
         ld a3, (s0)`,
      ),
    );
    expect(bed.finish()).toBe(CAUSE.loadPageFault);
    expect(bed.x('a1')).toBe(BigInt(at + (DATA - RAM)));
  });

  test('the page of the code itself may go: the next instruction faults', () => {
    const bed = new SpaceBed();
    const satp = bed.tables(FIRST_TABLES);
    bed.map(FIRST_TABLES, 0, CODE);
    bed.load(
      `li t1, ${bed.entry(FIRST_TABLES, 0)}\n sd x0, (t1)\n sfence.vma\n here: li a3, 1\n 1: j 1b`,
      CODE,
    );
    bed.load(supervisor(satp, `li t0, ${VIRTUAL}\n jr t0`));
    expect(bed.finish()).toBe(CAUSE.fetchPageFault);
    expect(bed.x('a2')).toBe(BigInt(bed.symbol('here') - CODE + VIRTUAL));
    expect(bed.x('a3')).toBe(0n);
  });
});

describe('a switch of satp', () => {
  test('shows at the next instruction', () => {
    const bed = new SpaceBed();
    const first = bed.tables(FIRST_TABLES);
    const second = bed.tables(SECOND_TABLES) | (2n << 44n);
    bed.map(FIRST_TABLES, 0, CODE);
    bed.map(SECOND_TABLES, 0, CODE + PAGE);
    const code = (value: number) => `csrw satp, s0\n li a0, ${value}\n ${FINISH}`;
    bed.load(code(1), CODE);
    bed.load(code(2), CODE + PAGE);
    bed.load(supervisor(first, `li s0, ${second}\n li t0, ${VIRTUAL}\n jr t0`));
    expect(bed.finish()).toBe(2);
  });

  test('to Bare and back shows without a fence', () => {
    const bed = new SpaceBed();
    const satp = bed.tables(FIRST_TABLES);
    bed.map(FIRST_TABLES, 0, DATA);
    bed.write64(DATA, 7n);
    bed.load(
      supervisor(
        satp,
        `li s0, ${VIRTUAL}\n csrr s1, satp\n ld a3, (s0)\n csrw satp, x0\n csrw satp, s1\n ld a4, (s0)
         csrw satp, x0\n here: ld a5, (s0)`,
      ),
    );
    expect(bed.finish()).toBe(CAUSE.loadAccess);
    expect([bed.x('a3'), bed.x('a4'), bed.x('a2')]).toEqual([7n, 7n, BigInt(bed.symbol('here'))]);
  });

  test('between many address spaces keeps them apart when the keys of the TLB run out', () => {
    const bed = new SpaceBed();
    const spaces = 700;
    const first = bed.tables(FIRST_TABLES);
    bed.tables(SECOND_TABLES);
    bed.map(FIRST_TABLES, 0, DATA);
    bed.map(SECOND_TABLES, 0, DATA + PAGE);
    bed.write64(DATA, 1n);
    bed.write64(DATA + PAGE, 1000n);
    // ASIDs 1, 2, ...: odd ones use the first tables, even ones the second. Twice, without any fence.
    bed.load(
      supervisor(
        first,
        `li s0, ${VIRTUAL}
         li s2, ${(8n << 60n) | BigInt(FIRST_TABLES >>> 12)}
         li s3, ${(8n << 60n) | BigInt(SECOND_TABLES >>> 12)}
         li s5, 2
         li a0, 0
       round:
         li s4, 1
       next:
         andi t0, s4, 1
         mv t1, s2
         bnez t0, 1f
         mv t1, s3
       1: slli t2, s4, 44
         or t1, t1, t2
         csrw satp, t1
         ld t3, (s0)
         add a0, a0, t3
         addi s4, s4, 1
         li t0, ${spaces}
         bleu s4, t0, next
         addi s5, s5, -1
         bnez s5, round`,
      ),
    );
    expect(bed.finish()).toBe(2 * (spaces / 2) * 1001);
  });
});

describe('a guest of guest software', () => {
  /** HS-mode of assembly that runs `body` in VS-mode; everything but the guest's own faults comes back to HS. */
  function hypervisor(bed: SpaceBed, body: string, hedeleg = 0): string {
    // Guest-physical RAM is RAM; 16 KiB root, so four pages before the middle table.
    const hgatp = (bed.tables(GUEST_TABLES, PTE.u) & ~(1n << 44n)) | (3n << 44n);
    return `
      la t0, trapped
      csrw mtvec, t0
      li t0, 0xf0ffff
      csrw medeleg, t0
      li t0, 0x800
      csrw mstatus, t0
      la t0, hs
      csrw mepc, t0
      mret
    hs:
      la t0, back
      csrw stvec, t0
      li t0, ${hgatp}
      csrw hgatp, t0
      li t0, ${hedeleg}
      csrw hedeleg, t0
      li t0, 0x180
      csrw hstatus, t0
      li t0, 0x100
      csrs sstatus, t0
      la t0, guest
      csrw sepc, t0
      sret
      .balign 4
    back:
      csrr a1, scause
      csrr a2, stval
      csrr a3, sepc
      csrr a4, htval
      csrr a5, hstatus
      j done
    guest:
      ${body}
      .balign 4
    trapped:
      csrr a1, mcause
      li a0, -1
    done:
      ${FINISH}`;
  }

  test('is entered by sret and comes back by ecall', () => {
    const bed = new SpaceBed();
    bed.load(hypervisor(bed, 'li a0, 55\n here: ecall'));
    expect(bed.finish()).toBe(55);
    expect([bed.x('a1'), bed.x('a3')]).toEqual([BigInt(CAUSE.ecallFromVs), BigInt(bed.symbol('here'))]);
    // SPV and SPVP.
    expect(bed.x('a5') & 0x1c0n).toBe(0x180n);
  });

  test('has its own satp, whose tables and pages go through hgatp', () => {
    const bed = new SpaceBed();
    const vsatp = bed.tables(FIRST_TABLES);
    bed.map(FIRST_TABLES, 0, VIRTUAL + 3 * PAGE);
    const source = hypervisor(
      bed,
      `li t0, ${vsatp}\n csrw satp, t0\n li s0, ${VIRTUAL}\n ld a0, (s0)\n sd a0, 8(s0)\n ld s1, 8(s0)\n ecall`,
    );
    bed.map(GUEST_TABLES, 3, DATA, PTE.all | PTE.u);
    bed.write64(DATA, 77n);
    bed.load(source);
    expect(bed.finish()).toBe(77);
    expect([bed.x('a1'), bed.x('s1'), bed.read64(DATA + 8)]).toEqual([10n, 77n, 77n]);
    expect([bed.csr('satp'), bed.csr('vsatp')]).toEqual([0n, vsatp]);
  });

  test('faults in the G-stage come to HS with the guest-physical address', () => {
    const bed = new SpaceBed();
    bed.load(
      hypervisor(
        bed,
        `li s0, ${VIRTUAL + 5 * PAGE + 0x18}\n li a0, 9\n here: ld a0, (s0)\n li a0, 1\n ecall`,
      ),
    );
    expect(bed.finish()).toBe(9);
    expect(bed.x('a1')).toBe(BigInt(CAUSE.loadGuestPageFault));
    expect([bed.x('a2'), bed.x('a4') << 2n]).toEqual([
      BigInt(VIRTUAL + 5 * PAGE + 0x18),
      BigInt(VIRTUAL + 5 * PAGE + 0x18),
    ]);
    expect(bed.x('a3')).toBe(BigInt(bed.symbol('here')));
    // GVA.
    expect(bed.x('a5') & 0x40n).toBe(0x40n);
  });

  test('forgets a superpage over smaller pages of the G-stage by any of its addresses', () => {
    const bed = new SpaceBed();
    const vsatp = bed.tables(FIRST_TABLES);
    const middle = FIRST_TABLES + 4 * PAGE;
    // The guest maps 2 MiB at once, its hypervisor in pages of 4 KiB.
    bed.setEntry(middle, 1, VIRTUAL, PTE.all);
    const at = VIRTUAL + MEGA;
    const source = hypervisor(
      bed,
      `li t0, ${vsatp}\n csrw satp, t0
       la t0, own\n csrw stvec, t0
       li s0, ${at + 3 * PAGE}\n ld s1, (s0)
       li t1, ${middle + 8}\n sd x0, (t1)
       li t0, ${at + 8 * PAGE}\n sfence.vma t0
       ld s2, (s0)\n li a0, 1\n ecall
       .balign 4\n own: csrr a0, scause\n ecall`,
      0xb1ff,
    );
    bed.map(GUEST_TABLES, 3, DATA, PTE.all | PTE.u);
    bed.load(source);
    expect(bed.finish()).toBe(CAUSE.loadPageFault);
  });

  test.each([
    ['hfence.gvma', 'hfence.gvma'],
    ['hfence.gvma with the address', `li t0, ${(VIRTUAL + 3 * PAGE) / 4}\n hfence.gvma t0, x0`],
    ['hfence.gvma with the VMID', 'li t0, 3\n hfence.gvma x0, t0'],
    ['hinval.gvma', 'sfence.w.inval\n hinval.gvma x0, x0\n sfence.inval.ir'],
  ])('sees a change of the G-stage after %s', (_, fence) => {
    const bed = new SpaceBed();
    const source = hypervisor(
      bed,
      `li s0, ${VIRTUAL + 3 * PAGE}\n ld a6, (s0)\n ecall\n ld a7, (s0)\n ecall`,
    );
    bed.map(GUEST_TABLES, 3, DATA, PTE.all | PTE.u);
    bed.write64(DATA, 1n);
    bed.write64(DATA + PAGE, 2n);
    const change = `li t1, ${bed.entry(GUEST_TABLES, 3)}\n li t2, ${bed.entryValue(DATA + PAGE, PTE.all | PTE.u)}`;
    // The first return to HS-mode changes the tables and goes on behind the ecall; the second ends.
    bed.load(
      source.replace(
        'csrr a1, scause',
        `bnez s5, 2f\n li s5, 1\n ${change}\n sd t2, (t1)\n ${fence}\n csrr t0, sepc\n addi t0, t0, 4\n csrw sepc, t0\n sret
        2: csrr a1, scause`,
      ),
    );
    bed.finish();
    expect([bed.x('a6'), bed.x('a7'), bed.x('a1')]).toEqual([1n, 2n, 10n]);
  });

  test('hands its user mode traps to its own handler', () => {
    const bed = new SpaceBed();
    const vsatp = bed.tables(FIRST_TABLES);
    bed.map(FIRST_TABLES, 0, VIRTUAL, PTE.all | PTE.u);
    const source = hypervisor(
      bed,
      `li t0, ${vsatp}\n csrw satp, t0
       la t0, own\n csrw stvec, t0
       li t0, ${VIRTUAL}\n csrw sepc, t0
       li t0, 0x100\n csrc sstatus, t0
       sret
       .balign 4\n own: csrr a0, scause\n csrr s1, sepc\n ecall`,
      0xb1ff,
    );
    bed.map(GUEST_TABLES, 0, CODE, PTE.all | PTE.u);
    bed.load('nop\n here: ecall', CODE);
    bed.load(source);
    expect(bed.finish()).toBe(CAUSE.ecallFromU);
    expect(bed.x('s1')).toBe(BigInt(bed.symbol('here') - CODE + VIRTUAL));
    expect(bed.x('a1')).toBe(10n);
  });
});
