import { ACCESS, type Access, CAUSE, noException } from '../../src/hart/exceptions.ts';
import { CSR, type CsrField, HART_BYTES } from '../../src/hart/layout.ts';
import { Mmu } from '../../src/hart/mmu/mmu.ts';
import { Pmp } from '../../src/hart/mmu/pmp.ts';
import { HartState } from '../../src/hart/state.ts';
import type { Xlen } from '../../src/isa/index.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';

export const V = 1n;
export const R = 2n;
export const W = 4n;
export const X = 8n;
export const U = 0x10n;
export const G = 0x20n;
export const A = 0x40n;
export const D = 0x80n;
export const N = 1n << 63n;
export const RWX = R | W | X;

export const RAM_BASE = 0x8000_0000;
export const RAM_BYTES = 0x10_0000;
export const RAM_OFFSET = 0x1_0000;

export const SUM = 1n << 18n;
export const MXR = 1n << 19n;
export const MPRV = 1n << 17n;
export const PBMTE = 1n << 62n;
export const ADUE = 1n << 61n;
export const SPVP = 1n << 8n;

export const USER = 0;
export const SUPERVISOR = 1;
export const MACHINE = 3;

export const ACCESSES = [ACCESS.load, ACCESS.store, ACCESS.fetch] as const;
export const PAGE_FAULT = [CAUSE.loadPageFault, CAUSE.storePageFault, CAUSE.fetchPageFault];
export const GUEST_FAULT = [CAUSE.loadGuestPageFault, CAUSE.storeGuestPageFault, CAUSE.fetchGuestPageFault];
export const ACCESS_FAULT = [CAUSE.loadAccess, CAUSE.storeAccess, CAUSE.fetchAccess];

/** Where a set of page tables lives. */
interface TableSpace {
  /** The root has four pages. */
  wide: boolean;
  /** Physical address minus the address in pointers. */
  bias: number;
  onTable(address: number): void;
}

const PLAIN: TableSpace = { wide: false, bias: 0, onTable: () => {} };

/** How tables look. */
interface TableFormat {
  readonly entryBytes: 4 | 8;
  readonly indexBits: number;
  /** The field MODE of satp, vsatp or hgatp, where the hart keeps it: the same on both widths. */
  mode(levels: number): bigint;
}

const FORMATS: Readonly<Record<Xlen, TableFormat>> = {
  32: { entryBytes: 4, indexBits: 10, mode: () => 1n << 60n },
  64: { entryBytes: 8, indexBits: 9, mode: (levels) => BigInt(levels + 5) << 60n },
};

/** A hart's state, 1 MiB of RAM and its MMU; entries and addresses are bigint here. */
export class Bed {
  readonly memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  readonly state: HartState;
  readonly pmp: Pmp;
  readonly exception = noException();
  readonly mmu: Mmu;
  readonly #format: TableFormat;
  readonly #entries = new DataView(this.memory.buffer);
  #nextPage = RAM_BASE + 0x1000;

  constructor(xlen: Xlen = 64) {
    this.state = new HartState(this.memory, HART_BYTES, xlen);
    this.pmp = new Pmp(xlen);
    this.#format = FORMATS[xlen];
    const ram = new GuestMemory(this.memory, { base: RAM_BASE, size: RAM_BYTES, offset: RAM_OFFSET });
    this.mmu = new Mmu(this.state, ram, this.pmp, this.exception);
    this.pmp.allowAll();
    this.set('menvcfg', ADUE);
    this.set('henvcfg', ADUE);
    this.state.privilege = SUPERVISOR;
  }

