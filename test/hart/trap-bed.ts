import { type BedEngine, FINISHER, HartBed, PAGE, PTE, RAM } from './hart-bed.ts';

const TABLES = RAM + 0x1_0000;
const HANDLER = RAM + 0x100;
/** From here on a test has RAM for its own; programs may lie below {@link TABLES}, too. */
export const PAGES = RAM + 0x4_0000;

const MPP_SHIFT = 11n;
const MPV = 1n << 39n;
const GVA = 1n << 38n;
const FS_DIRTY = 3n << 13n;
const MODES = { M: 3n << MPP_SHIFT, S: 1n << MPP_SHIFT, VS: (1n << MPP_SHIFT) | MPV } as const;
export type Mode = keyof typeof MODES;

/** A trap to M-mode, as its CSRs tell of it. */
export interface Trap {
  readonly cause: number;
  readonly epc: bigint;
  readonly tval: bigint;
  readonly tval2: bigint;
  readonly tinst: bigint;
  /** mstatus.GVA */
  readonly guestVirtual: boolean;
}

/** The least number of turns after which beds have compiled a loop, and gone on in it. */
export const HOT = 300;

/**
 * A hart with empty tables of Sv39 for S-mode (satp) and VS-mode (vsatp), and of Sv39x4 (hgatp): all with RAM at its
 * own address. It enters code in some mode, and every trap ends that. In lock step unless another engine is given.
 */
export class TrapBed extends HartBed {
  #tables = TABLES;
  readonly root = this.table(1);
  readonly guestRoot = this.table(4);

  constructor(engine: BedEngine = 'lockstep') {
    super({ engine, ramBytes: 1 << 19 });
    this.openMemory();
    this.setEntry(this.root, RAM / 2 ** 30, RAM, PTE.all);
    this.setEntry(this.guestRoot, RAM / 2 ** 30, RAM, PTE.all | PTE.u);
    const mode = 8n << 60n;
    this.setCsr('satp', mode | BigInt(this.root >>> 12));
    this.setCsr('vsatp', mode | BigInt(this.root >>> 12));
    this.setCsr('hgatp', mode | BigInt(this.guestRoot >>> 12));
    // Entries that are not accessed or dirty yet fault.
    this.setCsr('menvcfg', 0n);
    this.setCsr('henvcfg', 0n);
    this.setCsr('mtvec', BigInt(HANDLER));
    this.load('sfence.vma\n hfence.gvma\n hfence.vvma\n mret', RAM);
    this.load(`li t6, ${FINISHER}\n sw x0, (t6)\n 1: j 1b`, HANDLER);
  }

  get compiled(): number {
    return this.hart.regionStatistics?.retired ?? 0;
  }

  /** Cleared pages for a table, aligned to their size. */
  table(pages: number): number {
    const bytes = pages * PAGE;
    const at = Math.ceil(this.#tables / bytes) * bytes;
    this.#tables = at + bytes;
    return at;
  }

  /** As {@link openMemory}, with another PMP entry before: its pmpaddr, and its byte of pmpcfg. */
  protect(address: number, config: number): void {
    this.setCsr('pmpcfg0', 0n);
    this.setCsr('pmpaddr0', BigInt(address));
    this.setCsr('pmpaddr1', (1n << 54n) - 1n);
    this.setCsr('pmpcfg0', BigInt(0x1f00 | config));
  }

  /** Lets all modes access all memory. */
  openMemory(): void {
    this.setCsr('pmpcfg0', 0n);
    this.setCsr('pmpaddr0', (1n << 54n) - 1n);
    this.setCsr('pmpcfg0', 0x1fn);
  }

  /**
   * Maps a page.
   *
   * @param root {@link root}, or {@link guestRoot} for guest-physical addresses
   * @param target a physical address, below 2^53
   * @returns where the entry is
   */
  map(root: number, address: bigint, target: number, flags: number): number {
    let table = root;
    for (const level of [2n, 1n]) {
      const bits = level === 2n && root === this.guestRoot ? 11 : 9;
      const at = table + Number(BigInt.asUintN(bits, address >> (12n + 9n * level))) * 8;
      if (this.read64(at) === 0n) this.write64(at, (BigInt(this.table(1) >>> 12) << 10n) | BigInt(PTE.v));
      table = Number((this.read64(at) >> 10n) << 12n);
    }
    const at = table + Number(BigInt.asUintN(9, address >> 12n)) * 8;
    this.write64(at, leafEntry(target, flags));
    return at;
  }

  /**
   * Enters code behind fences of everything, and runs until it traps.
   *
   * @param registers to set before, by their names; not t6, which the handler uses
   * @param status further bits of mstatus
   */
  enter(mode: Mode, address: bigint | number, registers: Record<string, bigint | number>, status = 0n): Trap {
    for (const [name, value] of Object.entries(registers)) this.setX(name, BigInt(value));
    this.setCsr('mstatus', MODES[mode] | FS_DIRTY | status);
    if (mode === 'VS') this.setCsr('vsstatus', this.csr('vsstatus') | FS_DIRTY);
    this.setCsr('mepc', BigInt.asUintN(64, BigInt(address)));
    this.pc = BigInt(RAM);
    this.finish();
    return {
      cause: Number(this.csr('mcause')),
      epc: this.csr('mepc'),
      tval: this.csr('mtval'),
      tval2: this.csr('mtval2'),
      tinst: this.csr('mtinst'),
      guestVirtual: (this.csr('mstatus') & GVA) !== 0n,
    };
  }
}

/** A leaf of a page table for a physical address below 2^53. */
export const leafEntry = (target: number, flags: number): bigint =>
  ((BigInt(target) >> 12n) << 10n) | BigInt(flags);
