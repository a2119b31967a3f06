import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HartBed, PAGE, PTE, RAM } from '../../../test/hart/hart-bed.ts';
import { FIELD } from '../layout.ts';
import { generateInterpreter } from './generate.ts';

/** Everything privileged in TypeScript. */
const slowModule = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: 65536 }, 64, false));

const CODE = RAM;
const HANDLER = RAM + 0x8000;
const TABLES = RAM + 0x2_0000;
const DATA = RAM + 0x10_0000;
const DATA_PAGES = 16;
/** Where the data pages are mapped, through leaves of 4 KiB, and where 2 MiB are, by one leaf. */
const SMALL = 0x4000_0000;
const LARGE = 0x4020_0000;
/** Where U-mode finds the code. */
const USER_CODE = 0xc000_0000;
const STEPS_TO_LEAVE = 20_000;

/** Handler of HS-mode, and the tables of the G-stage, which has everything at its own address. */
const HYPERVISOR = RAM + 0x9000;
const GUEST_TABLES = RAM + 0x4_0000;
const GUEST_LEAVES = GUEST_TABLES + 5 * PAGE;

const SPV = 1n << 7n;
const SPVP = 1n << 8n;
const SPP = 1n << 8n;

const REGISTERS = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5'];
const register = fc.constantFrom(...REGISTERS);

/** Addresses that are mapped somehow, misaligned, between pages, not canonical, or not mapped at all. */
const address = fc.oneof(
  { weight: 8, arbitrary: fc.nat(DATA_PAGES * PAGE - 8).map((at) => BigInt(SMALL + (at & ~7))) },
  fc.nat(DATA_PAGES * PAGE).map((at) => BigInt(SMALL + at)),
  fc.nat(0x1f_ffff).map((at) => BigInt(LARGE + at)),
  fc.constantFrom(0n, 1n << 38n, 1n << 40n, BigInt(RAM + 0x1000), -8n, 0x8000_0000_0000_0000n),
);

const CSRS = ['sscratch', 'sepc', 'scause', 'stval', 'sstatus', 'satp', 'stvec', 'fflags', 'frm', 'fcsr'];
const COUNTERS = ['cycle', 'time', 'instret', 'sip', 'sie'];
const csr = fc.constantFrom(...CSRS, ...COUNTERS);

/** sstatus without FS, and with it; SUM, MXR, SIE, SPIE. */
const statusBits = fc.constantFrom(1n << 18n, 1n << 18n, 1n << 19n, 2n, 0x20n, 3n << 13n, 1n << 13n);

const access = fc.constantFrom(
  ...['ld', 'lw', 'lwu', 'lh', 'lhu', 'lb', 'lbu', 'sd', 'sw', 'sh', 'sb', 'fld', 'fsd'],
);
const atomic = fc.constantFrom('lr.w', 'lr.d', 'amoadd.w', 'amoadd.d', 'amoswap.w', 'sc.d');

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(access, register, address).map(([name, r, at]) => accessText(name, r, at)),
  },
  fc.tuple(atomic, register, address).map(([name, r, at]) => atomicText(name, r, at)),
  fc.tuple(csr, register).map(([name, r]) => `csrr ${r}, ${name}`),
  fc
    .tuple(
      fc.constantFrom('csrrw', 'csrrs', 'csrrc'),
      fc.constantFrom(...CSRS.filter(isHarmless)),
      register,
      register,
    )
    .map(([op, name, rd, rs]) => `${op} ${rd}, ${name}, ${rs}`),
  fc
    .tuple(
      fc.constantFrom('csrrsi', 'csrrci', 'csrrwi'),
      fc.constantFrom('fcsr', 'sscratch', 'scause'),
      fc.nat(31),
    )
    .map(([op, name, imm]) => `${op} a0, ${name}, ${imm}`),
  fc
    .tuple(fc.constantFrom('csrs', 'csrc'), statusBits)
    .map(([op, bits]) => `li t5, ${bits}\n ${op} sstatus, t5`),
  fc.constantFrom('csrsi sip, 2', 'csrci sip, 2', 'csrsi sie, 2', 'csrci sie, 2'),
  fc.constantFrom('ecall', 'ebreak', 'fence.i', 'sfence.vma', 'fadd.d fa0, fa0, fa1', 'cbo.zero (a0)'),
  address.map((at) => `li t5, ${at}\n sfence.vma t5`),
  address.map((at) => `li t5, ${at}\n cbo.zero (t5)`),
  fc.nat(1).map((root) => `csrw satp, s${root + 2}`),
  fc.nat(DATA_PAGES - 1).map(sumText),
  // Another entry for a data page. Without the fence, what holds until then may differ.
  fc.tuple(fc.nat(DATA_PAGES - 1), fc.nat(0xff)).map(([page, flags]) => entryText(page, flags)),
);

