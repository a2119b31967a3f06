import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEVICE, HartBed, PTE, RAM } from '../../../test/hart/hart-bed.ts';
import { FIELD } from '../layout.ts';
import { generateInterpreter } from './generate.ts';

/** Everything privileged in TypeScript. */
const slowModule = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: 65536 }, 64, false));

const HANDLER = RAM + 0x8000;
const SUPERVISOR_HANDLER = RAM + 0x9000;
const TABLE = RAM + 0x2_0000;
const DATA = RAM + 0x10_0000;
/** Where U-mode finds the code and the data while paging is on. */
const USER = 0xc000_0000;
const STEPS = 20_000;

const MPP = 3n << 11n;
const MPRV = 1n << 17n;
const SATP = (8n << 60n) | BigInt(TABLE >>> 12);
/** Interrupts of M- and S-mode; SEIP and MEIP are lines, too. */
const INTERRUPTS = 0xaaan;
/** Exceptions that S-mode may get: no calls, which end a visit. */
const DELEGABLE = [2, 3, 5, 7, 12, 13, 15];

const READ_WRITE = ['mscratch', 'mepc', 'mcause', 'mtval', 'mtinst', 'mtval2', 'sscratch', 'sepc', 'stval'];
const READ = [
  ...READ_WRITE,
  ...[
    'mstatus',
    'misa',
    'medeleg',
    'mideleg',
    'mie',
    'mip',
    'mtvec',
    'mcounteren',
    'menvcfg',
    'mcountinhibit',
  ],
  ...['mvendorid', 'marchid', 'mimpid', 'mhartid', 'mconfigptr', 'mcycle', 'minstret', 'mhpmcounter3'],
  ...['cycle', 'time', 'instret', 'sstatus', 'sie', 'sip', 'satp', 'fcsr', 'pmpcfg0', 'hstatus'],
];
const register = fc.constantFrom('a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'zero');
const operation = fc.constantFrom('csrrw', 'csrrs', 'csrrc');

/** Some bits of mstatus: those of interrupts most of all, and both halves. */
const statusBits = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(8n, 8n, 2n, 0x80n, 0x88n, 0x20n) },
  fc.constantFrom(MPP, 1n << 11n, 2n << 11n, 3n << 13n, 1n << 13n, 1n << 18n, 1n << 19n, MPRV, 7n << 20n),
  fc.constantFrom(1n << 38n, 1n << 39n, 3n << 32n, (1n << 64n) - 1n - MPRV),
);
const interruptBits = fc.oneof(
  fc.nat(0xfff).map((bits) => BigInt(bits) & INTERRUPTS),
  fc.constantFrom(0n, INTERRUPTS, (1n << 64n) - 1n, 4n),
);

const withValue = (name: string) => (args: readonly [op: string, rd: string, value: bigint]) =>
  `li t5, ${args[2]}\n ${args[0]} ${args[1]}, ${name}, t5`;

const exception = fc.constantFrom(
  'ecall',
  'ebreak',
  '.word 0xfffffffb',
  'ld a0, (x0)',
  'csrr a0, 0x5ff',
  'csrw mhartid, a0',
  'fadd.d fa0, fa0, fa1',
);

/** Instructions that every mode can try, with whatever result. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...READ), register).map(([n, r]) => `csrr ${r}, ${n}`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(operation, fc.constantFrom(...READ_WRITE), register, register)
      .map(([op, name, rd, rs]) => `${op} ${rd}, ${name}, ${rs}`),
  },
  { weight: 4, arbitrary: fc.tuple(operation, register, statusBits).map(withValue('mstatus')) },
  { weight: 2, arbitrary: fc.constantFrom('csrsi mstatus, 8', 'csrci mstatus, 8', 'csrrci a0, mstatus, 8') },
  { weight: 2, arbitrary: fc.tuple(operation, register, interruptBits).map(withValue('mie')) },
  fc.tuple(operation, register, interruptBits).map(withValue('mip')),
  fc.tuple(fc.constantFrom('csrrs', 'csrrc'), register, statusBits).map(withValue('sstatus')),
  fc.tuple(operation, register, interruptBits).map(withValue('sie')),
  fc.constantFrom('csrsi sip, 2', 'csrci sip, 2', 'csrwi mcountinhibit, 5', 'csrwi mcountinhibit, 0'),
  fc.constantFrom(`li t5, ${HANDLER + 2}\n csrrw a0, mtvec, t5`, 'csrrw a0, mtvec, a0\n csrw mtvec, a0'),
  // Devices raise and lower interrupt lines.
  interruptBits.map((bits) => `li t5, ${DEVICE}\n li t4, ${bits & 0xfffn}\n sw t4, (t5)`),
  { weight: 2, arbitrary: exception },
  fc.constantFrom(
    'ld a0, (s6)',
    'sd a1, 8(s6)',
    'lr.d a2, (s6)',
    'sc.d a3, a1, (s6)',
    'fence.i',
    'sfence.vma',
  ),
);

/** Of M-mode: who gets interrupts and exceptions, and which address space there is below. */
const setup = fc.oneof(
  interruptBits.map((bits) => `li t5, ${bits}\n csrw mideleg, t5`),
  fc
    .subarray(DELEGABLE)
    .map((causes) => `li t5, ${causes.reduce((b, c) => b | (1 << c), 0)}\n csrw medeleg, t5`),
  fc.constantFrom('csrw satp, s2', 'csrw satp, zero'),
);

let label = 0;

