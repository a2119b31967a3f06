import {
  compressedInstructionsFor,
  type Decoded,
  type Extension,
  effectsOf,
  findCompressed,
  type Instruction,
  instructionsFor,
} from '../../src/isa/index.ts';
import type { Builder } from './builder.ts';
import { encode } from './code.ts';
import { type Dialect, dialectOf } from './dialects.ts';
import { CSRS, isUser, isVirtual } from './frame.ts';
import { isPair, memoryStep, reservationStep, wildJump } from './memory-steps.ts';

/** Waiting would have no end, and returns would lose the way. */
export const NEVER_GENERATED: ReadonlySet<string> = new Set(['wfi', 'mret', 'sret']);
/** LR and SC have steps of their own: one without the other leaves a reservation behind. */
const PAIRED: ReadonlySet<string> = new Set(['lr.w', 'lr.d', 'sc.w', 'sc.d']);

/** Those of a dialect, also where another extension brings them. */
function candidatesFor({ xlen, extensions }: Dialect): readonly Instruction[] {
  return instructionsFor(xlen).filter(
    ({ name, extension }) => extensions.has(extension) && !NEVER_GENERATED.has(name) && !PAIRED.has(name),
  );
}

const candidates = new Map(
  (['qemu7', 'newest'] as const)
    .flatMap((name) => [dialectOf(name, 32), dialectOf(name, 64)])
    .map((dialect) => [dialect, candidatesFor(dialect)]),
);

/** Rounding modes, so that the reserved ones are rare. */
const ROUNDING = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 5, 6];

/** Random operands for an instruction. */
function randomInstruction({ random, setting, decode }: Builder): Decoded | undefined {
  const instruction = random.pick(candidates.get(setting.dialect) ?? []);
  let bits = (random.bits() & ~instruction.mask) | instruction.match;
  if (instruction.format.fields.has('rm')) bits = (bits & ~0x7000) | (random.pick(ROUNDING) << 12);
  const decoded = decode(bits >>> 0);
  return decoded?.instruction === instruction ? decoded : undefined;
}

function randomCompressed({ random, xlen, decode }: Builder): Decoded | undefined {
  const { mask, match } = random.pick(compressedInstructionsFor(xlen));
  return decode(((random.bits() & ~mask) | match) & 0xffff);
}

/** A random valid instruction that only computes and writes registers a program may write. */
function plainInstruction(builder: Builder): Decoded {
  for (;;) {
    const decoded = builder.random.chance(0.3) ? randomCompressed(builder) : randomInstruction(builder);
    if (decoded !== undefined && isPlain(builder, decoded)) return decoded;
  }
}

function isPlain(builder: Builder, decoded: Decoded): boolean {
  const effects = effectsOf(decoded.instruction);
  return !effects.usesMemory && effects.control === 'none' && isUsable(builder, decoded);
}

/**
 * Registers that a program keeps for itself are not written, and the machines can be compared: QEMU 7.2 counts on into
 * the upper half when `ctzw` meets a word of 0, so that its operand gets a bit set.
 */
function isUsable({ free, setting }: Builder, { instruction, rd, rs1 }: Decoded): boolean {
  const { name, extension, format } = instruction;
  if (name === 'ctzw' && !free.has(rs1)) return false;
  // QEMU 7.2 does not raise virtual-instruction exceptions in VU-mode.
  if (name === 'sfence.vma' && setting.mode === 'VU') return false;
  if ((isUser(setting.mode) || isVirtual(setting.mode)) && PRIVILEGED.has(extension)) return false;
  // QEMU 10 writes to x0 here, and it has another value for a while.
  if (name.startsWith('amocas') && rd === 0) return false;
  if (isPair(instruction) && !free.has(rd + 1)) return false;
  return format.registers.rd !== 'x' || rd === 0 || free.has(rd);
}

function plainStep(builder: Builder, decoded: Decoded): void {
  builder.refreshSources(decoded);
  if (decoded.instruction.name === 'ctzw') {
    builder.code.add('bseti', { rd: decoded.rs1, rs1: decoded.rs1, imm: builder.random.below(32) });
  }
  builder.emit(decoded);
  builder.logResults(decoded);
}