const snippet = fc.oneof({ weight: 8, arbitrary: step }, fc.array(step, { maxLength: 6 }).map(visitText));

function isHarmless(name: string): boolean {
  return !['sstatus', 'satp', 'stvec'].includes(name);
}

const accessText = (name: string, r: string, at: bigint): string =>
  `li t5, ${at}\n ${name} ${name.startsWith('f') ? 'fa0' : r}, (t5)`;

function atomicText(name: string, r: string, at: bigint): string {
  return `li t5, ${at}\n ${name} ${name.startsWith('lr') ? r : `${r}, a5`}, (t5)`;
}

let label = 0;

/** A visit to U-mode, where the code is mapped a second time; the handler goes back to S-mode when t3 is 1. */
function visitText(body: readonly string[]): string {
  label++;
  return `la t2, back${label}
    la t5, user${label}
    add t5, t5, s4
    csrw sepc, t5
    li t5, ${SPP}
    csrc sstatus, t5
    sret
    user${label}: ${body.join('\n')}
    li t3, 1
    ecall
    back${label}:`;
}

const HANDLER_TEXT = `csrr t6, sepc
  addi t6, t6, 4
  beqz t3, 1f
  mv t6, t2
  li t3, ${SPP}
  csrs sstatus, t3
  li t3, 0
  1: csrw sepc, t6
  sret`;

const leafTable = (root: number): number => TABLES + root * 8 * PAGE + 2 * PAGE;

/** From S-mode: tables are mapped with the code. */
const entryText = (page: number, flags: number): string => `${touchText(page)}
  li t5, ${leafTable(0) + page * 8}
  li t4, ${entry(DATA + page * PAGE, flags)}
  sd t4, (t5)
  li t5, ${SMALL + page * PAGE}
  sfence.vma t5
  ${touchText(page)}`;

const touchText = (page: number): string => `li t5, ${SMALL + page * PAGE}
  ld a0, (t5)
  sb a1, 8(t5)`;

/** A page with SUM and without, twice: from the second time on the contexts are known. */
function sumText(page: number): string {
  return ['csrs', 'csrc', 'csrs', 'csrc']
    .map((op) => `li t5, ${1 << 18}\n ${op} sstatus, t5\n ${touchText(page)}`)
    .join('\n');
}

const entry = (target: number, flags: number): bigint => (BigInt(target >>> 12) << 10n) | BigInt(flags);

/** A guest of a host in TypeScript, a supervisor, or a guest of a hypervisor in HS-mode. */
type Role = 'guest' | 'supervisor' | 'nested';

/** A naturally aligned PMP entry: a page of RAM in it, log2 of its size in bytes, and permissions. */
type Protection = readonly [page: number, size: number, permissions: number];

interface Plan {
  readonly program: string;
  readonly role: Role;
  /** PMP entries before one that lets everything through. */
  readonly protection: readonly Protection[];
  /** Pages of RAM whose entries in the G-stage have these flags. */
  readonly guestPages: readonly (readonly [page: number, flags: number])[];
  /** Entries of both address spaces: flags, and the upper bits. */
  readonly entries: readonly (readonly [flags: number, upper: number])[];
  readonly large: number;
  readonly updates: boolean;
  readonly registers: readonly bigint[];
}

