/**
 * Random sequences of accesses to the CSRs of the AIA, in all modes, with MSIs in between. A sequence is made while it
 * runs on a {@link PrivilegedBed}, so that values fit what is selected; QEMU carries out the same as a bare program.
 */
import { csrNumber } from '../../src/hart/privileged/index.ts';
import type { Operands } from '../../src/isa/index.ts';
import { MODES, type Mode, PrivilegedBed } from '../hart/privileged-bed.ts';
import { Random } from '../streams/random.ts';

/**
 * One instruction: an access to a CSR by `csrrw`, `csrrs` or `csrrc` a0, csr, a1, by `csrr` a0, csr, or a store, which
 * sends an MSI.
 */
export interface Step {
  readonly mode: Mode;
  readonly instruction: 'csrrw' | 'csrrs' | 'csrrc' | 'csrr' | 'msi';
  /** The CSR, or the number of an interrupt file. */
  readonly target: string | number;
  readonly value: bigint;
}

/** The visible results of a step. */
export interface Seen {
  /** a0 afterwards: the old value, or {@link UNTOUCHED}. */
  readonly value: bigint;
  /** mcause of the trap that ended it: ECALL behind the instruction, an exception, an interrupt for M-mode. */
  readonly cause: bigint;
  /** scause or vscause if an interrupt for HS or VS came first, otherwise 0. */
  readonly lowerCause: bigint;
  /** Where one of several interrupts is seen: the bits of all that are pending and enabled at its level. */
  readonly pending?: bigint;
}

export const UNTOUCHED = 0x5a5a_5a5an;
export const GUESTS = 3;

const BIT_63 = 1n << 63n;
const bit = (position: number): bigint => 1n << BigInt(position);
const ECALLS: Readonly<Record<Mode, bigint>> = { U: 8n, VU: 8n, HS: 9n, VS: 10n, M: 11n };

const STANDARD = 0x0eeen;
const MASKS: Readonly<Record<string, bigint>> = {
  mie: STANDARD | bit(12) | bit(13),
  mip: 0x222n | bit(2) | bit(13),
  sie: 0x222n | bit(13),
  sip: 0x222n | bit(13),
  mideleg: 0x222n | bit(13),
  hideleg: 0x444n,
  hie: 0x1444n,
  hip: 0x444n,
  hvip: 0x444n,
  vsie: 0x222n,
  vsip: 0x222n,
  hgeie: 0xen,
  hstatus: 3n << 12n,
  sstatus: bit(1),
  vsstatus: bit(1),
  hvictl: 0x4fff_01ffn,
  hviprio1: 0xffff_ff00_ff00_ff00n,
  hviprio2: (1n << 64n) - 1n,
};
const SELECTS = ['miselect', 'siselect', 'vsiselect'] as const;
const ALIASES = ['mireg', 'sireg', 'vsireg'] as const;
const TOP_EXTERNAL = ['mtopei', 'stopei', 'vstopei'] as const;
const READ = [...TOP_EXTERNAL, 'mtopi', 'stopi', 'vstopi', 'mtopi', 'stopi', 'vstopi', 'hgeip'] as const;

/** Makes and runs a sequence. */
export function makeSequence(
  seed: number,
  length: number,
): { steps: Step[]; seen: Seen[]; bed: PrivilegedBed } {
  const random = new Random(seed);
  const bed = new PrivilegedBed({ aia: 'aplic-imsic', guestExternalInterrupts: GUESTS });
  const steps: Step[] = [];
  const seen: Seen[] = [];
  for (let index = 0; index < length; index++) {
    const step = makeStep(random, bed);
    steps.push(step);
    seen.push(runStep(bed, step));
  }
  return { steps, seen, bed };
}

