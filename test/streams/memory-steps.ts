import type { Decoded, Instruction } from '../../src/isa/index.ts';
import type { Builder } from './builder.ts';
import { encode } from './code.ts';
import { POOL } from './layout.ts';
import type { Random } from './random.ts';

const WIDTHS: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8, q: 16 };

/** Whether rd and rs2 are register pairs. */
export const isPair = ({ name, xlen }: Instruction): boolean =>
  name === 'amocas.q' || (name === 'amocas.d' && xlen === 32);

/** Bytes that an instruction accesses, from its mnemonic. */
function widthOf(name: string): number {
  const letter = /^(?:f?[ls]|(?:hlvx?|hsv)\.|(?:amo[a-z]+|lr|sc)\.)([bhwdq])u?$/.exec(name)?.[1];
  if (letter === undefined) throw new Error(`${name} does not access memory`);
  return WIDTHS[letter];
}

/** A load, store or atomic operation; false if these operands will not do. */
export function memoryStep(builder: Builder, decoded: Decoded): boolean {
  const { random, free, setting } = builder;
  const { rs1, imm, instruction } = decoded;
  const width = widthOf(instruction.name);
  // QEMU 7.2 forgets the encoding in user mode, and GVA when these fault.
  if (instruction.extension === 'h' && rs1 === 0) return false;
  if (rs1 === 0) {
    // The ends of the address space: nothing is there, mapped or not.
    if (!setting.paged && (imm % width !== 0 || imm < 8)) return false;
  } else if (!free.has(rs1)) return false;
  const { registers } = instruction.format;
  if (registers.rs2 !== undefined && random.chance(0.8)) builder.refresh(registers.rs2, decoded.rs2);
  const known = rs1 !== 0 && setBase(builder, decoded, width);
  if (known && instruction.name.startsWith('amocas') && random.chance(0.6)) expectValue(builder, decoded);
  builder.emit(decoded);
  builder.logResults(decoded);
  if (isPair(instruction)) builder.log('x', decoded.rd + 1);
  if (known && registers.rd === undefined && random.chance(0.5)) {
    builder.code.add(builder.xlen === 64 ? 'ld' : 'lw', { rd: builder.roles.temporary, rs1, imm });
    builder.log('x', builder.roles.temporary);
  }
  return true;
}

/** Has rd expect what is in memory, mostly. */
function expectValue({ code, xlen, random }: Builder, { rd, rs1, instruction }: Decoded): void {
  if (rd === rs1 || (isPair(instruction) && rd + 1 === rs1)) return;
  const bytes = xlen / 8;
  const load = (register: number, imm: number) =>
    code.add(xlen === 64 ? 'ld' : 'lw', { rd: register, rs1, imm });
  load(rd, 0);
  if (isPair(instruction)) load(rd + 1, random.chance(0.9) ? bytes : 0);
}

/** QEMU 10 does not mask these halves. */
const QEMU_MASKS_NOT: ReadonlySet<string> = new Set(['flh', 'fsh']);

/** Makes rs1 a base for the access. True: it is memory that can be read. */
function setBase(builder: Builder, decoded: Decoded, width: number): boolean {
  const { random, code, roles, setting } = builder;
  const { rs1, imm, instruction } = decoded;
  const isAlike = setting.pmm === 0 || !QEMU_MASKS_NOT.has(instruction.name);
  if (
    isAlike &&
    instruction.extension !== 'h' &&
    !(/^(a|zabha|zacas)$/.test(instruction.extension) && !setting.paged) &&
    random.chance(0.06)
  ) {
    builder.loadAddress(rs1);
    // Outside of RAM only aligned accesses say exactly which address failed.
    if (!setting.paged || random.chance(0.6)) {
      for (const part of [imm >> 1, imm - (imm >> 1)]) code.add('addi', { rd: rs1, rs1, imm: -part });
    }
    tag(builder, decoded);
    return false;
  }
  const distance = chooseDistance(random, instruction, width, imm);
  code.add('addi', { rd: rs1, rs1: roles.data, imm: distance - imm });
  return !tag(builder, decoded);
}

