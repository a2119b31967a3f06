/** Physical memory protection of code, to the instruction: what may not be executed is not, however it is come to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BedEngine, DEVICE, FINISHER, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import { registerNumber } from '../isa/index.ts';

/** The code under protection goes on from one page into the next. */
const CODE = RAM + 0x2_0000;
const HANDLER = RAM + 0x4_0000;
/** The code goes on to where s0 says: here, to begin at s3 again and again, or to the end. */
const AGAIN = HANDLER + 0x100;
const END = HANDLER + 0x200;
const TABLES = RAM + 0x5_0000;
const GUEST_TABLES = RAM + 0x6_0000;
const DATA = RAM + 0x7_0000;

const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const TOR = 1 << 3;
const NA4 = 2 << 3;
const NAPOT = 3 << 3;
const LOCKED = 0x80;

const FETCH_ACCESS = 1n;
const ILLEGAL = 2n;

const SPP = 1n << 8n;
const SPV = 1n << 7n;
const SPVP = 1n << 8n;
const MPRV = 1n << 17n;

const ENGINES: readonly BedEngine[] = ['interp', 'jit', 'lockstep'];

const rootAt = (table: number): bigint => (8n << 60n) | BigInt(table >>> 12);

type Mode = 'M' | 'M with MPRV' | 'S' | 'U' | 'S paged' | 'U paged' | 'VS' | 'VU';
const MODES: readonly Mode[] = ['M', 'M with MPRV', 'S', 'U', 'S paged', 'U paged', 'VS', 'VU'];

/** An entry of the protection: a configuration byte, and the value of pmpaddr. */
interface Entry {
  readonly config: number;
  readonly address: number;
}

/** The entry of a range of a power of two of bytes, 8 or more. */
const power = (start: number, bytes: number, config: number): Entry => ({
  config: config | NAPOT,
  address: start / 4 + bytes / 8 - 1,
});
const word = (start: number, config: number): Entry => ({ config: config | NA4, address: start / 4 });
/** Two entries, of which the first one only says where the second one begins. */
const range = (start: number, end: number, config: number): readonly Entry[] => [
  { config: 0, address: start / 4 },
  { config: config | TOR, address: end / 4 },
];

class CodeBed extends HartBed {
  regions = 0;

  constructor(engine: BedEngine) {
    let count = (): void => undefined;
    super({ engine, ramBytes: 0x8_0000, onRegion: () => count() });
    count = () => {
      this.regions++;
    };
  }

  /** Back to a hart without protection. */
  restart(): void {
    this.both((hart) => hart.reset());
    this.protect([]);
    this.askToLeave(0);
    this.load('end: j end', HANDLER);
    this.load('addi s4, s4, -1\n beqz s4, 1f\n jr s3\n 1: .half 0', AGAIN);
    this.load('.half 0', END);
    this.setCsr('mtvec', BigInt(HANDLER));
    this.setCsr('medeleg', 0n);
    this.setEntry(TABLES, RAM / 2 ** 30, RAM, PTE.all);
    this.setEntry(TABLES + PAGE, RAM / 2 ** 30, RAM, PTE.all | PTE.u);
    this.setEntry(GUEST_TABLES, RAM / 2 ** 30, RAM, PTE.all | PTE.u);
  }

  /** Sets entries, before one that opens all the rest of memory. */
  protect(entries: readonly Entry[]): void {
    const bytes = new Uint8Array(16);
    entries.forEach(({ config, address }, index) => {
      this.setCsr(`pmpaddr${index}`, BigInt(address));
      bytes[index] = config;
    });
    bytes[15] = NAPOT | READ | WRITE | EXECUTE;
    this.setCsr('pmpaddr15', (1n << 54n) - 1n);
    const words = new BigUint64Array(bytes.buffer);
    this.setCsr('pmpcfg2', words[1] ?? 0n);
    this.setCsr('pmpcfg0', words[0] ?? 0n);
  }