function makeStep(random: Random, bed: PrivilegedBed): Step {
  if (random.chance(0.15)) {
    return {
      mode: 'M',
      instruction: 'msi',
      target: random.below(2 + GUESTS),
      value: BigInt(identity(random)),
    };
  }
  // In M-mode most things can be done. QEMU 7.2 takes no interrupts that hvictl names, nor one of a guest's file in HS.
  const injects = (bed.read('hvictl') & bit(30)) !== 0n;
  const fromFile = (supervisorPending(bed) & ~bed.read('hvip') & bit(10)) !== 0n;
  const mode = injects || fromFile || random.chance(0.5) ? 'M' : random.pick(Object.keys(MODES) as Mode[]);
  const instruction = random.pick(['csrrw', 'csrrs', 'csrrc'] as const);
  const kind = random.below(10);
  if (kind < 3) return { mode, instruction: 'csrrw', target: random.pick(SELECTS), value: select(random) };
  if (kind < 6) {
    const target = random.pick(ALIASES);
    return { mode, instruction, target, value: selectedValue(random, bed, mode, target) };
  }
  if (kind < 7) return { mode, instruction, target: random.pick(TOP_EXTERNAL), value: 1n };
  if (kind < 8) return { mode, instruction: 'csrr', target: random.pick(READ), value: 0n };
  const target = random.pick(Object.keys(MASKS));
  // QEMU 7.2 lets a write to mip change VSTIP and VSEIP.
  if (target === 'mip' && instruction === 'csrrw') return makeStep(random, bed);
  return { mode, instruction, target, value: few(random) & (MASKS[target] ?? 0n) };
}

/** Small identities often, so that something happens. */
function identity(random: Random): number {
  return random.chance(0.1) ? random.below(300) : random.pick([1, 2, 5, 31, 32, 63, 64, 100, 255]);
}

function select(random: Random): bigint {
  const choices = [0x30, 0x32, 0x34, 0x70, 0x70, 0x72, 0x80, 0x82, 0x86, 0x88, 0xc0, 0xc0, 0xc2, 0xc6];
  const selected = random.chance(0.2) ? random.below(0x120) : random.pick(choices);
  // QEMU 7.2 has no registers for identities that there are none of, nor the reserved ones of a file.
  if (selected === 0x71 || (selected > 0x72 && selected < 0x80)) return 0x70n;
  const isBeyond = selected >= 0x80 && selected <= 0xff && (selected & 0x3f) >= 8;
  return BigInt(isBeyond ? selected & ~0x38 : selected);
}

function few(random: Random): bigint {
  return random.pick([0n, random.wide(), random.wide() & random.wide(), (1n << 64n) - 1n]);
}

/** A value for the register that is selected. */
function selectedValue(random: Random, bed: PrivilegedBed, mode: Mode, target: string): bigint {
  const isGuest = MODES[mode][1] === 1 && target === 'sireg';
  const level = isGuest ? 'vs' : target.slice(0, target.indexOf('i'));
  const selected = bed.read(`${level}iselect`);
  if (selected === 0x70n) return BigInt(random.below(4) === 0 ? 0 : 1);
  if (selected === 0x72n) return BigInt(random.chance(0.6) ? 0 : identity(random) & 0xff);
  if (selected >= 0x30n && selected <= 0x3fn) return few(random) & priorityBytes(level, Number(selected));
  return few(random) | bit(identity(random) & 63);
}

/** Bytes of priorities that our hart and QEMU both implement. */
function priorityBytes(level: string, selected: number): bigint {
  const causes = level === 'm' ? [1, 3, 5, 7, 9, 13] : [1, 2, 5, 6, 10, 12, 13];
  const first = 4 * (selected - 0x30);
  const inside = causes.filter((cause) => cause >= first && cause < first + 8);
  return inside.reduce((mask, cause) => mask | (0xffn << BigInt(8 * (cause - first))), 0n);
}

/** Runs a step as the program does: interrupts are taken before the instruction and behind it. */
function runStep(bed: PrivilegedBed, step: Step): Seen {
  bed.enter(step.mode);
  bed.setX(10, UNTOUCHED);
  bed.setX(11, step.value);
  const before = interrupted(bed);
  if (before !== undefined) return before;
  if (step.instruction === 'msi') {
    bed.files[step.target as number].receive(Number(step.value));
  } else {
    const { name, operands } = accessOf(step);
    const cause = bed.causeOf(name, operands);
    if (cause !== undefined) return { value: UNTOUCHED, cause: BigInt(cause), lowerCause: 0n };
    const pending = pendingOf(bed, step);
    if (pending !== undefined) return { value: bed.x(10), cause: ECALLS[step.mode], lowerCause: 0n, pending };
  }
  return interrupted(bed) ?? { value: bed.x(10), cause: ECALLS[step.mode], lowerCause: 0n };
}

/** The access to a CSR, as an instruction. */
export function accessOf({ instruction, target }: Step): { name: string; operands: Partial<Operands> } {
  const csr = csrNumber(String(target)) ?? 0;
  const reads = instruction === 'csrr';
  return { name: reads ? 'csrrs' : instruction, operands: { rd: 10, rs1: reads ? 0 : 11, csr } };
}