  set(name: CsrField, value: bigint): void {
    this.state.csr[CSR[name]] = Number(BigInt.asIntN(32, value));
    this.state.csr[CSR[name] + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }

  /** A cleared page of RAM (or four, aligned to their size). */
  page(pages = 1): number {
    const bytes = pages * 4096;
    const at = Math.ceil(this.#nextPage / bytes) * bytes;
    this.#nextPage = at + bytes;
    return at;
  }

  entry(address: number): bigint {
    const at = address - RAM_BASE + RAM_OFFSET;
    return this.#format.entryBytes === 8
      ? this.#entries.getBigUint64(at, true)
      : BigInt(this.#entries.getUint32(at, true));
  }

  setEntry(address: number, value: bigint): void {
    const at = address - RAM_BASE + RAM_OFFSET;
    if (this.#format.entryBytes === 8) this.#entries.setBigUint64(at, value, true);
    else this.#entries.setUint32(at, Number(value), true);
  }

  /** Points satp, vsatp or hgatp to a fresh root. */
  root(name: 'satp' | 'vsatp' | 'hgatp', levels: number): number {
    const root = this.page(name === 'hgatp' ? 4 : 1);
    this.set(name, this.addressSpace(levels, root));
    return root;
  }

  /** The value of a register for tables of so many levels below a root. */
  addressSpace(levels: number, root: number): bigint {
    return this.#format.mode(levels) | BigInt(root / 4096);
  }

  /** Where the entry for an address is in a table of a level. */
  entryIn(table: number, va: bigint, level: number, widened = 0): number {
    const { indexBits, entryBytes } = this.#format;
    return (
      table + Number(BigInt.asUintN(indexBits + widened, va >> BigInt(12 + indexBits * level))) * entryBytes
    );
  }

  /**
   * Puts a leaf at a level into the tables below `root`, with pointers above it.
   *
   * @returns the leaf's physical address
   */
  map(root: number, levels: number, va: bigint, value: bigint, level = 0, space: TableSpace = PLAIN): number {
    let table = root;
    for (let at = levels - 1; ; at--) {
      const address = this.entryIn(table, va, at, at === levels - 1 && space.wide ? 2 : 0);
      if (at === level) {
        this.setEntry(address, value);
        return address;
      }
      if (this.entry(address) === 0n) {
        const next = this.page();
        space.onTable(next);
        this.setEntry(address, pointer(next - space.bias));
      }
      table = Number((this.entry(address) >> 10n) << 12n) + space.bias;
    }
  }

  translate(va: bigint, access: Access, width = 1): Result {
    return this.#result(this.mmu.translate(low(va), high(va), access, width));
  }

  translateGuest(va: bigint, access: Access, executable = false): Result {
    return this.#result(this.mmu.translateGuest(low(va), high(va), access, 4, executable));
  }

  #result(done: boolean): Result {
    if (done) return { physical: this.mmu.physical };
    const e = this.exception;
    return {
      cause: e.cause,
      tval: pair(e.tvalLow, e.tvalHigh),
      tval2: pair(e.tval2Low, e.tval2High),
      tinst: e.tinst,
      guestVirtual: e.guestVirtual,
    };
  }
}

export type Result =
  | { physical: number }
  | { cause: number; tval: bigint; tval2: bigint; tinst: number; guestVirtual: boolean };

export function fault(cause: number, tval: bigint): Result {
  return { cause, tval: BigInt.asUintN(64, tval), tval2: 0n, tinst: 0, guestVirtual: false };
}

function low(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

function high(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

export function pair(lowWord: number, highWord: number): bigint {
  return (BigInt(highWord >>> 0) << 32n) | BigInt(lowWord >>> 0);
}

export function pointer(address: number): bigint {
  return ((BigInt(address) >> 12n) << 10n) | V;
}

export function leaf(address: number | bigint, flags: bigint): bigint {
  return ((BigInt(address) >> 12n) << 10n) | flags;
}

/**
 * A bed with both stages on, of RV32 where there are two levels: guest-physical address 0x4000_0000 + n is byte n of
 * RAM, where it is mapped.
 */
export class GuestBed extends Bed {
  readonly guestRoot: number;
  readonly virtualRoot: number;
  readonly #virtualLevels: number;
  readonly #guestLevels: number;

  constructor(virtualLevels: number, guestLevels: number) {
    super(virtualLevels === 2 ? 32 : 64);
    this.#virtualLevels = virtualLevels;
    this.#guestLevels = guestLevels;
    this.state.virtual = 1;
    this.guestRoot = this.root('hgatp', guestLevels);
    this.virtualRoot = this.page();
    this.open(this.virtualRoot);
    this.set('vsatp', this.addressSpace(virtualLevels, guestPhysical(this.virtualRoot)));
  }

  /** Lets the guest use a page in every way; returns the address of the G-stage leaf. */
  open(page: number): number {
    return this.mapGuest(BigInt(guestPhysical(page)), leaf(page, V | RWX | U | A | D));
  }

  mapGuest(gpa: bigint, value: bigint, level = 0): number {
    return this.map(this.guestRoot, this.#guestLevels, gpa, value, level, { ...PLAIN, wide: true });
  }

  mapVirtual(va: bigint, value: bigint, level = 0): number {
    return this.map(this.virtualRoot, this.#virtualLevels, va, value, level, {
      wide: false,
      bias: RAM_BASE - GUEST_BASE,
      onTable: (table) => this.open(table),
    });
  }
}

export const GUEST_BASE = 0x4000_0000;

/** Guest-physical address of a byte of RAM in a {@link GuestBed}. */
export function guestPhysical(address: number): number {
  return address - RAM_BASE + GUEST_BASE;
}