  /** Runs in a mode from a place on, until the first trap. */
  runFrom(pc: number, mode: Mode): void {
    const isUser = mode.startsWith('U') || mode === 'VU';
    const isGuest = mode.startsWith('V');
    const tables = BigInt(isUser ? TABLES + PAGE : TABLES);
    this.setCsr('mstatus', mode === 'M with MPRV' ? MPRV : isUser || mode === 'M' ? 0n : SPP);
    this.setCsr('satp', mode.endsWith('paged') ? rootAt(Number(tables)) : 0n);
    this.setCsr('vsatp', rootAt(Number(tables)));
    this.setCsr('hgatp', rootAt(GUEST_TABLES));
    this.setCsr('hstatus', isGuest ? SPV | SPVP : 0n);
    this.both((hart) => {
      hart.state.setPc(pc | 0, 0);
    });
    if (!mode.startsWith('M')) {
      this.setCsr('sepc', BigInt(pc));
      this.both((hart) => hart.resumeGuest());
    }
    const end = BigInt(HANDLER);
    for (let runs = 0; this.pc !== end; runs++) {
      if (runs > 10_000) throw new Error(`no trap; pc 0x${this.pc.toString(16)}`);
      this.askToLeave(0);
      this.run(this.engine === 'lockstep' ? 500 : 24);
    }
  }

  /** Runs the code often enough for it to be compiled. */
  warmUp(pc: number, mode: Mode): void {
    this.setRegister('s0', AGAIN);
    this.setRegister('s3', pc);
    this.setRegister('s4', 60);
    this.runFrom(pc, mode);
  }

  setRegister(name: string, value: number): void {
    const index = registerNumber('x', name) ?? 0;
    this.both((hart) => hart.state.setX(index, value | 0, 0));
  }
}

/** Whether two bytes at an address may be executed, straight from the definition of the matching modes. */
function executable(entries: readonly Entry[], address: number, isMachine: boolean): boolean {
  const unit = Math.floor(address / 4);
  for (const [index, entry] of entries.entries()) {
    if (!matches(entry, index === 0 ? 0 : (entries[index - 1]?.address ?? 0), unit)) continue;
    return (isMachine && (entry.config & LOCKED) === 0) || (entry.config & EXECUTE) !== 0;
  }
  return true;
}

function matches({ config, address }: Entry, below: number, unit: number): boolean {
  switch (config & NAPOT) {
    case TOR:
      return unit >= below && unit < address;
    case NA4:
      return unit === address;
    case NAPOT: {
      const ignored = (address ^ (address + 1)) >>> 0;
      return (unit | ignored) >>> 0 === (address | ignored) >>> 0;
    }
    default:
      return false;
  }
}

