import type { Xlen } from '../../src/isa/index.ts';
import { cornerValue, relatedValue } from './corner-values.ts';
import type { Dialect } from './dialects.ts';
import { isUser, isVirtual, type Mode, type Setting } from './frame.ts';
import { LAYOUT, POOL, PROBE, type Roles } from './layout.ts';
import type { Random } from './random.ts';

/** Exceptions that can be handed to S-mode; ecall from S ends programs and stays with M-mode. */
const DELEGABLE = 0xf0_b5ff;

export function chooseSetting(random: Random, dialect: Dialect): Setting {
  const { xlen } = dialect;
  const mode: Mode = random.pick(['M', 'M', 'S', 'U', 'VS', 'VU']);
  if (mode === 'M')
    return { dialect, xlen, mode, paged: false, delegated: 0, sum: false, mxr: false, pmm: 0 };
  const pmm = dialect.extensions.has('ssnpm') ? random.pick([0, 0, 2, 3]) : 0;
  return {
    dialect,
    xlen,
    mode,
    pmm,
    paged: random.chance(0.8),
    delegated: random.chance(0.5) ? random.bits() & DELEGABLE : random.pick([0, DELEGABLE]),
    // The handler in S-mode reads what belongs to user mode.
    sum: isUser(mode) || random.chance(0.5),
    // It turns masking off, but on QEMU 10 only together with MPRV.
    mxr: pmm === 0 && random.chance(0.5),
  };
}

/** Seven different registers for the roles. */
export function chooseRoles(random: Random): Roles {
  const all = Array.from({ length: 31 }, (_, index) => index + 1);
  const draw = (): number => all.splice(random.below(all.length), 1)[0];
  return {
    log: draw(),
    traps: draw(),
    temporary: draw(),
    pool: draw(),
    data: draw(),
    link: draw(),
    counter: draw(),
  };
}

/** Physical addresses at which a `virt` machine with 32 MiB has nothing, multiples of 8. */
const NOTHING_THERE: readonly bigint[] = [
  0x8200_0000n,
  0x8200_0ff8n,
  0x9000_0000n,
  0xc012_3450n,
  0xffff_fff8n,
  0x0000_0040n,
];

/**
 * Virtual addresses that lead nowhere, also with the offset of a load or store: a program that changes its own frame
 * need not end.
 */
export const NOT_MAPPED: Readonly<Record<Xlen, readonly bigint[]>> = {
  32: [
    0n,
    0x2000_0000n,
    0x7fff_f7f0n,
    0xc000_0000n,
    0xffff_fff8n,
    BigInt(PROBE[32].misalignedPage) + 0x1238n,
  ],
  64: [
    0n,
    0x20_0000_0000n,
    0x40_0000_0000n,
    0x7fff_ffff_ffff_fff8n,
    0x8000_0000_0000_0000n,
    0xffff_ffbf_ffff_fff8n,
    0xffff_ffff_ffff_fff8n,
    BigInt(PROBE[64].misalignedPage) + 0x1238n,
  ],
};

function address(random: Random, { xlen, paged }: Setting): bigint {
  if (!paged) return random.pick(NOTHING_THERE);
  if (random.chance(0.1)) return random.pick(NOT_MAPPED[xlen]);
  const probe = PROBE[xlen];
  const page = random.chance(0.1) ? probe.largePage : probe.base;
  const offset = random.pick([0, 8, 0x800, 0xff8, 0xffc, 0xffe, 0xfff, random.below(0x1000)]);
  return BigInt(page + random.below(probe.pages) * 0x1000 + offset);
}

/** The values of the pool: pairs of corner values that are related, then addresses that mostly fault. */
export function poolValues(random: Random, setting: Setting): bigint[] {
  const pairs = Array.from({ length: POOL.values / 2 }, () => {
    const value = cornerValue(random);
    return [value, relatedValue(random, value)];
  });
  const addresses = Array.from({ length: POOL.slots - POOL.values }, () => address(random, setting));
  return [...pairs.flat(), ...addresses];
}

const PTE = { v: 1, r: 2, w: 4, x: 8, u: 16, a: 64, d: 128 } as const;
const LEAF = PTE.v | PTE.r | PTE.w | PTE.x | PTE.a | PTE.d;

/**
 * The page tables of a program, as bytes for {@link LAYOUT.tables}: its own memory maps to itself, in 4 KiB pages
 * where the body and the data are; probed pages have permissions of all kinds.
 */
export function pageTables(random: Random, setting: Setting): Uint8Array<ArrayBuffer> {
  return setting.xlen === 64 ? sv39Tables(random, setting) : sv32Tables(random, setting);
}

