import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { HartBed, RAM } from '../../../test/hart/hart-bed.ts';
import type { Xlen } from '../../isa/index.ts';
import { FIELD } from '../layout.ts';
import { QUIET } from '../privileged/registers.ts';
import { generateInterpreter } from './generate.ts';

const WIDTHS: readonly Xlen[] = [64, 32];
const LIMITS = { minimum: 1, maximum: 65536 };
/** Everything privileged in TypeScript. */
const slowModules = new Map(
  WIDTHS.map((xlen) => [xlen, new WebAssembly.Module(generateInterpreter(LIMITS, xlen, false))]),
);

const HANDLER = RAM + 0x8000;
const STEPS_TO_LEAVE = 3000;
const SPP = 1n << 8n;
const SPV = 1n << 7n;
const NOW = 5000;

/** CSRs that stopi depends on, with values that mostly leave it to generated code. */
const settings = fc.record({
  mideleg: fc.constantFrom(0x222n, 0x222n, 0x2222n, 0x200n, 0n),
  mie: fc.constantFrom(0n, 0x222n, 0x2222n, 0x200n, 0x22n, 0xaaan),
  mip: fc.constantFrom(0n, 0n, 2n, 0x20n, 0x222n, 0x2000n),
  hideleg: fc.constantFrom(0x444n, 0x444n, 0x2444n, 0x400n, 0n),
  hie: fc.constantFrom(0x444n, 0x444n, 0x400n, 0x40n, 0x1444n, 0n),
  hvip: fc.constantFrom(0n, 0n, 4n, 0x40n, 0x400n, 0x2000n, 1n << 40n),
  hvien: fc.constantFrom(0n, 0x2000n, (1n << 40n) | 0x2000n),
  vsie: fc.constantFrom(0x222n, 0x2222n, (1n << 40n) | 0x222n, 0x20n),
  mvien: fc.constantFrom(0n, 0n, 0n, 0x200n, 0x2000n, 1n << 40n),
  hvictl: fc.constantFrom(0n, 0n, 0n, 0x100n, 1n << 30n, (1n << 30n) | (5n << 16n)),
  hviprio1: fc.constantFrom(0n, 0n, 0x100n, 1n << 24n),
  siprio: fc.constantFrom(0n, 0n, 0x0500n, 1n << 40n),
  stimecmp: fc.constantFrom(BigInt(NOW), BigInt(NOW + 1), 0n),
  vstimecmp: fc.constantFrom(BigInt(NOW), BigInt(NOW + 1), 0n),
  htimedelta: fc.constantFrom(0n, 0n, 1n),
  timers: fc.boolean(),
  vgein: fc.constantFrom(1n, 1n, 1n, 0n, 2n, 63n),
});

const file = fc.record({
  pending: fc.constantFrom(0n, 0n, 2n, 0x22n, 1n << 40n, 0xffff_fffen),
  enabled: fc.constantFrom(0n, 2n, 0x20n, 0xffff_ffff_ffff_fffen),
  delivery: fc.constantFrom(0n, 1n, 1n),
  threshold: fc.constantFrom(0n, 0n, 5n, 1n),
});

const step = fc.constantFrom(
  'csrr a0, stopi',
  'csrr a1, stopi',
  'csrr a2, stopei',
  'csrrw a3, stopei, x0',
  'csrw stopei, x0',
  'csrrs a4, stopei, a5',
  'csrrci a4, stopei, 3',
  'csrrs a4, stopi, x0',
  'csrsi sstatus, 2',
  'csrci sstatus, 2',
  'csrci sip, 2',
  'csrsi sip, 2',
  'csrr a5, sip',
  // Not for S-mode, or not for anybody.
  'csrw stopi, a0',
  'csrr a0, vstopi',
  'csrr a0, mtopei',
  // Back to the same mode by way of an instruction that looks at FIELD.quiet.
  'la t5, . + 24\n csrw sepc, t5\n li t5, 0x120\n csrs sstatus, t5\n sret\n nop\n nop\n nop',
);

interface Plan {
  readonly xlen: Xlen;
  readonly guest: boolean;
  readonly user: boolean;
  readonly settings: Readonly<Record<string, bigint | boolean>>;
  readonly files: readonly Readonly<Record<'pending' | 'enabled' | 'delivery' | 'threshold', bigint>>[];
  readonly program: readonly string[];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  xlen: fc.constantFrom(...WIDTHS),
  guest: fc.boolean(),
  user: fc.constantFrom(false, false, false, false, true),
  settings,
  files: fc.array(file, { minLength: 3, maxLength: 3 }),
  program: fc.array(step, { minLength: 4, maxLength: 24 }),
});

/** Takes whatever comes: an external interrupt is claimed, others are disabled. */
const HANDLER_TEXT = `csrr t6, scause
  bltz t6, 1f
  csrr t6, sepc
  addi t6, t6, 4
  csrw sepc, t6
  sret
1: csrr s2, stopi
  csrrw s3, stopei, x0
  csrrw s4, stopei, x0
  csrr s5, stopi
  srli s5, s5, 16
  beqz s5, 2f
  csrw sie, x0
2: sret`;