/** A few plain steps; jumps go across them. */
function skippedSteps(builder: Builder): void {
  const count = builder.random.between(0, 2);
  for (let index = 0; index < count; index++) {
    builder.step(() => plainStep(builder, plainInstruction(builder)));
  }
}

/** The encoding with another immediate. */
function withImmediate({ xlen }: Builder, decoded: Decoded, imm: number): number {
  const compressed = decoded.length === 2 ? findCompressed(decoded.bits, xlen) : undefined;
  const { match, format } = compressed ?? decoded.instruction;
  return (match | format.encode({ ...decoded, imm })) >>> 0;
}

/** A branch or jump across a few steps; its own result is logged behind them. */
function jumpStep(builder: Builder, decoded: Decoded): void {
  const { code, steps } = builder;
  const own = steps.length - 1;
  builder.refreshSources(decoded);
  const at = code.length;
  builder.emit(decoded);
  skippedSteps(builder);
  code.patch(at, withImmediate(builder, decoded, code.length - at), decoded.length);
  if (decoded.instruction.format.registers.rd === 'x') builder.log('x', decoded.rd, own);
}

/** An indirect jump: the address is composed of auipc, addi and the offset of the jump; its lowest bit is ignored. */
function indirectStep(builder: Builder, decoded: Decoded): void {
  const { code, steps, random } = builder;
  const own = steps.length - 1;
  const { rs1 } = decoded;
  const start = code.length;
  code.add('auipc', { rd: rs1 });
  code.add('addi', { rd: rs1, rs1 });
  const imm = decoded.length === 2 ? 0 : random.between(-1500, 1500);
  const at = code.length;
  builder.emit(decoded);
  skippedSteps(builder);
  const distance = code.length - start - imm + random.below(2);
  code.patch(start + 4, encode('addi', { rd: rs1, rs1, imm: distance }, builder.xlen), 4);
  code.patch(at, withImmediate(builder, decoded, imm), decoded.length);
  builder.log('x', decoded.rd, own);
}

/** CSRs that a program may write as it likes, and a few that must refuse. */
const FREE_CSRS = [
  ...['fflags', 'frm', 'fcsr', 'fflags', 'frm', 'fcsr', 'mscratch', 'sscratch', 'mcause'],
  ...['scause', 'mtval', 'stval', 'mhartid', 'mvendorid'],
].map((name) => CSRS.get(name) ?? 0);
/** CSRs that are read only: writing them would end the program in ways that it cannot handle. */
const READ_CSRS = ['mstatus', 'sstatus', 'satp', 'medeleg', 'misa'].map((name) => CSRS.get(name) ?? 0);
const READ_ONLY = 0xc00;
/** Numbers without a CSR: of each privilege, read-only ones among them. */
const NO_CSRS = [0x004, 0x0ff, 0x1ff, 0x2ff, 0x4ff, 0x5bf, 0x8ff, 0x9ff, 0xaff, 0xcff, 0xdff, 0xeff];

/** The low 20 bits of the encoding, so that the access only reads, or that QEMU 7.2 agrees on what writes. */
function csrOperation(bits: number, csr: number, reading: boolean): number {
  // csrrs of x0 only reads.
  if (reading) return (bits & 0xf80) | 0x2073;
  // QEMU takes csrrs and csrrc of a register that holds 0 for reads, which read-only CSRs allow; only x0 makes them so.
  return csr >= READ_ONLY && (bits & 0x4000) === 0 ? (bits & ~0x7000) | 0x1000 : bits;
}

const isSupervisorCsr = (number: number): boolean => ((number >> 8) & 3) === 1;

