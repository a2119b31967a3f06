/** RAM that reaches beyond 2 GiB of linear memory, and beyond 4 GiB of guest-physical addresses. */
import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { CAUSE } from './exceptions.ts';
import { FIELD } from './layout.ts';
import { reservationHolds } from './reservation.ts';

const RAM_BYTES = 0xf000_0000;
/** Where the tables of pages are, from a page boundary on. */
const TABLES = 16 * PAGE;
const VIRTUAL = 0x40_0000;
const GIBIBYTE = 0x4000_0000;

/**
 * Accesses of all kinds around the page boundary in s0, again and again, so that they get compiled: each checks what it
 * finds. Ends with a0 = 0, or the number of the first that is wrong.
 */
const EXERCISE = `
    li s1, 60
  again:
    # Pointers that move: up with doublewords, back down with words.
    addi t0, s0, -512
    addi t2, s0, 512
  1: sd t0, (t0)
    addi t0, t0, 8
    bne t0, t2, 1b
    li a1, 0
  1: addi t0, t0, -4
    lw t1, (t0)
    add a1, a1, t1
    addi t3, s0, -512
    bne t0, t3, 1b
    li t4, 0
  1: sext.w t1, t0
    add t4, t4, t1
    srli t1, t0, 32
    add t4, t4, t1
    addi t0, t0, 8
    bne t0, t2, 1b
    li a0, 1
    bne a1, t4, end
    # Several accesses through one register, of all widths.
    sd s1, -24(s0)
    sw s1, -12(s0)
    sh s1, -2(s0)
    sb s1, 7(s0)
    ld t0, -24(s0)
    lwu t1, -12(s0)
    lhu t2, -2(s0)
    lbu t3, 7(s0)
    li a0, 2
    bne t0, s1, end
    bne t1, s1, end
    bne t2, s1, end
    bne t3, s1, end
    # Misaligned, within the page and across its end.
    li a0, 3
    li t1, 0x123456789abcdef0
    add t1, t1, s1
    sd t1, 9(s0)
    ld t2, 9(s0)
    bne t1, t2, end
    sd t1, -3(s0)
    ld t2, -3(s0)
    bne t1, t2, end
    lwu t2, 1(s0)
    srli t3, t1, 32
    bne t2, t3, end
    # Atomics.
    li a0, 4
    addi t6, s0, 64
    sd s1, (t6)
    amoadd.d t0, s1, (t6)
    bne t0, s1, end
    amomaxu.w t0, x0, (t6)
    slli t1, s1, 1
    bne t0, t1, end
    amoswap.d t0, t6, (t6)
    bne t0, t1, end
    li a0, 5
  1: lr.d t0, (t6)
    addi t0, t0, 1
    sc.d t1, t0, (t6)
    bnez t1, 1b
    ld t1, (t6)
    addi t2, t6, 1
    bne t1, t2, end
    lr.w t0, (t6)
    sw t0, 4(t6)
    sc.w t1, x0, (t6)
    bnez t1, end
    lr.w t0, (t6)
    sw t6, (t6)
    sc.w t1, x0, (t6)
    beqz t1, end
    # A block of zeros.
    li a0, 6
    cbo.zero (s0)
    ld t0, (s0)
    bnez t0, end
    # Code: a function that gives its address and number, its first instruction across the page's end.
    li a0, 7
    li t0, 0x00000517         # auipc a0, 0
    sh t0, -2(s0)
    srli t1, t0, 16
    sh t1, (s0)
    slli t1, s1, 20
    li t0, 0x00050513         # addi a0, a0, 0
    or t0, t0, t1
    sh t0, 2(s0)
    srli t0, t0, 16
    sh t0, 4(s0)
    li t0, 0x8082             # ret
    sh t0, 6(s0)
    fence.i
    addi t0, s0, -2
    li s2, 20
  1: jalr t0
    addi s2, s2, -1
    bnez s2, 1b
    add t1, t0, s1
    bne a0, t1, end
    li a0, 7
    addi s1, s1, -1
    bnez s1, again
    li a0, 0
  end:`;

/** A bed with tables that map RAM as it is, and one page on each side of {@link VIRTUAL} to each side of `place`. */
class BigBed extends HartBed {
  constructor(engine: 'interp' | 'jit', ramBytes = RAM_BYTES) {
    super({ engine, ramBytes });
    this.both(({ pmp }) => pmp.allowAll());
  }

  /** @returns satp */
  map(place: number, tables: number): bigint {
    this.setTable(tables, 0, tables + PAGE, PTE.v);
    for (let at = 2; at < 7; at++) this.setTable(tables, at, at * GIBIBYTE, PTE.all);
    for (const [index, page] of [place - PAGE, place].entries()) {
      const address = VIRTUAL - PAGE + index * PAGE;
      const level1 = address / 2 ** 21;
      this.setTable(tables + PAGE, Math.floor(level1), tables + (2 + index) * PAGE, PTE.v);
      this.setTable(tables + (2 + index) * PAGE, (address / PAGE) % 512, page, PTE.all);
    }
    return (8n << 60n) | BigInt(tables / PAGE);
  }