function prepare(plan: Plan, module?: WebAssembly.Module): HartBed {
  const isGuest = plan.role !== 'supervisor';
  const bed = new HartBed({
    hsHost: plan.role === 'guest',
    ...(module === undefined ? {} : { interpreter: module }),
  });
  bed.load(`${plan.program}\nend: j end`, CODE);
  bed.load(HANDLER_TEXT, HANDLER);
  for (const root of [0, 1]) prepareTables(bed, plan, root);
  bed.setCsr('menvcfg', (1n << 63n) | (plan.updates ? 1n << 61n : 0n) | 0xf0n);
  bed.setCsr('mcounteren', 7n);
  bed.setCsr('scounteren', 5n);
  const s = isGuest ? 'vs' : 's';
  bed.setCsr(`${s}tvec`, BigInt(HANDLER));
  if (isGuest) {
    bed.setCsr('henvcfg', bed.csr('menvcfg'));
    bed.setCsr('hedeleg', 0xb1ffn);
    bed.setCsr('hideleg', 0x444n);
    bed.setCsr('hcounteren', 3n);
    bed.setCsr('vsstatus', 1n << 13n);
  }
  if (plan.role !== 'guest') {
    protect(bed, plan.protection);
    bed.setCsr('medeleg', 0xf0_b1ffn);
    bed.setCsr('mideleg', 0x222n);
  }
  if (plan.role === 'nested') prepareGuestTables(bed, plan);
  bed.setCsr(`${s}atp`, satp(0));
  bed.setX('s2', satp(0));
  bed.setX('s3', satp(1));
  bed.setX('s4', BigInt(USER_CODE - RAM));
  for (const [index, name] of REGISTERS.entries()) bed.setX(name, plan.registers[index] ?? 0n);
  bed.ticks = 123_456;
  bed.setCsr('sstatus', SPP | (1n << 13n));
  bed.setCsr('sepc', BigInt(CODE));
  if (isGuest) bed.setCsr('hstatus', SPV | SPVP);
  bed.hart.resumeGuest();
  return bed;
}

/** All entries are locked, so that they are about M-mode, too. */
function protect(bed: HartBed, protection: readonly Protection[]): void {
  let config = 0x1fn << BigInt(protection.length * 8);
  for (const [index, [page, size, permissions]] of protection.entries()) {
    const base = BigInt(RAM + page * PAGE) & -(1n << BigInt(size));
    bed.setCsr(`pmpaddr${index}`, (base >> 2n) | ((1n << BigInt(size - 3)) - 1n));
    config |= BigInt(0x98 | permissions) << BigInt(index * 8);
  }
  bed.setCsr(`pmpaddr${protection.length}`, (1n << 54n) - 1n);
  bed.setCsr('pmpcfg0', config);
}

/** Sv39x4 with a leaf of 4 KiB for each page of RAM. */
function prepareGuestTables(bed: HartBed, { guestPages }: Plan): void {
  bed.load('csrr t6, sepc\naddi t6, t6, 4\ncsrw sepc, t6\nsret', HYPERVISOR);
  bed.setCsr('stvec', BigInt(HYPERVISOR));
  bed.setEntry(GUEST_TABLES, RAM / 2 ** 30, GUEST_TABLES + 4 * PAGE, PTE.v);
  bed.setEntry(GUEST_TABLES + 4 * PAGE, 0, GUEST_LEAVES, PTE.v);
  for (let page = 0; page < 512; page++) bed.setEntry(GUEST_LEAVES, page, RAM + page * PAGE, PTE.all | PTE.u);
  for (const [page, flags] of guestPages) bed.setEntry(GUEST_LEAVES, page, RAM + page * PAGE, flags);
  bed.setCsr('hgatp', (8n << 60n) | (3n << 44n) | BigInt(GUEST_TABLES >>> 12));
}

const satp = (root: number): bigint =>
  (8n << 60n) | (BigInt(root) << 44n) | BigInt((TABLES + root * 8 * PAGE) >>> 12);

/** Sv39: code and tables in a page of 1 GiB at their address, and in another for U-mode. */
function prepareTables(bed: HartBed, { entries, large }: Plan, root: number): void {
  const base = TABLES + root * 8 * PAGE;
  bed.setEntry(base, RAM / 2 ** 30, RAM & ~0x3fff_ffff, PTE.all);
  bed.setEntry(base, USER_CODE / 2 ** 30, RAM, PTE.all | PTE.u);
  bed.setEntry(base, 1, base + PAGE, PTE.v);
  bed.setEntry(base + PAGE, 0, leafTable(root), PTE.v);
  bed.setEntry(base + PAGE, 1, DATA, large);
  for (let page = 0; page < DATA_PAGES; page++) {
    const [flags, upper] = entries[(page + root * 5) % entries.length] ?? [PTE.all, 0];
    const target = DATA + ((page * 3 + root) % DATA_PAGES) * PAGE;
    bed.write64(leafTable(root) + page * 8, entry(target, flags) | (BigInt(upper) << 54n));
  }
}