function prepare({ xlen, guest, user, settings: given, files, program }: Plan, slow: boolean): HartBed {
  const module = slow ? slowModules.get(xlen) : undefined;
  const bed = new HartBed({
    xlen,
    aia: true,
    guestExternalInterrupts: 1,
    ...(module === undefined ? {} : { interpreter: module }),
  });
  bed.ticks = NOW;
  bed.load(`${program.join('\n')}\nend: j end`);
  bed.load(HANDLER_TEXT, HANDLER);
  bed.hart.pmp.allowAll();
  const { vgein, timers, siprio, vsie, ...plain } = given;
  bed.setCsr('medeleg', 0xf0_b1ffn);
  bed.setCsr('hedeleg', guest ? 0xb1ffn : 0n);
  setTimers(bed, timers === true);
  for (const name of ['mvien', 'mideleg', 'hideleg', 'hvien']) set(bed, name, BigInt(plain[name]));
  for (const [name, value] of Object.entries(plain)) set(bed, name, BigInt(value));
  set(bed, 'vsie', BigInt(vsie));
  for (const [at, half] of [BigInt(siprio) & 0xffff_ffffn, BigInt(siprio) >> 32n].entries()) {
    bed.setCsr('siselect', BigInt(0x30 + at));
    if (xlen === 32 || at === 0) bed.setCsr('sireg', xlen === 32 ? half : BigInt(siprio));
  }
  for (const [number, words] of files.entries()) fill(bed, number, words);
  for (const name of ['stvec', 'vstvec']) bed.setCsr(name, BigInt(HANDLER));
  bed.setCsr('hstatus', (BigInt(vgein) << 12n) | (guest ? SPV | SPP : 0n));
  bed.setCsr('mstatus', user ? 0n : SPP);
  bed.setCsr('sepc', BigInt(RAM));
  bed.hart.resumeGuest();
  return bed;
}

function setTimers(bed: HartBed, on: boolean): void {
  set(bed, 'menvcfg', on ? 1n << 63n : 0n);
  set(bed, 'henvcfg', on ? 1n << 63n : 0n);
}

/** A CSR of 64 bits, which on RV32 has a second half if it is one of those that have. */
function set(bed: HartBed, name: string, value: bigint): void {
  const { privileged, state } = bed.hart;
  bed.setCsr(name, state.xlen === 64 ? value : value & 0xffff_ffffn);
  const upper = state.xlen === 64 ? undefined : UPPER.get(name);
  if (upper !== undefined) privileged.writeCsr(upper, Number(BigInt.asIntN(32, value >> 32n)), 0);
}

const UPPER: ReadonlyMap<string, number> = new Map([
  ['menvcfg', 0x31a],
  ['henvcfg', 0x61a],
  ['stimecmp', 0x15d],
  ['vstimecmp', 0x25d],
  ['htimedelta', 0x615],
  ['mvien', 0x318],
  ['hvien', 0x618],
  ['hvip', 0x655],
  ['vsie', 0x214],
]);

function fill(
  bed: HartBed,
  number: number,
  { pending, enabled, delivery, threshold }: Plan['files'][0],
): void {
  const interruptFile = bed.files[number];
  const write = (register: number, value: bigint) =>
    interruptFile.write(
      ...([register, 64, 0, 0] as const),
      Number(BigInt.asIntN(32, value)),
      Number(BigInt.asIntN(32, value >> 32n)),
    );
  write(0x70, delivery);
  write(0x72, threshold);
  write(0x80, pending);
  write(0xc0, enabled);
}

function outcome(bed: HartBed): Record<string, unknown> {
  const { words, x, csr } = bed.hart.state;
  return {
    x: [...x],
    pc: bed.pc,
    csr: [...csr],
    mode: [words[FIELD.privilege >> 2], words[FIELD.virtual >> 2]],
    instructions: bed.hart.instructions,
    files: bed.files.map((each) => [...each.words]),
  };
}

/** @returns instructions that TypeScript carried out */
function run(bed: HartBed): number {
  const execute = vi.spyOn(bed.hart.privileged, 'execute');
  bed.run(STEPS_TO_LEAVE);
  return execute.mock.calls.length;
}

describe('stopi and stopei in generated code', () => {
  test('do what they do in TypeScript', () => {
    let finished = 0;
    let saved = 0;
    const property = fc.property(plan, (given) => {
      const fast = prepare(given, false);
      const slow = prepare(given, true);
      const [few, many] = [run(fast), run(slow)];
      const ends = [fast, slow].map((bed) => bed.pc === BigInt(bed.symbol('end')));
      expect(ends[0]).toBe(ends[1]);
      // Traps without end have no end in common.
      if (ends[1] !== true) return;
      finished++;
      saved += many - few;
      expect(outcome(fast)).toEqual(outcome(slow));
      const quiet = (bed: HartBed) => bed.hart.state.words[FIELD.quiet >> 2];
      if (quiet(fast) === QUIET.yes) expect(quiet(slow)).toBe(QUIET.yes);
    });
    fc.assert(property, { numRuns: 200 });
    // About 103 and 1,800: chance does not reach these bounds.
    expect(finished).toBeGreaterThan(40);
    expect(saved).toBeGreaterThan(400);
  }, 240_000);
});
