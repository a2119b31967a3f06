import { VILL } from '../../src/hart/layout.ts';
import { isLegal } from '../../src/hart/vector/legality.ts';
import type { VLEN_OF } from '../../src/isa/extensions.ts';
import {
  createDecoder,
  type Extension,
  type GroupsShape,
  type Instruction,
  instructionNamed,
  instructionsFor,
  isSupportedVtype,
  lmulOf,
  type MemoryShape,
  type Operands,
  sewOf,
  VTYPE,
} from '../../src/isa/index.ts';
import { Random } from '../streams/random.ts';
import { assembleFrame, ROLE } from './frame.ts';
import { LAYOUT, WINDOW } from './layout.ts';
import { readsOneWidth } from './widths.ts';

/** VLEN in bits. */
export type Vlen = (typeof VLEN_OF)[keyof typeof VLEN_OF];

/** A generated program that runs by itself from the start of RAM. */
export interface VectorProgram {
  readonly seed: number;
  readonly recent: boolean;
  readonly vlen: Vlen;
  /** RAM from {@link LAYOUT.ram} on. */
  readonly image: Uint8Array<ArrayBuffer>;
  /** Instructions between two looks, as places in `names`; one entry for each look of a round. */
  readonly looks: readonly number[];
  /** Vector instructions of a round, as assembler. */
  readonly names: readonly string[];
}

export interface ProgramOptions {
  readonly seed: number;
  /** VLEN in bits; by the seed unless given. */
  readonly vlen?: Vlen;
  /** Vector instructions of a round. */
  readonly instructions?: number;
  readonly rounds?: number;
  /** Vector instructions from one look at all state to the next. */
  readonly every?: number;
  /** The program ends behind the look of that number. */
  readonly end?: number;
  /** Instructions by the beginnings of their names, without commas: no others are tried but those that set vl. */
  readonly only?: string;
  /** QEMU is 10 or later: with extensions that 7.2 does not have, and instructions that it does not survive. */
  readonly recent?: boolean;
}

const VECTORS = instructionsFor(64).filter(({ vector }) => vector !== undefined);
const CONFIGURATIONS = VECTORS.filter(({ vector }) => vector?.kind === 'configuration');
const OTHERS = VECTORS.filter(({ vector }) => vector?.kind !== 'configuration');
const MEMORY = OTHERS.filter(({ vector }) => vector?.kind === 'memory');
const COMPUTING = OTHERS.filter(({ vector }) => vector?.kind !== 'memory');
/** QEMU 7.2 stops at an assertion where the rounding mode is not that of frm. */
const STOPS_QEMU_7 = /^vf[wn]?cvt\.r/;

/** QEMU 10 stops at an assertion where a segment of these crosses a page. */
function stopsQemu10({ vector }: Instruction): boolean {
  return vector?.kind === 'memory' && vector.addressing === 'fault-only-first' && vector.fields > 1;
}

/** QEMU 10 refuses these with an LMUL below 1, also where a register group holds an element group. */
function refusedByQemu10({ name }: Instruction, vtype: number): boolean {
  return name.startsWith('vsha2') && lmulOf(vtype) < 0;
}

/** Extensions of the harts of programs. */
export const EXTENSIONS: ReadonlySet<Extension> = new Set([
  ...([
    'i',
    'm',
    'a',
    'f',
    'd',
    'c',
    'zicsr',
    'zifencei',
    'zfhmin',
    'v',
    'zvfhmin',
    'zvfh',
    'zvbb',
    'zvkb',
    'zvbc',
    'zvkg',
    'zvkned',
    'zvknha',
    'zvknhb',
    'zvksed',
    'zvksh',
  ] as const),
]);

const decode = createDecoder({ extensions: EXTENSIONS, xlen: 64 });
const NO_OPERANDS: Operands = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0 };

export function encode(instruction: Instruction, operands: Partial<Operands>): number {
  return (instruction.match | instruction.format.encode({ ...NO_OPERANDS, ...operands })) >>> 0;
}

/** Registers for scalars and for results. */
const SCALARS = [16, 17, 18, 19, 20, 21, 22, 23] as const;
const RESULTS = [0, 10, 11, 12, 13] as const;
const ADDRESS = 26;
const STRIDE = 27;
const COUNT = 25;
/** QEMU 7.2 does not set vstart to 0 behind these, or not if it is behind their last element. */
const KEEPS_VSTART = /^(vmv\.x\.s|vmv\.s\.x|vfmv\.f\.s|vfmv\.s\.f|vslideup|v[ls]\dr|vmv\dr)/;

