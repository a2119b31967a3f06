/**
 * The paths between user code and a kernel that Linux lives on, one at a time: TLB misses, system calls, page faults,
 * CSR instructions and fences in a guest (VS and VU) that is translated by Sv39 under a host that plays HS-mode.
 *
 *     node bench/paths/paths.ts [--seconds S] [--only TEXT]
 *
 * Each figure is the time of one operation: a loop with it, less the same loop without it.
 */
import { parseArgs } from 'node:util';
import { HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';

const RAM_BYTES = 64 << 20;
const ROOT = RAM + 0x10_0000;
const MIDDLE = ROOT + PAGE;
const CODE_TABLE = ROOT + 2 * PAGE;
const USER_CODE = ROOT + 3 * PAGE;
const DATA_TABLES = ROOT + 16 * PAGE;
/** Where 8192 pages are mapped, twice as many as the TLB holds, and where one page is missing. */
const SWEEP = 0x4000_0000;
const SWEPT_PAGES = 8192;
const MISSING = 0x3000_5000;
/** Code at its physical address, for VS; the page behind `USER_VIRTUAL` is VU's. */
const USER_VIRTUAL = 0x2000_0000;

const SPV = 1n << 7n;
const SPVP = 1n << 8n;
const SPP = 1n << 8n;
const FS = 3n << 13n;

interface Scenario {
  readonly name: string;
  /** Instructions in VS; `loop` counts s0 down. */
  readonly body: string;
  /** How many operations one turn of the loop has. */
  readonly operations: number;
  /** Runs as VU, with `handler` in VS. */
  readonly user?: boolean;
}

const times = (count: number, text: string): string => Array.from({ length: count }, () => text).join('\n');

const SKIP_FOUR = `csrr t3, sepc
  addi t3, t3, 4
  csrw sepc, t3
  sret`;

const scenarios: readonly Scenario[] = [
  { name: 'csrrw sscratch', body: times(16, 'csrrw t0, sscratch, t0'), operations: 16 },
  { name: 'csrr sepc', body: times(16, 'csrr t0, sepc'), operations: 16 },
  { name: 'csrw sepc', body: times(16, 'csrw sepc, t1'), operations: 16 },
  { name: 'csrr scause', body: times(16, 'csrr t0, scause'), operations: 16 },
  { name: 'csrr satp', body: times(16, 'csrr t0, satp'), operations: 16 },
  { name: 'csrs, csrc sstatus SIE', body: times(8, 'csrsi sstatus, 2\n csrci sstatus, 2'), operations: 16 },
  { name: 'csrs, csrc sstatus SUM', body: times(8, 'csrs sstatus, s4\n csrc sstatus, s4'), operations: 16 },
  { name: 'csrr time', body: times(16, 'csrr t0, time'), operations: 16 },
  { name: 'fsflags', body: times(16, 'fsflags t0, t1'), operations: 16 },
  { name: 'csrw satp, same value', body: times(4, 'csrw satp, s5'), operations: 4 },
  { name: 'sfence.vma of a page', body: times(4, 'sfence.vma s6'), operations: 4 },
  { name: 'sfence.vma of all', body: times(4, 'sfence.vma'), operations: 4 },
  { name: 'ecall and sret', body: times(8, 'ecall'), operations: 8, user: true },
  { name: 'page fault and sret', body: times(8, 'ld t0, (s6)'), operations: 8, user: true },
  {
    name: 'load that misses the TLB',
    body: times(16, 'ld t0, (s7)\n add s7, s7, s8\n and s7, s7, s9\n or s7, s7, s10'),
    operations: 16,
  },
];

/** A guest whose code runs in VS at its physical address, and in VU at {@link USER_VIRTUAL}. */
function newGuest(scenario: Scenario, withBody: boolean): HartBed {
  const bed = new HartBed({ hsHost: true, ramBytes: RAM_BYTES });
  Object.defineProperty(bed, 'ticks', { get: () => Math.floor(performance.now() * 10_000) });
  // Sv39: 1 GiB at RAM as a superpage, the others through tables.
  bed.setEntry(ROOT, RAM / 2 ** 30, RAM, PTE.all);
  bed.setEntry(ROOT, 0, MIDDLE, PTE.v);
  bed.setEntry(MIDDLE, USER_VIRTUAL / 2 ** 21, CODE_TABLE, PTE.v);
  bed.setEntry(CODE_TABLE, 0, USER_CODE, PTE.all | PTE.u);
  bed.setEntry(ROOT, 1, DATA_TABLES, PTE.v);
  for (let table = 0; table < SWEPT_PAGES / 512; table++) {
    const leaves = DATA_TABLES + (table + 1) * PAGE;
    bed.setEntry(DATA_TABLES, table, leaves, PTE.v);
    for (let index = 0; index < 512; index++) {
      bed.setEntry(leaves, index, RAM + 0x80_0000 + (table * 512 + index) * PAGE, PTE.all);
    }
  }
  const loop = `
1: ${withBody ? scenario.body : ''}
  addi s0, s0, -1
  bnez s0, 1b
2: wfi
  j 2b`;
  const start = scenario.user === true ? USER_CODE : RAM;
  bed.load(loop, start);
  bed.load(SKIP_FOUR, RAM + PAGE);
  bed.setCsr('hedeleg', 0xb1ffn);
  bed.setCsr('hideleg', 0x444n);
  bed.setCsr('vsie', 0x222n);
  bed.setCsr('hcounteren', 7n);
  bed.setCsr('vstvec', BigInt(RAM + PAGE));
  bed.setCsr('vsatp', (8n << 60n) | (1n << 44n) | BigInt(ROOT >>> 12));
  bed.setCsr('henvcfg', (3n << 62n) >> 0n);
  bed.setCsr('hstatus', SPV | SPVP);
  bed.setCsr('vsstatus', FS);
  bed.setCsr('sstatus', FS | (scenario.user === true ? 0n : SPP));
  bed.setCsr('sepc', BigInt(scenario.user === true ? USER_VIRTUAL : RAM));
  bed.setX('s4', 1n << 18n);
  bed.setX('s5', bed.csr('vsatp'));
  bed.setX('s6', BigInt(MISSING));
  bed.setX('s7', BigInt(SWEEP));
  bed.setX('s8', BigInt(PAGE));
  bed.setX('s9', BigInt(SWEPT_PAGES * PAGE - 1));
  bed.setX('s10', BigInt(SWEEP));
  bed.hart.resumeGuest();
  return bed;
}

/** Microseconds of CPU time that the process has had: others on the machine count less than with wall time. */
const cpuTime = (): number => process.cpuUsage().user;

/** Nanoseconds of one turn of the loop. */
function timeOf(bed: HartBed, seconds: number): number {
  bed.setX('s0', 1n << 40n);
  const turns = () => Number((1n << 40n) - bed.x('s0'));
  const runFor = (microseconds: number): void => {
    const start = cpuTime();
    while (cpuTime() - start < microseconds) bed.run(100_000);
  };
  runFor(200_000);
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    const [before, start] = [turns(), cpuTime()];
    runFor(seconds * 200_000);
    samples.push(((cpuTime() - start) * 1000) / (turns() - before));
  }
  return Math.min(...samples);
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '1' }, only: { type: 'string', default: '' } },
});
for (const scenario of scenarios.filter(({ name }) => name.includes(values.only))) {
  const [full, empty] = [true, false].map((withBody) =>
    timeOf(newGuest(scenario, withBody), Number(values.seconds)),
  ) as [number, number];
  const nanoseconds = (full - empty) / scenario.operations;
  process.stdout.write(`${scenario.name.padEnd(28)} ${nanoseconds.toFixed(1).padStart(9)} ns\n`);
}