describe.each(ENGINES)('with engine %s', (engine) => {
  const bed = new CodeBed(engine);
  const NOT = READ | LOCKED;
  /** In the middle of a page, and around its end. */
  const places = [CODE + 0x800, CODE + PAGE - 8];
  // Each adds 1, 2, 4, ... to a0. `at` is 8 bytes behind the start.
  const through = (second: string) =>
    `start: addi a0, a0, 1\n addi a0, a0, 2\n at: ${second}\n addi a0, a0, 8\n c.jr s0`;

  const cases: readonly {
    name: string;
    source: string;
    entries: (at: number) => readonly Entry[];
    /** The value of a0 at the end, and how far behind `at` the trap is; undefined: at the end. */
    a0: bigint;
    epc?: number;
    tval?: number;
  }[] = [
    {
      name: 'falling into 4 bytes',
      source: through('addi a0, a0, 4'),
      entries: (at) => [word(at, NOT)],
      ...{ a0: 3n, epc: 0, tval: 0 },
    },
    {
      name: 'falling into a power of two',
      source: through('addi a0, a0, 4'),
      entries: (at) => [power(at, 8, NOT)],
      ...{ a0: 3n, epc: 0, tval: 0 },
    },
    {
      name: 'falling into a range',
      source: through('addi a0, a0, 4'),
      entries: (at) => range(at + 4, at + 12, NOT),
      ...{ a0: 7n, epc: 4, tval: 4 },
    },
    {
      name: 'a jump into it',
      source: 'start: j at\n .word 0\n at: addi a0, a0, 4\n c.jr s0',
      entries: (at) => [word(at, NOT)],
      ...{ a0: 0n, epc: 0, tval: 0 },
    },
    {
      name: 'a branch into it',
      source: 'start: beqz x0, at\n .word 0\n at: addi a0, a0, 4\n c.jr s0',
      entries: (at) => [word(at, NOT)],
      ...{ a0: 0n, epc: 0, tval: 0 },
    },
    {
      name: 'a jump to an address in a register',
      source: 'start: jalr x0, 0(s1)\n .word 0\n at: addi a0, a0, 4\n c.jr s0',
      entries: (at) => [word(at, NOT)],
      ...{ a0: 0n, epc: 0, tval: 0 },
    },
    {
      name: 'a jump over it',
      source: 'start: addi a0, a0, 1\n j over\n at: addi a0, a0, 4\n over: addi a0, a0, 8\n c.jr s0',
      entries: (at) => [word(at, NOT)],
      a0: 9n,
    },
    {
      name: 'compressed instructions before it',
      source: 'start: c.addi a0, 1\n c.addi a0, 1\n c.addi a0, 1\n c.nop\n at: c.addi a0, 4\n c.jr s0',
      entries: (at) => [word(at, NOT)],
      ...{ a0: 3n, epc: 0, tval: 0 },
    },
    {
      name: 'the second compressed instruction of a word',
      source: 'start: addi a0, a0, 1\n c.nop\n c.j at + 2\n at: c.addi a0, 4\n c.addi a0, 8\n c.jr s0',
      entries: (at) => [word(at, NOT)],
      ...{ a0: 1n, epc: 2, tval: 2 },
    },
    {
      name: 'the second half of an instruction',
      source: 'start: addi a0, a0, 1\n c.nop\n lone: addi a0, a0, 2\n at: c.addi a0, 4\n c.jr s0',
      // `at` is 10 bytes behind the start here.
      entries: (at) => [word(at - 2, NOT)],
      ...{ a0: 1n, epc: -4, tval: -2 },
    },
    {
      name: 'the first half of an instruction',
      source: 'start: j lone\n c.nop\n lone: addi a0, a0, 2\n at: c.addi a0, 4\n c.jr s0',
      entries: (at) => [word(at - 6, NOT)],
      ...{ a0: 0n, epc: -4, tval: -4 },
    },
    {
      name: 'an island that may be executed',
      source: through('addi a0, a0, 4'),
      entries: (at) => [
        word(at, NOT | EXECUTE),
        power(at - 8, 8, EXECUTE | LOCKED),
        power(CODE, 2 * PAGE, NOT),
      ],
      ...{ a0: 7n, epc: 4, tval: 4 },
    },
    {
      name: 'an entry that comes first and allows it',
      source: through('addi a0, a0, 4'),
      entries: (at) => [word(at, EXECUTE | LOCKED), power(at, 8, EXECUTE | LOCKED), power(at, 8, NOT)],
      a0: 15n,
    },
    {
      name: 'data in it that is loaded',
      source: through('ld a0, 0(s2)'),
      entries: (at) => [word(at, EXECUTE | LOCKED), word(at + 4, NOT)],
      ...{ a0: 0n, epc: 4, tval: 4 },
    },
  ];

  // Lock step is for the random programs.
  for (const isWarm of engine === 'lockstep' ? [] : [false, true]) {
    describe(isWarm ? 'that has compiled the code' : 'that sees the code for the first time', () => {
      test.each(cases)('$name', ({ source, entries, a0, epc, tval }) => {
        for (const place of places) {
          for (const mode of MODES) {
            bed.restart();
            bed.load(source, place);
            const at = bed.symbol('at');
            const entriesHere = entries(source.includes('lone:') ? at : place + 8);
            bed.both((hart) => hart.fenceI());
            bed.setRegister('s1', at);
            bed.setRegister('s2', DATA);
            if (isWarm) bed.warmUp(place, mode);
            if (isWarm && engine === 'jit') expect(bed.regions).toBeGreaterThan(0);
            bed.protect(entriesHere);
            bed.setRegister('a0', 0);
            bed.setRegister('s0', END);
            bed.runFrom(place, mode);
            const say = `${mode}, 0x${place.toString(16)}`;
            expect(bed.csr('mcause'), say).toBe(epc === undefined ? ILLEGAL : FETCH_ACCESS);
            expect(bed.x('a0'), say).toBe(a0);
            expect(bed.csr('mepc'), say).toBe(BigInt(epc === undefined ? END : at + epc));
            expect(bed.csr('mtval'), say).toBe(tval === undefined ? 0n : BigInt(at + tval));
          }
        }
      });
    });
  }

  describe('instructions that TypeScript carries out', () => {
    /** Runs in M-mode beside a word that may not be executed. */
    function runBeside(source: string, place = CODE + 0x800): void {
      bed.restart();
      bed.load(source, place);
      bed.both((hart) => hart.fenceI());
      bed.protect([word(CODE + 0x400, NOT), word(CODE + PAGE + 0x400, NOT)]);
      bed.setRegister('a0', 0);
      bed.setRegister('s0', END);
      bed.setRegister('s2', DEVICE);
      bed.runFrom(place, 'M');
    }

    test.each([CODE + 0x800, CODE + PAGE - 2])('raise what they would elsewhere, at %i', (place) => {
      runBeside('.word 0xffffffff', place);
      expect([bed.csr('mcause'), bed.csr('mtval'), bed.csr('mepc')]).toEqual([
        2n,
        0xffff_ffffn,
        BigInt(place),
      ]);
      runBeside('.half 0x9c41', place);
      expect([bed.csr('mcause'), bed.csr('mtval'), bed.csr('mepc')]).toEqual([2n, 0x9c41n, BigInt(place)]);
      runBeside('ebreak', place);
      expect([bed.csr('mcause'), bed.csr('mepc')]).toEqual([3n, BigInt(place)]);
      runBeside('ld a0, 0(x0)', place);
      expect([bed.csr('mcause'), bed.csr('mtval'), bed.csr('mepc')]).toEqual([5n, 0n, BigInt(place)]);
    });

    test.each([CODE + 0x800, CODE + PAGE - 2])('are followed by the next one, at %i', (place) => {
      runBeside('csrrwi a0, pmpaddr9, 21\n csrr a0, pmpaddr9\n addi a0, a0, 1\n c.jr s0', place);
      expect([bed.x('a0'), bed.csr('mepc')]).toEqual([22n, BigInt(END)]);
      // A store after which the hart is to leave.
      for (const store of ['sw x0, 0(s3)', 'c.sw s0, 0(s1)']) {
        bed.setRegister('s1', FINISHER);
        bed.setRegister('s3', FINISHER);
        runBeside(`${store}\n addi a0, a0, 1\n c.addi a0, 2\n c.jr s0`, place);
        expect([bed.x('a0'), bed.csr('mepc')]).toEqual([3n, BigInt(END)]);
      }
    });

    test('protect what is behind them, and open it again', () => {
      bed.restart();
      bed.load(
        `start: csrw pmpcfg0, s1
         at: addi a0, a0, 1
         c.jr s0`,
        CODE,
      );
      bed.both((hart) => hart.fenceI());
      bed.setRegister('s0', END);
      for (const [config, times] of [
        [NA4 | READ | EXECUTE, 1],
        // Without a lock M-mode need not care.
        [NA4 | READ, 2],
        [0, 3],
        [NA4 | READ | LOCKED, 3],
      ] as const) {
        bed.setCsr('pmpaddr0', BigInt(CODE / 4 + 1));
        bed.setRegister('s1', config);
        bed.setRegister('a0', times - 1);
        bed.runFrom(CODE, 'M');
        expect(bed.csr('mepc')).toBe(BigInt((config & LOCKED) === 0 ? END : CODE + 4));
        expect(bed.x('a0')).toBe(BigInt((config & LOCKED) === 0 ? times : times - 1));
      }
    });
  });

  test('random code under random protection stops where a model says', () => {
    bed.restart();
    fc.assert(
      fc.property(
        programArbitrary,
        protectionArbitrary,
        fc.constantFrom(...MODES),
        fc.boolean(),
        (...given) => {
          const [{ start, steps }, entries, mode, isWarm] = given;
          const code = layOut(start, steps);
          bed.restart();
          bed.bytes.fill(0, bed.hostOf(CODE), bed.hostOf(CODE + 2 * PAGE));
          for (const { address, text } of code) bed.load(text, address);
          bed.both((hart) => hart.fenceI());
          if (isWarm) bed.warmUp(start, mode);
          bed.setRegister('a0', 0);
          bed.setRegister('s0', END);
          bed.protect(entries);
          const before = bed.hart.instructions;
          bed.runFrom(start, mode);
          const retired = bed.hart.instructions - before;
          const expected = walk(code, start, (address) => executable(entries, address, mode.startsWith('M')));
          expect(bed.csr('mepc')).toBe(BigInt(expected.pc));
          expect(bed.csr('mcause')).toBe(expected.tval === 0 ? ILLEGAL : FETCH_ACCESS);
          expect(bed.csr('mtval')).toBe(BigInt(expected.tval));
          expect(bed.x('a0')).toBe(BigInt(expected.a0));
          // Then the handler goes round.
          expect(retired).toBeGreaterThanOrEqual(expected.retired);
        },
      ),
      { numRuns: engine === 'lockstep' ? 25 : 200, seed: 10 },
    );
  });
});