function csrStep(builder: Builder, decoded: Decoded): void {
  const { random, setting, decode } = builder;
  const reading = random.chance(0.15);
  const all = reading ? READ_CSRS : random.chance(0.1) ? NO_CSRS : FREE_CSRS;
  const csr = random.pick(setting.mode === 'VU' ? all.filter((number) => !isSupervisorCsr(number)) : all);
  const chosen = decode(((csr << 20) | csrOperation(decoded.bits & 0xf_ffff, csr, reading)) >>> 0);
  if (chosen === undefined) throw new Error('a CSR instruction does not decode');
  builder.refreshSources(chosen);
  builder.emit(chosen);
  builder.log('x', chosen.rd);
  if (random.chance(0.8)) {
    // A reserved rounding mode stops most of floating point: it should not stay.
    builder.code.add('csrrwi', { csr: CSRS.get('frm') ?? 0, imm: random.between(0, 4) });
  }
}

/** System instructions: those that trap, fences, and accesses to CSRs. */
function systemStep(builder: Builder, decoded: Decoded): void {
  const { format } = decoded.instruction;
  if (format.fields.has('csr')) csrStep(builder, decoded);
  else builder.emit(decoded);
}

/** Extensions whose instructions trap in user mode, or in guests; QEMU 7.2 does not see to that properly. */
const PRIVILEGED: ReadonlySet<Extension> = new Set<Extension>(['h', 'svinval']);

function dispatch(builder: Builder, decoded: Decoded): boolean {
  if (!isUsable(builder, decoded)) return false;
  const { instruction, rs1 } = decoded;
  const effects = effectsOf(instruction);
  if (
    effects.loads ||
    effects.stores ||
    instruction.name.startsWith('hlv') ||
    instruction.name.startsWith('hsv') ||
    instruction.name.startsWith('amocas')
  ) {
    return memoryStep(builder, decoded);
  }
  if (effects.control === 'branch' || effects.control === 'jump') jumpStep(builder, decoded);
  else if (effects.control === 'indirect') {
    if (!builder.free.has(rs1)) return false;
    indirectStep(builder, decoded);
  } else if (effects.control === 'system') systemStep(builder, decoded);
  else plainStep(builder, decoded);
  return true;
}

/** An encoding that is none: close to a valid one, or any. */
function illegalStep({ random, code, xlen, decode }: Builder): void {
  for (;;) {
    const long = random.chance(0.7);
    const { match } = long
      ? random.pick(instructionsFor(xlen))
      : random.pick(compressedInstructionsFor(xlen));
    const near = (match | (random.bits() & 0x01ff_8f80)) ^ (1 << random.between(2, long ? 31 : 15));
    const bits = (random.chance(0.7) ? near : random.bits()) & (long ? ~0 : 0xffff);
    if (((bits & 3) === 3) !== long || decode(bits >>> 0) !== undefined) continue;
    code.emit(bits >>> 0, long ? 4 : 2);
    return;
  }
}

/** Floating point while FS is off: every access to it is illegal. */
function floatOffStep(builder: Builder): void {
  const { roles, setting, code } = builder;
  const status = CSRS.get(setting.mode === 'M' ? 'mstatus' : 'sstatus') ?? 0;
  const change = (name: string): void => {
    code.add('lui', { rd: roles.temporary, imm: 0x6000 });
    code.add(name, { rs1: roles.temporary, csr: status });
  };
  change('csrrc');
  for (let left = builder.random.between(1, 3); left > 0; ) {
    const decoded = plainInstruction(builder);
    if (!decoded.instruction.needsFloat) continue;
    builder.step(() => plainStep(builder, decoded));
    left--;
  }
  change('csrrs');
}

function instructionStep(builder: Builder): void {
  for (;;) {
    const decoded = builder.random.chance(0.25) ? randomCompressed(builder) : randomInstruction(builder);
    if (decoded !== undefined && dispatch(builder, decoded)) return;
  }
}

/** Appends one step (and those that it jumps across). */
export function randomStep(builder: Builder): void {
  const choice = builder.random.below(100);
  builder.step(() => {
    if (choice < 3) illegalStep(builder);
    else if (choice < 6) reservationStep(builder);
    else if (choice < 7) wildJump(builder);
    else if (choice < 8 && !isUser(builder.setting.mode)) floatOffStep(builder);
    else instructionStep(builder);
  });
}