/** Where programs can be masked, some addresses get bits that may be ignored, or more. */
function tag({ random, code, roles, setting }: Builder, { rs1, instruction }: Decoded): boolean {
  // Faults of HLV and HSV leave GVA as it was in QEMU.
  if (QEMU_MASKS_NOT.has(instruction.name) || instruction.extension === 'h') return false;
  if (!setting.dialect.extensions.has('ssnpm') || !random.chance(setting.pmm === 0 ? 0.02 : 0.5))
    return false;
  const { temporary, pool } = roles;
  const shift = random.pick([48, 56, 57, 57, 58, 63]);
  code.add('ld', { rd: temporary, rs1: pool, imm: random.below(POOL.values) * 8 - 2048 });
  code.add('slli', { rd: temporary, rs1: temporary, imm: shift });
  code.add('xor', { rd: rs1, rs1, rs2: temporary });
  return true;
}

/** Where an access goes, from the middle of the data, which is a page boundary: mostly aligned. */
function chooseDistance(random: Random, { extension }: Instruction, width: number, imm: number): number {
  const nearby = random.between(-2048 + width, 2047) + imm;
  const aligned = nearby - (nearby & (width - 1));
  if (random.chance(extension === 'a' ? 0.9 : 0.6)) return aligned;
  const crossing = random.pick([-0x1000, 0, 0, 0, 0x1000]) - random.between(1, width);
  const distance = random.chance(0.3) && isOffset(crossing - imm) ? crossing : nearby;
  // The hart has no HLV and HSV across pages: it raises an address-misaligned exception, as it may.
  const crosses = (distance & 0xfff) + width > 0x1000;
  return extension === 'h' && crosses ? aligned : distance;
}

const isOffset = (value: number): boolean => value >= -2048 && value <= 2047;

/** LR, then SC to the same place, to another, or twice; it never leaves a reservation behind. */
export function reservationStep(builder: Builder): void {
  const { random, free, code, roles } = builder;
  const letter = builder.xlen === 64 ? random.pick(['w', 'd']) : 'w';
  const registers = [...free];
  const base = random.pick(registers);
  const choose = (): number => random.pick(registers.filter((register) => register !== base));
  const emit = (name: string, rd: number, rs2: number): void => {
    const bits = encode(`${name}.${letter}`, { rd, rs1: base, rs2, rm: random.below(4) }, builder.xlen);
    const decoded = builder.decode(bits);
    if (decoded === undefined) throw new Error(`${name}.${letter} does not decode`);
    builder.emit(decoded);
    builder.log('x', rd);
  };
  const place = (): void => {
    const imm = random.between(-256, 255) * 8 + (letter === 'w' ? 4 * random.below(2) : 0);
    code.add('addi', { rd: base, rs1: roles.data, imm: Math.max(-2048, Math.min(imm, 2040)) });
  };
  place();
  const variant = random.below(4);
  const result = choose();
  if (variant !== 0) emit('lr', result, 0);
  const value = choose();
  builder.refresh('x', value);
  if (variant === 1) code.add('addi', { rd: base, rs1: base, imm: random.pick([-1024, 1024, 512, -512]) });
  emit('sc', choose(), value);
  if (variant === 2) emit('sc', choose(), value);
}

/** A jump to where nothing can be fetched, or to a return; both lead behind it. */
export function wildJump(builder: Builder): void {
  const { random, free, code, roles } = builder;
  const base = random.pick([...free]);
  builder.loadAddress(base);
  if (random.chance(0.3)) code.add('addi', { rd: base, rs1: base, imm: random.below(2) });
  const decoded = builder.decode(encode('jalr', { rd: roles.link, rs1: base, imm: 0 }, builder.xlen));
  if (decoded === undefined) throw new Error('jalr does not decode');
  builder.emit(decoded);
}