function interrupted(bed: PrivilegedBed): Seen | undefined {
  const levels = { M: machinePending(bed), HS: supervisorPending(bed), VS: guestPending(bed) };
  const target = bed.takeInterrupt();
  if (target === undefined) return undefined;
  const value = bed.x(10);
  const pending = levels[target];
  if (target === 'M') return { value, cause: bed.read('mcause'), lowerCause: 0n, pending };
  const lowerCause = bed.read(target === 'HS' ? 'scause' : 'vscause');
  return { value, cause: ECALLS[target], lowerCause, pending };
}

/** The interrupts among which an instruction that reads the top of a level chooses. */
function pendingOf(bed: PrivilegedBed, { mode, target }: Step): bigint | undefined {
  const isGuest = MODES[mode][1] === 1;
  if (target === 'mtopi') return machinePending(bed);
  if (target === 'vstopi' || (target === 'stopi' && isGuest)) return undelegatedPending(bed);
  return target === 'stopi' ? supervisorPending(bed) : undefined;
}

function machinePending(bed: PrivilegedBed): bigint {
  return bed.read('mip') & bed.read('mie') & ~bed.read('mideleg');
}

function supervisorPending(bed: PrivilegedBed): bigint {
  const pending = (bed.read('sip') & bed.read('sie')) | (bed.read('hip') & bed.read('hie'));
  return pending & ~bed.read('hideleg');
}

function guestPending(bed: PrivilegedBed): bigint {
  return bed.read('vsip') & bed.read('vsie');
}

/** The same as QEMU 7.2 has it in vstopi, whatever hideleg hands on, with an interrupt that hvictl names. */
function undelegatedPending(bed: PrivilegedBed): bigint {
  const named = 1n << ((bed.read('hvictl') >> 16n) & 0xfffn);
  return guestPending(bed) | named | ((bed.read('hip') & bed.read('hie') & 0x444n) >> 1n);
}

/**
 * Why QEMU 7.2 has seen something else than our hart; undefined if it should not have.
 *
 * - An exception of VU-mode at a CSR of supervisor level is an illegal instruction there.
 * - Of interrupts with the same priority number it takes the one with the largest number, not that of the default
 *   order, and the priority of an external interrupt is not its identity.
 * - vsstatus has a bit beside UXL until it is written.
 * - vsip never shows STIP and SEIP there, and a guest's sip and sie nothing that mideleg does not hand on at S level.
 * - stopi never tells of interrupts of VS level, even if the hypervisor takes them, and vstopi does even then.
 * - vstopi leaves out an external interrupt to which neither a file nor hvictl gives a priority, and interrupt 0.
 */
export function explainDifference({ mode, target }: Step, ours: Seen, theirs: Seen): string | undefined {
  if (target === 'vsstatus' && theirs.value === (ours.value | bit(35))) return 'UXL';
  if (mode === 'VU' && ours.cause === 22n && theirs.cause === 2n) return 'VU';
  const lacks = (ours.value & theirs.value) === theirs.value && ours.cause === theirs.cause;
  const isGuest = MODES[mode][1] === 1;
  if (lacks && (target === 'vsip' || (isGuest && (target === 'sip' || target === 'sie')))) return 'vsip';
  const { pending } = ours;
  if (pending === undefined) return undefined;
  const same = ours.cause === theirs.cause || (ours.cause & theirs.cause & BIT_63) !== 0n;
  if (!same) return undefined;
  const isInterrupt = ours.lowerCause !== 0n || (ours.cause & BIT_63) !== 0n;
  const number = isInterrupt ? (theirs.lowerCause || theirs.cause) & ~BIT_63 : theirs.value >> 16n;
  if (!isInterrupt && theirs.value === 0n) {
    if ((pending & (bit(9) | 1n)) !== 0n && target !== 'mtopi') return 'vstopi';
    return (pending & ~0x1444n) === 0n ? 'stopi' : undefined;
  }
  return ((pending >> number) & 1n) !== 0n ? 'priority' : undefined;
}

export function describeStep({ mode, instruction, target, value }: Step): string {
  return `${mode}: ${instruction} ${target} 0x${value.toString(16)}`;
}

export function describeSeen({ value, cause, lowerCause }: Seen): string {
  return [value, cause, lowerCause].map((each) => `0x${each.toString(16)}`).join(' ');
}
