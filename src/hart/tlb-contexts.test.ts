import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HartBed, halves, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { HartDebug } from './debug/hart-debug.ts';
import { ACCESS, type Access } from './exceptions.ts';
import { LOAD_KINDS } from './interpreter/load-kinds.ts';
import { CSR, FIELD, TLB } from './layout.ts';
import { MemoryAccess } from './memory-access.ts';

/** Pages that the tables of every address space map: from here on in virtual and guest-physical addresses alike. */
const FIRST_PAGE = 0x4000_0000;
const PAGE = 0x1000;
/** Leaf permissions of the pages; the n-th page of each table has the n-th. */
const FLAGS = [
  PTE.r | PTE.w | PTE.u,
  PTE.r | PTE.w,
  PTE.r | PTE.u,
  PTE.x,
  PTE.x | PTE.u,
  PTE.r | PTE.x,
  PTE.r | PTE.w | PTE.x | PTE.u,
  0,
];
const PAGES = FLAGS.length ** 2;
const TABLES = RAM + 0x4_0000;
const DATA = RAM + 0x10_0000;

const STATUS = { mprv: 1 << 17, sum: 1 << 18, mxr: 1 << 19, mppShift: 11 } as const;
const MPV_HIGH = 1 << 7;
const MODE_SV39 = 8n << 60n;

/** A hart with two address spaces of S-mode, two of VS-mode, and two guests, over the same virtual addresses. */
class ContextBed extends HartBed {
  readonly access: MemoryAccess;
  #tables = TABLES;
  readonly satps: readonly bigint[];
  readonly vsatps: readonly bigint[];
  readonly hgatps: readonly bigint[];

  constructor() {
    super();
    const { state, mmu, tlb, physical, pmp } = this.hart;
    pmp.allowAll();
    this.access = new MemoryAccess(state, mmu, tlb, physical, new HartDebug(state.words));
    const inner = (page: number): number => FLAGS[page % FLAGS.length] ?? 0;
    const outer = (page: number): number => FLAGS[Math.floor(page / FLAGS.length)] ?? 0;
    const data = (space: number, page: number): number => DATA + ((space * 7 + page) % PAGES) * PAGE;
    const addressSpace = (asid: number, target: (page: number) => number): bigint =>
      this.#space(asid, 1, (page) => [target(page), inner(page)]);
    this.satps = [0n, addressSpace(1, (page) => data(0, page)), addressSpace(2, (page) => data(1, page))];
    const guestPage = (offset: number) => (page: number) => FIRST_PAGE + ((page + offset) % PAGES) * PAGE;
    this.vsatps = [0n, addressSpace(1, guestPage(0)), addressSpace(2, guestPage(8))];
    const guest = (vmid: number, space: number): bigint =>
      this.#space(vmid, 4, (page) => [data(space, page), outer(page) | PTE.u]);
    this.hgatps = [0n, guest(1, 2), guest(2, 3)];
  }

  /** Three levels that map the pages, and RAM as it is for the tables of the stage above. */
  #space(id: number, rootPages: number, leaf: (page: number) => readonly [number, number]): bigint {
    const [root, middle, leaves] = [rootPages * PAGE, PAGE, PAGE].map((bytes) => {
      const table = this.#tables;
      this.#tables += bytes;
      return table;
    }) as [number, number, number];
    this.setEntry(root, RAM / 2 ** 30, RAM, PTE.all | PTE.u);
    this.setEntry(root, FIRST_PAGE / 2 ** 30, middle, PTE.v);
    this.setEntry(middle, 0, leaves, PTE.v);
    for (let page = 0; page < PAGES; page++) {
      const [target, flags] = leaf(page);
      this.setEntry(leaves, page, target, flags === 0 ? 0 : flags | PTE.v | PTE.a | PTE.d);
    }
    return MODE_SV39 | (BigInt(id) << 44n) | BigInt(root >>> 12);
  }

  use(context: ContextChoice): void {
    const { state, tlb } = this.hart;
    const { csr } = state;
    const set = (field: number, value: bigint): void => {
      const [low, high] = halves(value);
      csr[field] = low;
      csr[field + 1] = high;
    };
    const { privilege, virtual } = MODES[context.mode];
    state.privilege = privilege;
    state.virtual = virtual;
    set(CSR.satp, this.satps[context.satp] ?? 0n);
    set(CSR.vsatp, this.vsatps[context.vsatp] ?? 0n);
    set(CSR.hgatp, this.hgatps[context.hgatp] ?? 0n);
    csr[CSR.mstatus] =
      (context.sum ? STATUS.sum : 0) |
      (context.mxr ? STATUS.mxr : 0) |
      // MPRV is never set outside of M-mode: every return to a lower one clears it.
      (context.mprv && privilege === 3 ? STATUS.mprv : 0) |
      (MODES[context.previous].privilege << STATUS.mppShift);
    csr[CSR.mstatus + 1] = MODES[context.previous].virtual === 1 ? MPV_HIGH : 0;
    csr[CSR.vsstatus] = (context.guestSum ? STATUS.sum : 0) | (context.guestMxr ? STATUS.mxr : 0);
    tlb.select();
  }

  /** The answer of generated code for an access of one byte: an address in linear memory, or undefined on a miss. */
  probe(access: Access, address: number): number | undefined {
    const { words, addresses } = this.hart.state;
    const table = { [ACCESS.load]: TLB.loads, [ACCESS.store]: TLB.stores, [ACCESS.fetch]: TLB.fetches }[
      access
    ];
    const keyField = {
      [ACCESS.load]: FIELD.loadKey,
      [ACCESS.store]: FIELD.storeKey,
      [ACCESS.fetch]: FIELD.fetchKey,
    };
    const key = words[keyField[access] >> 2] ?? 0;
    const tlb = new Int32Array(this.memory.buffer, addresses[FIELD.tlb >> 2]);
    const entry = (table + ((address >>> 12) % TLB.entries) * TLB.entryBytes) >> 2;
    if (tlb[entry] !== ((address & -PAGE) | key) || tlb[entry + 1] !== 0) return undefined;
    return ((tlb[entry + 2] ?? 0) + address) >>> 0;
  }

  perform(access: Access, address: number): boolean {
    const { words } = this.hart.state;
    words[FIELD.mailboxAddress >> 2] = address;
    words[(FIELD.mailboxAddress >> 2) + 1] = 0;
    if (access === ACCESS.store) return this.access.store(1);
    return this.access.load(LOAD_KINDS.findIndex(({ bytes }) => bytes === 1));
  }
}