function outcome(bed: HartBed): Record<string, unknown> {
  bed.hart.privileged.foldFloat();
  const { words } = bed.hart.state;
  const at = (field: number, count: number): number[] => [...words.slice(field >> 2, (field >> 2) + count)];
  const { exceptionRow } = bed.hart;
  return {
    x: [...bed.hart.state.x],
    f: [...bed.hart.state.f],
    pc: bed.pc,
    csr: [...bed.hart.state.csr],
    mode: at(FIELD.privilege, 2),
    float: at(FIELD.fflags, 3),
    instructions: bed.hart.instructions,
    row: [exceptionRow.length, exceptionRow.total, exceptionRow.cause, exceptionRow.firstPcLow],
    memory: createHash('sha1')
      .update(bed.bytes.slice(bed.hostOf(TABLES), bed.hostOf(DATA + 0x8_0000)))
      .digest('hex'),
  };
}

/** Mostly such as let accesses through. */
const entryFlags = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<number>(PTE.all, PTE.all | PTE.u, PTE.v | PTE.rwx, PTE.v | PTE.rwx | PTE.u),
  },
  fc.nat(0xff),
);
const upperBits = fc.oneof(
  { weight: 9, arbitrary: fc.constant(0) },
  fc.constantFrom(1, 0x80, 0x100, 0x200, 0x3ff),
);

/** Pages of RAM with data, and those with tables: unless these can be read, nothing goes on. */
const dataPage = fc.nat(DATA_PAGES - 1).map((page) => (DATA - RAM) / PAGE + page);
const tablePage = fc.nat(0x2f).map((page) => (TABLES - RAM) / PAGE + page);
const protection = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(
      dataPage,
      fc.constantFrom(3, 5, 11, 12, 12, 13, 14),
      fc.constantFrom(0, 1, 1, 3, 3, 4, 5, 7),
    ),
  },
  fc.tuple(tablePage, fc.constantFrom(12, 13), fc.constantFrom(1, 3)),
);
const readable = PTE.v | PTE.r | PTE.u | PTE.a;
const guestPage = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(dataPage, entryFlags) },
  fc.tuple(tablePage, fc.constantFrom(readable, readable | PTE.w, readable | PTE.w | PTE.d)),
);

const plan: fc.Arbitrary<Plan> = fc.record({
  program: fc.array(snippet, { minLength: 10, maxLength: 60 }).map((lines) => lines.join('\n')),
  role: fc.constantFrom<Role>('guest', 'supervisor', 'nested'),
  protection: fc.array(protection, { maxLength: 3 }),
  guestPages: fc.array(guestPage, { maxLength: 6 }),
  entries: fc.array(fc.tuple(entryFlags, upperBits), { minLength: DATA_PAGES, maxLength: DATA_PAGES }),
  large: entryFlags,
  updates: fc.boolean(),
  registers: fc.array(fc.oneof(address, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), {
    minLength: 6,
    maxLength: 6,
  }),
});

describe('what generated code does of the privileged architecture', () => {
  test('is what TypeScript does', () => {
    let finished = 0;
    const property = fc.property(plan, (given) => {
      const fast = prepare(given);
      const slow = prepare(given, slowModule);
      const ends = [fast, slow].map((bed) => {
        bed.run(STEPS_TO_LEAVE);
        const end = BigInt(bed.symbol('end'));
        return bed.pc === end || bed.pc === end + BigInt(USER_CODE - RAM);
      });
      expect(ends[0]).toBe(ends[1]);
      // Traps without end have no end in common.
      if (ends[1] === true) {
        finished++;
        expect(outcome(fast)).toEqual(outcome(slow));
      }
    });
    fc.assert(property, { numRuns: 90 });
    expect(finished).toBeGreaterThan(20);
    // Beside other tests, on a busy machine.
  }, 240_000);
});