/** An instruction of a random program: adds to a0, or jumps over so many of those behind it. */
interface Step {
  readonly kind: 'addi' | 'c.addi' | 'jump' | 'c.jump' | 'taken' | 'not taken';
  readonly over: number;
}

interface Placed extends Step {
  readonly address: number;
  readonly length: 2 | 4;
  /** Where it goes on. */
  readonly next: number;
  readonly text: string;
}

const programArbitrary = fc.record({
  start: fc.oneof(
    fc.integer({ min: 0x20, max: 0x40 }).map((halfword) => CODE + halfword * 2),
    fc.integer({ min: 1, max: 0x40 }).map((halfwords) => CODE + PAGE - halfwords * 2),
  ),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom<Step['kind']>('addi', 'c.addi', 'c.addi', 'jump', 'c.jump', 'taken', 'not taken'),
      over: fc.nat(3),
    }),
    { minLength: 4, maxLength: 40 },
  ),
});

const protectionArbitrary = fc.array(
  fc.record({
    config: fc
      .tuple(
        fc.constantFrom(0, TOR, NA4, NA4, NAPOT),
        fc.constantFrom(0, READ, EXECUTE, 7),
        fc.constantFrom(0, LOCKED),
      )
      .map(([mode, permissions, lock]) => mode | permissions | lock),
    address: fc.oneof(
      fc.integer({ min: 0x8, max: 0x30 }).map((words) => CODE / 4 + words),
      fc.integer({ min: -0x20, max: 0x20 }).map((words) => (CODE + PAGE) / 4 + words),
    ),
  }),
  { minLength: 1, maxLength: 5 },
);