  setTable(table: number, index: number, target: number, flags: number): void {
    this.write64(table + index * 8, (BigInt(target / PAGE) << 10n) | BigInt(flags));
  }
}

const ENGINES = ['interp', 'jit'] as const;

describe.each(ENGINES)('big memory, %s', (engine) => {
  /** Where 2 GiB of linear memory end, where 4 GiB of guest-physical addresses do, and next to the end of RAM. */
  const places = (bed: HartBed) => [RAM + 2 ** 31 - bed.ramOffset, 2 ** 32, RAM + RAM_BYTES - 2 * PAGE];

  test('M-mode reaches all of it', () => {
    const bed = new BigBed(engine);
    for (const place of places(bed)) {
      bed.load(`li s0, ${place}\n ${EXERCISE}\n ${FINISH}`);
      bed.both((hart) => hart.fenceI());
      bed.pc = BigInt(RAM);
      expect(bed.finish(), `at ${place}`).toBe(0);
    }
    if (engine === 'jit') expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(10_000);
  });

  test('S-mode reaches it through superpages and through tables and pages high up', () => {
    const bed = new BigBed(engine);
    for (const place of places(bed)) {
      const satp = bed.map(
        place,
        place + TABLES > RAM + RAM_BYTES - TABLES ? place - TABLES : place + TABLES,
      );
      for (const address of [place, VIRTUAL]) {
        bed.load(`
          la t0, trapped
          csrw mtvec, t0
          li t0, ${satp}
          csrw satp, t0
          sfence.vma
          li t0, -1
          csrw menvcfg, t0
          csrw senvcfg, t0
          li t0, 0x800
          csrw mstatus, t0
          la t0, body
          csrw mepc, t0
          mret
        body:
          li s0, ${address}
          ${EXERCISE}
          ecall
          .balign 4
        trapped:
          csrr t0, mcause
          addi t0, t0, -9
          beqz t0, done
          csrr a0, mcause
          addi a0, a0, 100
        done:
          ${FINISH}`);
        bed.both((hart) => hart.fenceI());
        bed.pc = BigInt(RAM);
        expect(bed.finish(), `at ${address}, which is ${place}`).toBe(0);
      }
    }
    if (engine === 'jit') expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(20_000);
  });

  test('ends where it ends', () => {
    const bed = new BigBed(engine);
    for (const [address, access] of [
      [RAM + RAM_BYTES, 'ld t0, (s0)'],
      [RAM + RAM_BYTES - 4, 'ld t0, (s0)'],
      [RAM + RAM_BYTES, 'lr.w t0, (s0)'],
      [RAM - 8, 'ld t0, (s0)'],
      [2 ** 33, 'ld t0, (s0)'],
      [2 ** 32 + RAM + RAM_BYTES, 'ld t0, (s0)'],
    ] as const) {
      bed.load(`la t0, trapped\n csrw mtvec, t0\n li s0, ${address}\n li a0, 0\n ${access}\n ${FINISH}
        .balign 4
        trapped: csrr a0, mcause\n ${FINISH}`);
      bed.both((hart) => hart.fenceI());
      bed.pc = BigInt(RAM);
      expect(bed.finish(), `${access} at ${address}`).toBe(CAUSE.loadAccess);
    }
  });

  test('a hart whose own area lies above 2 GiB does the same', () => {
    const bed = new HartBed({ engine, origin: 0x9000_0000 });
    const place = RAM + 0x10_0000;
    bed.load(`li s0, ${place}\n ${EXERCISE}\n lr.d t0, (s0)\n ${FINISH}`);
    expect(bed.finish()).toBe(0);
    expect(bed.hart.state.addresses[FIELD.reservation >> 2]).toBe(bed.hostOf(place));
    const words = new Int32Array(bed.memory.buffer);
    expect(reservationHolds(bed.hart.state, words)).toBe(true);
    bed.write64(place, -1n);
    expect(reservationHolds(bed.hart.state, words)).toBe(false);
    if (engine === 'jit') expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(5000);
  });
});

test('a hart at the very end of linear memory', () => {
  const { areaEnd, ramOffset } = new HartBed({ ramBytes: PAGE });
  expect(ramOffset).toBeGreaterThan(areaEnd);
  const ramBytes = 2 << 20;
  const origin = Math.floor((2 ** 32 - ramOffset - ramBytes - PAGE) / 2 ** 16) * 2 ** 16;
  const bed = new HartBed({ engine: 'lockstep', origin, ramBytes });
  bed.load(`li s0, ${RAM + 0x10_0000}\n ${EXERCISE}\n ${FINISH}`);
  expect(bed.finish()).toBe(0);
});