/** A visit to S- or U-mode, which ends with a call of M-mode. */
function visitText(privilege: number, body: readonly string[]): string {
  label++;
  return `la t2, back${label}
    la t5, visit${label}
    csrr t4, satp
    beqz t4, bare${label}
    ${privilege === 0 ? 'add t5, t5, s4' : ''}
    bare${label}: csrw mepc, t5
    li t5, ${MPP}
    csrc mstatus, t5
    ${privilege === 0 ? '' : 'li t5, 0x800\n csrs mstatus, t5'}
    mret
    visit${label}: ${body.join('\n')}
    li t3, 1
    ecall
    back${label}:`;
}

const snippet = fc.oneof(
  { weight: 8, arbitrary: step },
  { weight: 2, arbitrary: setup },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 1), fc.array(step, { maxLength: 6 }))
      .map(([privilege, body]) => visitText(privilege, body)),
  },
);

/** Both handlers silence an interrupt, and go on behind an instruction that trapped; M-mode's ends visits. */
function handlerText(level: 'm' | 's'): string {
  return `li t6, ${MPRV}
    ${level === 'm' ? 'csrc mstatus, t6' : ''}
    csrr t6, ${level}cause
    bltz t6, ${level}irq
    csrr t6, ${level}epc
    addi t6, t6, 4
    ${level === 'm' ? `beqz t3, 1f\n mv t6, t2\n li t3, ${MPP}\n csrs mstatus, t3\n li t3, 0\n 1:` : ''}
    csrw ${level}epc, t6
    ${level}ret
    ${level}irq: addi s5, s5, 1
    li t6, ${DEVICE}
    sw x0, (t6)
    ${level === 'm' ? 'csrw mip, x0' : 'csrw sip, x0\n csrw sie, x0'}
    ${level}ret`;
}

interface Plan {
  readonly program: string;
  readonly registers: readonly bigint[];
  /** Instructions in a run. */
  readonly slice: number;
}

function prepare(plan: Plan, module?: WebAssembly.Module): HartBed {
  const bed = new HartBed({ index: 1, harts: 2, ...(module === undefined ? {} : { interpreter: module }) });
  Object.defineProperty(bed, 'lines', {
    get: () => (bed.accesses.findLast(({ kind }) => kind === 'write')?.low ?? 0) & 0xa88,
  });
  // As an interrupt controller does: its interrupt is taken behind the store, and not where a run happens to end.
  const push = bed.accesses.push.bind(bed.accesses);
  bed.accesses.push = (...entries) => {
    bed.askToLeave();
    return push(...entries);
  };
  bed.load(`${plan.program}\nend: j end`);
  bed.load(handlerText('m'), HANDLER);
  bed.load(handlerText('s'), SUPERVISOR_HANDLER);
  for (const gigabyte of [0, 1]) bed.setEntry(TABLE, gigabyte, gigabyte * 2 ** 30, PTE.all);
  bed.setEntry(TABLE, RAM / 2 ** 30, RAM, PTE.all);
  bed.setEntry(TABLE, USER / 2 ** 30, RAM, PTE.all | PTE.u);
  bed.hart.pmp.allowAll();
  bed.setCsr('mtvec', BigInt(HANDLER));
  bed.setCsr('stvec', BigInt(SUPERVISOR_HANDLER));
  bed.setCsr('mie', INTERRUPTS);
  bed.setCsr('mcounteren', 7n);
  bed.setCsr('scounteren', 5n);
  bed.setX('s2', SATP);
  bed.setX('s4', BigInt(USER - RAM));
  bed.setX('s6', BigInt(DATA));
  for (const [index, value] of plan.registers.entries()) bed.setX(`a${index}`, value);
  bed.ticks = 123_456;
  return bed;
}

/** Whether the program came to its end, in whatever mode, within {@link STEPS}. */
function runToEnd(bed: HartBed, { slice }: Plan): boolean {
  const end = BigInt(bed.symbol('end'));
  // A run also ends behind an access to the device.
  const last = bed.hart.instructions + STEPS;
  for (let runs = 0; runs < STEPS && bed.hart.instructions < last; runs++) {
    bed.run(slice);
    if (bed.pc === end || bed.pc === end + BigInt(USER - RAM)) return true;
  }
  return false;
}

function outcome(bed: HartBed): Record<string, unknown> {
  bed.hart.privileged.foldFloat();
  const { words } = bed.hart.state;
  const at = (field: number, count: number): number[] => [...words.slice(field >> 2, (field >> 2) + count)];
  const { exceptionRow } = bed.hart;
  return {
    x: [...bed.hart.state.x],
    pc: bed.pc,
    csr: [...bed.hart.state.csr],
    mode: at(FIELD.privilege, 2),
    float: at(FIELD.fflags, 3),
    row: [exceptionRow.length, exceptionRow.total, exceptionRow.cause, exceptionRow.firstPcLow],
    accesses: [...bed.accesses],
    memory: [bed.read64(DATA), bed.read64(DATA + 8)],
  };
}

const plan: fc.Arbitrary<Plan> = fc.record({
  program: fc.array(snippet, { minLength: 10, maxLength: 60 }).map((lines) => lines.join('\n')),
  registers: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 6, maxLength: 6 }),
  slice: fc.constantFrom(50, 1000, STEPS),
});

test('what generated code does for M-mode is what TypeScript does', () => {
  let finished = 0;
  let interrupts = 0n;
  const property = fc.property(plan, (given) => {
    const fast = prepare(given);
    const slow = prepare(given, slowModule);
    const ends = [fast, slow].map((bed) => runToEnd(bed, given));
    if (!ends.includes(true)) return;
    // One of them may have been just short of the end.
    expect([fast, slow].map((bed, index) => ends[index] || runToEnd(bed, given))).toEqual([true, true]);
    finished++;
    interrupts += fast.x('s5');
    expect(outcome(fast)).toEqual(outcome(slow));
  });
  fc.assert(property, { numRuns: 100 });
  expect(finished).toBeGreaterThan(50);
  expect(interrupts).toBeGreaterThan(20n);
});