/** The program at its place; behind it the code goes on to s0. */
function layOut(start: number, steps: readonly Step[]): readonly Placed[] {
  const lengths = steps.map(({ kind }) => (kind.startsWith('c.') ? 2 : 4));
  const addresses = [start];
  for (const [index, length] of lengths.entries()) addresses.push((addresses[index] ?? start) + length);
  const placeOf = (index: number): number => addresses[Math.min(index, steps.length)] ?? start;
  const placed = steps.map((step, index): Placed => {
    const { kind, over } = step;
    const address = placeOf(index);
    const goesOver = kind !== 'addi' && kind !== 'c.addi' && kind !== 'not taken';
    const target = placeOf(index + 1 + over);
    const text = {
      addi: `addi a0, a0, ${index + 1}`,
      'c.addi': 'c.addi a0, 1',
      jump: `j . + ${target - address}`,
      'c.jump': `c.j . + ${target - address}`,
      taken: `beqz x0, . + ${target - address}`,
      'not taken': `bnez x0, . + ${target - address}`,
    }[kind];
    const length = kind.startsWith('c.') ? 2 : 4;
    return { ...step, address, length, next: goesOver ? target : address + length, text };
  });
  const end = placeOf(steps.length);
  return [...placed, { kind: 'jump', over: 0, address: end, length: 2, next: END, text: 'c.jr s0' }];
}

/** Where the program stops: at a parcel that may not be executed, or at the end, where tval is 0. */
function walk(code: readonly Placed[], start: number, allowed: (address: number) => boolean) {
  const byAddress = new Map(code.map((placed, index) => [placed.address, { ...placed, index }]));
  let a0 = 0;
  for (let pc = start, retired = 0; ; retired++) {
    const placed = byAddress.get(pc);
    if (placed === undefined) return { pc, tval: 0, a0, retired };
    if (!allowed(pc)) return { pc, tval: pc, a0, retired };
    if (placed.length === 4 && !allowed(pc + 2)) return { pc, tval: pc + 2, a0, retired };
    if (placed.kind === 'addi') a0 += placed.index + 1;
    if (placed.kind === 'c.addi') a0 += 1;
    pc = placed.next;
  }
}
