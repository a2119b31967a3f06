import { FINISH, HartBed, PAGE, PTE, RAM } from './hart-bed.ts';

/** Root tables of two address spaces. */
export const TABLES = [RAM + 0x4_0000, RAM + 0x5_0000] as const;
export const DATA = RAM + 0x10_0000;
export const CODE = RAM + 0x18_0000;
export const VIRTUAL = 0x4000_0000;

export const entryValue = (target: number, flags: number = PTE.all): bigint =>
  (BigInt(target >>> 12) << 10n) | BigInt(flags);

/** Sv39 tables: RAM where it is, and pages from {@link VIRTUAL} on; all in lock step. */
export class PagingBed extends HartBed {
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
    this.load(supervisorProgram(satp(0), body, handler));
    return this.finish(400_000);
  }

  get compiled(): number {
    return this.hart.regionStatistics?.retired ?? 0;
  }
}

/** A program that runs `body` in S-mode with a value of satp; traps go to `handler` in M-mode. */
export function supervisorProgram(satp: bigint, body: string, handler: string): string {
  return `
    la t0, trapped
    csrw mtvec, t0
    li t0, ${satp}
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
    ${handler}`;
}

/** The value of satp for the tables of that number, which have an ASID each. */
export const satp = (number: 0 | 1): bigint =>
  (8n << 60n) | (BigInt(number + 1) << 44n) | BigInt(TABLES[number] >>> 12);
export const entryOf = (page: number): number => TABLES[0] + 5 * PAGE + page * 8;

/** The finisher is no memory, so that programs in S-mode with paging need it mapped: an ecall ends them instead. */
export const END = 'ecall';
export const ON_ECALL = `
  csrr t5, mcause
  addi t5, t5, -9
  bnez t5, other
  ${FINISH}
other:`;