/** Body of a program as it grows. */
class Body {
  readonly words: number[] = [];
  readonly names: string[] = [];
  readonly looks: number[] = [];
  readonly random: Random;
  readonly #vlenb: number;
  readonly #paged: boolean;
  /** As the instructions so far have left it. */
  #vtype: number = VILL;
  /** The next instruction does not begin with element 0. */
  #begins = false;
  /** No more than vl. */
  #vl = 0;
  /** Elements of a group; 1 if the next instruction has none. */
  #groupSize = 1;

  readonly #computing: readonly Instruction[];
  readonly #recent: boolean;

  constructor(random: Random, vlenb: number, paged: boolean, { recent = false, only }: ProgramOptions) {
    this.random = random;
    this.#recent = recent;
    this.#vlenb = vlenb;
    this.#paged = paged;
    const isTried = ({ name, extension }: Instruction): boolean =>
      recent || (extension === 'v' && !STOPS_QEMU_7.test(name));
    this.#computing = COMPUTING.filter((each) => isTried(each) && each.name.startsWith(only ?? ''));
    // Each round begins without a type, as the first one does.
    this.add('vsetivli', { imm: 0x3ff });
  }

  add(name: string, operands: Partial<Operands>): void {
    this.words.push(encode(instructionNamed(name), operands));
  }

  call(address: number): void {
    this.add('jal', { rd: ROLE.link, imm: address - (LAYOUT.body + this.words.length * 4) });
  }

  /** A number of 32 bits. */
  number(register: number, value: number): void {
    const low = (value << 20) >> 20;
    this.add('lui', { rd: register, imm: (value - low) | 0 });
    this.add('addiw', { rd: register, rs1: register, imm: low });
  }