function sv39Tables(random: Random, setting: Setting): Uint8Array<ArrayBuffer> {
  const tables = new DataView(new ArrayBuffer(LAYOUT.tableBytes));
  const set = (table: number, index: number, physical: number, flags: number): void =>
    tables.setBigUint64(table * 0x1000 + index * 8, BigInt((physical / 0x1000) * 0x400 + flags), true);
  const own = isUser(setting.mode) ? LEAF | PTE.u : LEAF;
  set(0, 2, LAYOUT.tables + 0x1000, PTE.v);
  set(0, 1, LAYOUT.tables + 0x3000, PTE.v);
  set(1, 0, LAYOUT.tables + 0x2000, PTE.v);
  set(1, 1, LAYOUT.state, own);
  for (let index = 0; index < 512; index++) {
    const page = LAYOUT.ram + index * 0x1000;
    set(2, index, page, page < LAYOUT.frame + LAYOUT.frameBytes ? LEAF : own);
  }
  set(3, 0, LAYOUT.tables + 0x4000, PTE.v);
  set(3, 1, LAYOUT.probeLarge, (LEAF & ~PTE.x) | (random.chance(0.5) ? PTE.u : 0));
  set(3, 2, LAYOUT.probeLarge + 0x1000, LEAF);
  probedPages(random, setting, (index, page, flags) => set(4, index, page, flags));
  return new Uint8Array(tables.buffer);
}

/** The root has a table of small pages for all of the program's memory, and one for the probed ones. */
function sv32Tables(random: Random, setting: Setting): Uint8Array<ArrayBuffer> {
  const tables = new DataView(new ArrayBuffer(LAYOUT.tableBytes));
  const set = (table: number, index: number, physical: number, flags: number): void =>
    tables.setUint32(table * 0x1000 + index * 4, (physical / 0x1000) * 0x400 + flags, true);
  const own = isUser(setting.mode) ? LEAF | PTE.u : LEAF;
  const { base, largePage, misalignedPage } = PROBE[32];
  const rootIndex = (address: number): number => Math.floor(address / 0x40_0000);
  set(0, rootIndex(LAYOUT.ram), LAYOUT.tables + 0x1000, PTE.v);
  for (let index = 0; index < 1024; index++) {
    const page = LAYOUT.ram + index * 0x1000;
    set(1, index, page, page < LAYOUT.frame + LAYOUT.frameBytes ? LEAF : own);
  }
  set(0, rootIndex(base), LAYOUT.tables + 0x2000, PTE.v);
  set(0, rootIndex(largePage), LAYOUT.probeLarge, (LEAF & ~PTE.x) | (random.chance(0.5) ? PTE.u : 0));
  set(0, rootIndex(misalignedPage), LAYOUT.probeLarge + 0x1000, LEAF);
  probedPages(random, setting, (index, page, flags) => set(2, index, page, flags));
  return new Uint8Array(tables.buffer);
}

function probedPages(
  random: Random,
  setting: Setting,
  set: (index: number, page: number, flags: number) => void,
): void {
  for (let index = 0; index < PROBE[setting.xlen].pages; index++) {
    const flags = probeFlags(random, setting);
    // Where the G-stage has nothing, a guest-page fault follows.
    const nowhere = isVirtual(setting.mode) && random.chance(0.2);
    const memory = (flags & PTE.x) !== 0 ? LAYOUT.probeCode : LAYOUT.probeData;
    set(index, nowhere ? NO_GUEST_MEMORY : memory, flags);
  }
}

/** Guest-physical memory that no G-stage here maps. */
const NO_GUEST_MEMORY = 0xc000_0000;

/**
 * The tables of the G-stage as bytes for {@link LAYOUT.guestTables}: memory maps to itself in superpages, of which
 * the probed one has permissions of all kinds.
 */
export function guestTables(random: Random, xlen: Xlen): Uint8Array<ArrayBuffer> {
  const tables = new DataView(new ArrayBuffer(LAYOUT.guestTableBytes));
  const flagsOf = (page: number): number =>
    page === LAYOUT.probeLarge ? random.bits() & 0xff & ~PTE.x : LEAF | PTE.u;
  if (xlen === 32) {
    for (let page: number = LAYOUT.ram; page < LAYOUT.ram + LAYOUT.ramBytes; page += 0x40_0000) {
      tables.setUint32((page / 0x40_0000) * 4, (page / 0x1000) * 0x400 + flagsOf(page), true);
    }
    return new Uint8Array(tables.buffer);
  }
  const set = (offset: number, physical: number, flags: number): void =>
    tables.setBigUint64(offset, BigInt((physical / 0x1000) * 0x400 + flags), true);
  set(2 * 8, LAYOUT.guestTables + 0x4000, PTE.v);
  for (let index = 0; index < LAYOUT.ramBytes >> 21; index++) {
    const page = LAYOUT.ram + index * 0x20_0000;
    set(0x4000 + index * 8, page, flagsOf(page));
  }
  return new Uint8Array(tables.buffer);
}

/** Pages that can be executed cannot be written: they hold returns to the link register. */
function probeFlags(random: Random, { mode, sum }: Setting): number {
  let flags = random.chance(0.9) ? random.bits() & 0xff : 0;
  if (random.chance(0.9)) flags |= PTE.v;
  if (random.chance(0.6)) flags = isUser(mode) ? flags | PTE.u : flags & ~PTE.u;
  // QEMU 7.2 lets S-mode execute a user page once SUM has let it load from there.
  if (!isUser(mode) && sum && (flags & PTE.u) !== 0) flags &= ~PTE.x;
  return (flags & PTE.x) !== 0 ? flags & ~PTE.w : flags;
}