const MODES = {
  M: { privilege: 3, virtual: 0 },
  HS: { privilege: 1, virtual: 0 },
  U: { privilege: 0, virtual: 0 },
  VS: { privilege: 1, virtual: 1 },
  VU: { privilege: 0, virtual: 1 },
} as const;
const modeNames = ['M', 'HS', 'U', 'VS', 'VU'] as const;

const choice = fc.record(
  {
    mode: fc.constantFrom(...modeNames),
    previous: fc.constantFrom(...modeNames),
    mprv: fc.boolean(),
    sum: fc.boolean(),
    mxr: fc.boolean(),
    guestSum: fc.boolean(),
    guestMxr: fc.boolean(),
    satp: fc.nat({ max: 2 }),
    vsatp: fc.nat({ max: 2 }),
    hgatp: fc.nat({ max: 2 }),
  },
  { noNullPrototype: true },
);
type ContextChoice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

const data = fc.constantFrom<Access>(ACCESS.load, ACCESS.store);

describe('contexts', () => {
  test('what one context may access, and where it leads, never holds for another', () => {
    const bed = new ContextBed();
    let hits = 0;
    const steps = fc.record({
      contexts: fc.array(choice, { minLength: 2, maxLength: 4 }),
      page: fc.nat(PAGES - 1),
      access: data,
    });
    const property = fc.property(fc.array(steps, { minLength: 1, maxLength: 8 }), (list) => {
      bed.hart.tlb.flushAll();
      for (const { contexts, page, access } of list) {
        const address = FIRST_PAGE + page * PAGE + 5;
        // Twice, so that each context meets what the others have left behind.
        for (const context of [...contexts, ...contexts]) {
          bed.use(context);
          const found = bed.probe(access, address);
          const allowed = bed.hart.mmu.translate(address, 0, access, 1);
          if (found !== undefined) {
            hits++;
            expect(allowed).toBe(true);
            expect(found).toBe(bed.hostOf(bed.hart.mmu.physical));
          }
          bed.perform(access, address);
        }
      }
    });
    fc.assert(property, { numRuns: 1500 });
    expect(hits).toBeGreaterThan(1000);
  });

  /** Contexts that differ in one thing, of which only the first may read the page. */
  const base: ContextChoice = {
    mode: 'VS',
    previous: 'M',
    mprv: false,
    sum: false,
    mxr: false,
    guestSum: false,
    guestMxr: false,
    satp: 1,
    vsatp: 1,
    hgatp: 1,
  };
  const executable = FLAGS.indexOf(PTE.x);
  const readable = FLAGS.indexOf(PTE.r | PTE.x);
  const user = FLAGS.indexOf(PTE.r | PTE.u);

  test.each<[string, Partial<ContextChoice>, Partial<ContextChoice>, number]>([
    [
      'mstatus.MXR over vsstatus.MXR',
      { mxr: true },
      { guestMxr: true },
      executable * FLAGS.length + executable,
    ],
    ['vsstatus.MXR', { guestMxr: true }, {}, readable * FLAGS.length + executable],
    ['vsstatus.SUM', { guestSum: true }, {}, readable * FLAGS.length + user],
    ['mstatus.SUM', { mode: 'HS', sum: true }, { mode: 'HS' }, user],
    ['mstatus.MXR', { mode: 'HS', mxr: true }, { mode: 'HS' }, executable],
    ['privilege', { mode: 'U' }, { mode: 'HS' }, user],
    ['MPRV', { mode: 'M', mprv: true, previous: 'U' }, { mode: 'M', mprv: true, previous: 'HS' }, user],
    ['address space', { mode: 'HS', mxr: true, satp: 1 }, { mode: 'HS', mxr: false, satp: 2 }, readable],
  ])('only by %s', (_, allowed, refused, page) => {
    const bed = new ContextBed();
    const address = FIRST_PAGE + page * PAGE;
    bed.use({ ...base, ...allowed });
    expect(bed.perform(ACCESS.load, address)).toBe(true);
    expect(bed.probe(ACCESS.load, address)).toBeDefined();
    bed.use({ ...base, ...refused });
    expect(bed.probe(ACCESS.load, address)).toBeUndefined();
  });
});