  #address(register: number, value: number): void {
    this.number(register, value | 0);
    this.add('slli', { rd: register, rs1: register, imm: 32 });
    this.add('srli', { rd: register, rs1: register, imm: 32 });
  }

  /** One vector instruction and what comes before it. */
  step(): void {
    const { random } = this;
    if (random.chance(0.1)) this.#refresh();
    this.#begins = random.chance(0.02);
    if (random.chance(0.05)) this.add('csrrwi', { csr: 0x00f, imm: random.below(8) });
    if (random.chance(0.05)) this.add('csrrwi', { csr: 0x001, imm: random.below(32) });
    if (random.chance(0.05))
      this.add('csrrwi', { csr: 0x002, imm: random.below(random.chance(0.05) ? 8 : 5) });
    if (this.#vtype === VILL ? random.chance(0.9) : random.chance(0.12)) this.#configure();
    else if (random.chance(0.25)) this.#memory();
    else this.#compute();
  }

  /**
   * Sets vstart to an element that there is. QEMU 7.2 does not set it to 0 if it is behind the last one, and takes it
   * to be what it was until the next jump.
   */
  #withStart(emit: () => void): void {
    this.#begins = false;
    const start = this.random.below(Math.min(31, this.#vl));
    this.add('csrrwi', { csr: 0x008, imm: this.random.chance(0.8) ? start & -this.#groupSize : start });
    emit();
    this.add('jal', { imm: 4 });
  }

  #refresh(): void {
    const slot = this.random.below(2048 / 8);
    this.add('lui', { rd: 4, imm: LAYOUT.pool | 0 });
    this.add('slli', { rd: 4, rs1: 4, imm: 32 });
    this.add('srli', { rd: 4, rs1: 4, imm: 32 });
    this.add('ld', { rd: this.random.pick(SCALARS), rs1: 4, imm: slot * 8 });
    const { random } = this;
    const load = random.pick(this.#recent ? ['fld', 'fld', 'flw', 'flh'] : ['fld', 'flw']);
    this.add(load, { rd: random.below(32), rs1: 4, imm: random.below(2048 / 8) * 8 });
  }

  #emit(instruction: Instruction, operands: Partial<Operands>): void {
    const bits = encode(instruction, operands);
    const emit = (): unknown => this.words.push(bits);
    if (this.#begins && this.#vl > 1 && !KEEPS_VSTART.test(instruction.name)) this.#withStart(emit);
    else emit();
    this.names.push(`${instruction.name} ${bits.toString(16)}`);
  }

  #configure(): void {
    const { random } = this;
    const instruction = random.pick(CONFIGURATIONS);
    const supported = random.chance(0.97);
    let vtype = random.below(256);
    while (supported && !isSupportedVtype(vtype)) vtype = random.below(256);
    if (!supported && random.chance(0.5)) vtype = random.below(1024);
    const rd = random.pick([...RESULTS, ...RESULTS, 9]);
    const count = this.#count(rd);
    const rs1 = count === undefined ? 0 : COUNT;
    let avl = count ?? (rd === 0 ? 0 : 2047);
    if (instruction.name === 'vsetvl') {
      this.number(STRIDE, vtype);
      this.#emit(instruction, { rd, rs1, rs2: STRIDE });
    } else if (instruction.name === 'vsetivli') {
      avl = random.below(32);
      this.#emit(instruction, { rd, rs1: avl, imm: vtype });
    } else this.#emit(instruction, { rd, rs1, imm: vtype });
    this.#vtype = isSupportedVtype(vtype) ? vtype : VILL;
    this.#vl = this.#vtype < 0 ? 0 : Math.min(avl, this.#vlenb * 2 ** (lmulOf(vtype) - sewOf(vtype)));
  }

  /** Puts a number of elements into its register, or leaves it to x0: then all that there is room for. */
  #count(rd: number): number | undefined {
    const { random } = this;
    // To keep vl is reserved where VLMAX changes.
    if (random.chance(0.3) && rd !== 0) return undefined;
    const count = Math.min(2047, random.below(2 ** random.between(0, 11) + 1));
    this.add('addi', { rd: COUNT, imm: count });
    return count;
  }

  /** Operands that are legal most of the time; undefined if there are none to be tried. */
  #operands(instruction: Instruction): Operands | undefined {
    const { random } = this;
    const { fields, registers } = instruction.format;
    const wantsLegal = random.chance(0.95);
    for (let attempt = 0; ; attempt++) {
      const aligned = (): number =>
        random.below(32) & -(2 ** Math.max(0, random.chance(0.7) ? lmulOf(this.#vtype) : random.below(4)));
      const register = (field: 'rd' | 'rs1' | 'rs2'): number => {
        if (registers[field] === 'v') return aligned();
        if (registers[field] === 'f') return random.below(32);
        return field === 'rd' ? random.pick(RESULTS) : random.pick([0, ...SCALARS]);
      };
      const { min, max } = instruction.format.immediate;
      const operands = {
        ...NO_OPERANDS,
        rd: register('rd'),
        rs1: fields.has('rs1') ? register('rs1') : 0,
        rs2: fields.has('rs2') ? register('rs2') : 0,
        imm: fields.has('imm') ? random.between(min, max) : 0,
        rm: fields.has('vm') ? Number(random.chance(0.6)) : 0,
      };
      const decoded = decode(encode(instruction, operands));
      const { vector } = instruction;
      if (decoded === undefined || vector === undefined)
        throw new Error(`${instruction.name} does not decode`);
      const isTried = !this.#recent || readsOneWidth(decoded, vector, this.#vtype);
      if (attempt > 200) return undefined;
      if (isTried && (isLegal(decoded, vector, this.#vtype, EXTENSIONS) === wantsLegal || attempt > 40))
        return operands;
    }
  }

  #compute(): void {
    const instruction = this.random.pick(this.#computing);
    if (instruction.vector?.kind === 'groups' && this.random.chance(0.9)) this.#useGroups(instruction.vector);
    const operands = refusedByQemu10(instruction, this.#vtype) ? undefined : this.#operands(instruction);
    if (operands !== undefined) this.#emit(instruction, operands);
    this.#groupSize = 1;
  }

  /** Has a number and type of elements with which an instruction on element groups is legal most of the time. */
  #useGroups({ size, wide }: GroupsShape): void {
    const { random } = this;
    const sew = wide !== undefined && random.chance(0.5) ? 3 : 2;
    const vlmul = random.pick([0, 0, 0, 1, 1, 2, 3, 7, 6]);
    const vtype = (random.below(4) << 6) | (sew << VTYPE.sewShift) | vlmul;
    if (!isSupportedVtype(vtype)) return;
    const most = this.#vlenb * 2 ** (lmulOf(vtype) - sew);
    const count = Math.min(size * random.below(most / size + 1), 2047);
    this.add('addi', { rd: COUNT, imm: count });
    this.add('vsetvli', { rs1: COUNT, imm: vtype });
    this.#vtype = vtype;
    this.#vl = count;
    this.#groupSize = size;
  }

  #memory(): void {
    const { random } = this;
    const instruction = random.pick(this.#recent ? MEMORY.filter((each) => !stopsQemu10(each)) : MEMORY);
    const shape = instruction.vector as MemoryShape;
    const operands = this.#operands(instruction);
    if (operands === undefined) return;
    this.#address(ADDRESS, this.#place(shape));
    const rest: { rs2?: number } = {};
    if (shape.addressing === 'strided') {
      this.add('addi', { rd: STRIDE, imm: random.between(-40, 40) << 3 });
      rest.rs2 = random.chance(0.1) ? 0 : STRIDE;
    }
    if (shape.addressing === 'indexed') this.#indices(shape, operands.rs2);
    this.#emit(instruction, { ...operands, rs1: ADDRESS, ...rest });
    if (shape.addressing !== 'fault-only-first') return;
    this.#vl = 0;
    // QEMU 7.2 takes vl to be what it was until the next jump.
    this.add('jal', { imm: 4 });
  }

  #place(shape: MemoryShape): number {
    const { random } = this;
    const isAligned = random.chance(0.8) || (this.#recent && shape.addressing === 'fault-only-first');
    const size = isAligned ? 1 << shape.eew : 1;
    const offset = random.between(-2048, 2047) & -size;
    if (this.#paged && random.chance(0.3))
      return WINDOW.base + 0x1000 * random.between(1, WINDOW.pages - 1) + ((offset >> 2) & -size);
    // Aligned: QEMU reports the address of the aligned part of an access that reaches nothing. It makes vl smaller
    // before it raises an exception of the first element.
    const mayEnd = shape.addressing !== 'indexed' && shape.addressing !== 'fault-only-first';
    if (!this.#paged && mayEnd && random.chance(0.05)) {
      return LAYOUT.ram + LAYOUT.ramBytes - (random.below(512) & -8);
    }
    return LAYOUT.dataMiddle + offset;
  }

  /** Loads small offsets into the register of indices. */
  #indices({ eew }: MemoryShape, register: number): void {
    const load = instructionNamed(`vle${8 << eew}.v`);
    const decoded = decode(encode(load, { rd: register, rs1: ADDRESS, rm: 1 }));
    if (
      decoded === undefined ||
      load.vector === undefined ||
      !isLegal(decoded, load.vector, this.#vtype, EXTENSIONS)
    )
      return;
    // All of them: others lead anywhere, also to memory that machines have for themselves.
    this.#begins = false;
    this.add('addi', { rd: STRIDE, rs1: ADDRESS });
    this.#address(ADDRESS, LAYOUT.indices + LAYOUT.indexBytes * eew + 8 * this.random.below(64));
    this.#emit(load, { rd: register, rs1: ADDRESS, rm: 1 });
    this.add('addi', { rd: ADDRESS, rs1: STRIDE });
  }
}

/**
 * Generates a program of random vector instructions in a loop. Now and then it makes a hash of all registers, which
 * goes to the log; hashes that differ tell where two machines part.
 */
export function generateVectorProgram(options: ProgramOptions): VectorProgram {
  const { seed, instructions = 1000, rounds = 1, every = 16, end } = options;
  const random = new Random(seed);
  const chosen = random.pick([128, 256, 256, 512, 1024] as const);
  const vlen = options.vlen ?? chosen;
  const paged = random.chance(0.5);
  const frame = assembleFrame({ vlenb: vlen / 8, paged, rounds });
  const body = new Body(random, vlen / 8, paged, options);
  let looked = 0;
  while (body.names.length < instructions) {
    body.step();
    if (body.names.length - looked < every) continue;
    looked = body.names.length;
    body.looks.push(looked);
    body.call(frame.look);
    if (end !== undefined && body.looks.length > end) break;
  }
  body.add('addi', { rd: ROLE.rounds, rs1: ROLE.rounds, imm: -1 });
  if (end === undefined) {
    body.add('beq', { rs1: ROLE.rounds, imm: 8 });
    body.add('jal', { imm: -body.words.length * 4 });
  }
  body.add('ecall', {});
  const image = imageOf(random, frame.bytes, body.words, paged);
  return { seed, recent: options.recent ?? false, vlen, image, looks: body.looks, names: body.names };
}

function imageOf(
  random: Random,
  frame: Uint8Array,
  words: readonly number[],
  paged: boolean,
): Uint8Array<ArrayBuffer> {
  const bytes = words.length * 4;
  if (LAYOUT.body + bytes > LAYOUT.bodyEnd) throw new Error('the program is too long');
  const image = new Uint8Array(LAYOUT.dataEnd - LAYOUT.ram);
  const view = new DataView(image.buffer);
  image.set(frame, 0);
  if (paged) writeTables(view);
  for (let at = LAYOUT.pool; at < LAYOUT.pool + LAYOUT.poolBytes; at += 8) {
    view.setBigUint64(at - LAYOUT.ram, value(random), true);
  }
  for (let eew = 0; eew < 4; eew++) {
    for (let at = 0; at < LAYOUT.indexBytes; at += 1 << eew) {
      const place = LAYOUT.indices - LAYOUT.ram + eew * LAYOUT.indexBytes + at;
      const offset = random.below(eew === 0 ? 256 : 2048) & (random.chance(0.9) ? -8 : -1);
      if (eew === 0) view.setUint8(place, offset);
      else if (eew === 1) view.setUint16(place, offset, true);
      else if (eew === 2) view.setUint32(place, offset, true);
      else view.setBigUint64(place, BigInt(offset), true);
    }
  }
  for (let at = LAYOUT.data; at < LAYOUT.dataEnd; at += 8)
    view.setBigUint64(at - LAYOUT.ram, random.chance(0.5) ? floatValues(random) : random.wide(), true);
  for (const [index, word] of words.entries())
    view.setUint32(LAYOUT.body - LAYOUT.ram + index * 4, word, true);
  return image;
}

/** Numbers of floating point by the bits of exponent and fraction: limits, ties, infinities, NaNs, and near ones. */
function floatValue(random: Random, exponentBits: number, fractionBits: number): bigint {
  const fraction = random.wide() & ((1n << BigInt(fractionBits)) - 1n);
  const most = 2 ** exponentBits - 1;
  const bias = most >> 1;
  const exponent = random.pick([
    ...[0, 0, 1, 2, most - 1, most, bias, bias + 1, bias - 1],
    ...[bias + fractionBits, bias - fractionBits, bias >> 1, random.below(most + 1)],
    ...[bias + random.between(-4, 4), bias + random.between(6, 9), 2 * bias - 1],
  ]);
  const half = 1n << BigInt(fractionBits - 1);
  const part = random.pick([
    0n,
    1n,
    half,
    half - 1n,
    2n * half - 1n,
    half | 1n,
    fraction,
    fraction,
    fraction,
  ]);
  const sign = BigInt(random.below(2)) << BigInt(exponentBits + fractionBits);
  return sign | (BigInt(exponent) << BigInt(fractionBits)) | part;
}

/** 64 bits of numbers of one format, singles often NaN-boxed. */
function floatValues(random: Random): bigint {
  switch (random.below(4)) {
    case 0:
      return floatValue(random, 11, 52);
    case 1:
      return (floatValue(random, 8, 23) << 32n) | floatValue(random, 8, 23);
    case 2:
      return (0xffff_ffffn << 32n) | floatValue(random, 8, 23);
    default:
      return Array.from({ length: 4 }, () => floatValue(random, 5, 10)).reduce(
        (all, each) => (all << 16n) | each,
      );
  }
}

/** Values of registers: often of small parts that are all zeros, ones, or at a limit, or numbers of floating point. */
function value(random: Random): bigint {
  if (random.chance(0.5)) return floatValues(random);
  const parts = [0n, 1n, 0xffn, 0x80n, 0x7fn, 0x8000n, 0x7fffn, 0xffffn, 0x8000_0000n, 0x7fff_ffffn];
  switch (random.below(4)) {
    case 0:
      return random.wide();
    case 1:
      return random.pick([0n, 1n, 2n ** 63n, 2n ** 63n - 1n, 2n ** 64n - 1n, 3n, 31n, 64n]);
    case 2:
      return (random.pick(parts) << 32n) | random.pick(parts);
    default:
      return Array.from({ length: 8 }, () =>
        BigInt(random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)])),
      ).reduce((all, byte) => (all << 8n) | byte, 0n);
  }
}

/** Sv39: RAM as it is, and a window of pages of data. */
function writeTables(view: DataView): void {
  const put = (table: number, index: number, entry: number): void => {
    view.setBigUint64(LAYOUT.tables - LAYOUT.ram + table * 0x1000 + index * 8, BigInt(entry), true);
  };
  const pointer = (table: number): number => ((LAYOUT.tables + table * 0x1000) / 0x1000) * 0x400 + 1;
  put(0, 2, (LAYOUT.ram / 0x1000) * 0x400 + 0xcf);
  put(0, 1, pointer(1));
  put(1, 0, pointer(2));
  for (let page = 0; page < WINDOW.pages; page++) {
    const permissions = page % 4 === 1 ? 0 : page % 4 === 3 ? 0xc3 : 0xc7;
    put(2, page, ((LAYOUT.data + page * 0x1000) / 0x1000) * 0x400 + permissions);
  }
}
