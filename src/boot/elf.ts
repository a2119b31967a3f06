import { BYTES, checkArgument } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';

/** `e_machine` of RISC-V (ELF specification, registry of machine numbers). */
export const machineRiscv = 243;

/** Names of machines that people have kernels for. */
const machineNames = new Map<number, string>([
  [2, 'SPARC'],
  [3, 'x86 (32 bit)'],
  [4, 'Motorola 68000'],
  [8, 'MIPS'],
  [20, 'PowerPC (32 bit)'],
  [21, 'PowerPC (64 bit)'],
  [22, 'IBM Z'],
  [40, 'ARM (32 bit)'],
  [42, 'SuperH'],
  [43, 'SPARC (64 bit)'],
  [50, 'Itanium'],
  [62, 'x86-64'],
  [183, 'ARM64'],
  [machineRiscv, 'RISC-V'],
  [247, 'BPF'],
  [258, 'LoongArch'],
]);

/** The type of an ELF file (`e_type`). */
export type ElfType = 'relocatable' | 'executable' | 'shared' | 'core' | 'other';

/** A loadable part of the program (a `PT_LOAD` program header). */
export interface ElfSegment {
  /** Address that the program sees. All 64 bits: kernels are linked to the upper half. */
  readonly virtualAddress: bigint;
  /** Address in physical memory. */
  readonly physicalAddress: bigint;
  /** The bytes from the file; memory from there to `memorySize` is zero. */
  readonly data: Uint8Array;
  readonly memorySize: number;
  /** Where `data` starts in the file. */
  readonly fileOffset: number;
  readonly flags: { readonly read: boolean; readonly write: boolean; readonly execute: boolean };
}

/** Bytes of a file. */
export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** A symbol of the file's symbol table. */
export interface ElfSymbol {
  readonly value: bigint;
  readonly size: number;
}

/** A little-endian ELF file, read and checked. */
export interface ElfFile {
  readonly bits: 32 | 64;
  readonly type: ElfType;
  /** `e_machine`. */
  readonly machine: number;
  readonly entry: bigint;
  /** The loadable segments that hold anything, in the file's order. */
  readonly segments: readonly ElfSegment[];
  /** Bytes of the file that describe it and are nothing that a program needs: its headers and notes. */
  readonly metadata: readonly FileRange[];
  /** Looks a symbol up by name; undefined when there is none or the file is stripped. */
  readonly symbol: (name: string) => ElfSymbol | undefined;
}

/** Whether the bytes start as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
  );
}

/** The name of a machine number for people: `x86-64`, or `machine number 999`. */
export function elfMachineName(machine: number): string {
  return machineNames.get(machine) ?? `machine number ${machine}`;
}

/**
 * Reads a little-endian ELF file of 32 or 64 bits (System V ABI, "Object Files"). Segments share the file's memory.
 *
 * @param source - names the file in messages.
 * @throws InputError when it is no ELF file, big-endian, or refers to bytes that are not there; the message has the
 * offset.
 */
export function readElf(bytes: Uint8Array, source: string): ElfFile {
  checkArgument('bytes', bytes, BYTES);
  if (!isElf(bytes)) throw new InputError(`${source} is not an ELF file.`);
  const reader = new Reader(bytes, source);
  const fileClass = reader.u8(4, 'the ELF header');
  if (fileClass !== 1 && fileClass !== 2) throw reader.broken(4, `the ELF class is ${fileClass}, not 1 or 2`);
  if (reader.u8(5, 'the ELF header') !== 1) {
    throw new InputError(
      `${source} is a big-endian ELF file; hartvisor needs a little-endian one for RISC-V.`,
    );
  }
  const layout = fileClass === 2 ? layout64 : layout32;
  reader.require(0, layout.headerSize, 'the ELF header');
  const { segments, notes } = readProgram(reader, layout);
  return {
    bits: layout.bits,
    type: elfTypes[reader.u16(16, 'the ELF header')] ?? 'other',
    machine: reader.u16(18, 'the ELF header'),
    entry: reader.address(24, layout.bits, 'the ELF header'),
    segments,
    metadata: [...headerRanges(reader, layout), ...notes],
    symbol: (name) => findSymbol(reader, layout, name),
  };
}

const elfTypes: readonly (ElfType | undefined)[] = ['other', 'relocatable', 'executable', 'shared', 'core'];

/** Offsets of the fields that differ between the two classes. */
interface Layout {
  readonly bits: 32 | 64;
  readonly headerSize: number;
  readonly programHeaders: { readonly offset: number; readonly entrySize: number; readonly count: number };
  readonly sectionHeaders: { readonly offset: number; readonly entrySize: number; readonly count: number };
  readonly program: {
    readonly size: number;
    readonly flags: number;
    readonly offset: number;
    readonly virtual: number;
    readonly physical: number;
    readonly fileSize: number;
    readonly memorySize: number;
  };
  readonly section: {
    readonly size: number;
    readonly type: number;
    readonly offset: number;
    readonly length: number;
    readonly link: number;
  };
  readonly symbol: { readonly size: number; readonly value: number; readonly length: number };
}

const layout64: Layout = {
  bits: 64,
  headerSize: 64,
  programHeaders: { offset: 32, entrySize: 54, count: 56 },
  sectionHeaders: { offset: 40, entrySize: 58, count: 60 },
  program: { size: 56, flags: 4, offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40 },
  section: { size: 64, type: 4, offset: 24, length: 32, link: 40 },
  symbol: { size: 24, value: 8, length: 16 },
};

const layout32: Layout = {
  bits: 32,
  headerSize: 52,
  programHeaders: { offset: 28, entrySize: 42, count: 44 },
  sectionHeaders: { offset: 32, entrySize: 46, count: 48 },
  program: { size: 32, flags: 24, offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20 },
  section: { size: 40, type: 4, offset: 16, length: 20, link: 24 },
  symbol: { size: 16, value: 4, length: 8 },
};

const segmentTypeLoad = 1;
const segmentTypeNote = 4;
const sectionTypeSymbols = 2;

function readProgram(reader: Reader, layout: Layout): { segments: ElfSegment[]; notes: FileRange[] } {
  const table = readTable(reader, layout, layout.programHeaders, layout.program.size, 'program headers');
  const segments: ElfSegment[] = [];
  const notes: FileRange[] = [];
  for (const header of table) {
    const type = reader.u32(header, 'a program header');
    if (type === segmentTypeNote) notes.push(readRange(reader, layout, header));
    if (type !== segmentTypeLoad) continue;
    const segment = readSegment(reader, layout, header);
    if (segment.memorySize > 0) segments.push(segment);
  }
  return { segments, notes };
}

/** The ELF header and the program headers. */
function headerRanges(reader: Reader, layout: Layout): FileRange[] {
  const { offset, entrySize, count } = layout.programHeaders;
  const length = reader.u16(entrySize, 'the ELF header') * reader.u16(count, 'the ELF header');
  return [
    { offset: 0, length: layout.headerSize },
    { offset: reader.size(offset, layout.bits, 'the ELF header'), length },
  ];
}

/** The bytes of the file that a program header is about. */
function readRange(reader: Reader, { program, bits }: Layout, header: number): FileRange {
  const what = 'a program header';
  return {
    offset: reader.size(header + program.offset, bits, what),
    length: reader.size(header + program.fileSize, bits, what),
  };
}

function readSegment(reader: Reader, layout: Layout, header: number): ElfSegment {
  const { program, bits } = layout;
  const what = 'a program header';
  const { offset: fileOffset, length: fileSize } = readRange(reader, layout, header);
  const memorySize = reader.size(header + program.memorySize, bits, what);
  if (fileSize > memorySize) {
    throw reader.broken(
      header,
      `a segment has ${fileSize} bytes in the file but only ${memorySize} in memory`,
    );
  }
  if (fileSize > 0) reader.require(fileOffset, fileSize, 'a loadable segment');
  const flags = reader.u32(header + program.flags, what);
  return {
    virtualAddress: reader.address(header + program.virtual, bits, what),
    physicalAddress: reader.address(header + program.physical, bits, what),
    data: reader.bytes.subarray(fileOffset, fileOffset + fileSize),
    memorySize,
    fileOffset,
    flags: { execute: (flags & 1) !== 0, write: (flags & 2) !== 0, read: (flags & 4) !== 0 },
  };
}

/** Offsets of the entries of a header table, all of them within the file. */
function readTable(
  reader: Reader,
  layout: Layout,
  fields: { readonly offset: number; readonly entrySize: number; readonly count: number },
  minimumSize: number,
  what: string,
): number[] {
  const offset = reader.size(fields.offset, layout.bits, 'the ELF header');
  const entrySize = reader.u16(fields.entrySize, 'the ELF header');
  const count = reader.u16(fields.count, 'the ELF header');
  if (count === 0 || offset === 0) return [];
  if (entrySize < minimumSize) throw reader.broken(fields.entrySize, `${what} are ${entrySize} bytes each`);
  reader.require(offset, entrySize * count, `the ${what}`);
  return Array.from({ length: count }, (_, index) => offset + index * entrySize);
}

function findSymbol(reader: Reader, layout: Layout, name: string): ElfSymbol | undefined {
  const { section } = layout;
  const sections = readTable(reader, layout, layout.sectionHeaders, section.size, 'section headers');
  const tables = sections.filter(
    (header) => reader.u32(header + section.type, 'a section header') === sectionTypeSymbols,
  );
  const [header] = tables;
  if (header === undefined) return undefined;
  // As the ABI says. It also keeps the search short: 65,535 tables may share the same millions of symbols.
  if (tables.length > 1) throw reader.broken(header, `it has ${tables.length} symbol tables instead of one`);
  const link = reader.u32(header + section.link, 'a section header');
  const strings = sections[link];
  if (strings === undefined) {
    throw reader.broken(header, `a symbol table names string section ${link} of ${sections.length}`);
  }
  const names = readSection(reader, layout, strings, 'the string table');
  const symbols = readSection(reader, layout, header, 'the symbol table');
  return searchSymbols(reader, layout, symbols, names, new TextEncoder().encode(`${name}\0`));
}

function readSection(reader: Reader, layout: Layout, header: number, what: string): FileRange {
  const offset = reader.size(header + layout.section.offset, layout.bits, what);
  const length = reader.size(header + layout.section.length, layout.bits, what);
  reader.require(offset, length, what);
  return { offset, length };
}

function searchSymbols(
  reader: Reader,
  layout: Layout,
  symbols: FileRange,
  names: FileRange,
  wanted: Uint8Array,
): ElfSymbol | undefined {
  const { size, value, length } = layout.symbol;
  const what = 'a symbol';
  const table = reader.bytes.subarray(names.offset, names.offset + names.length);
  for (let at = symbols.offset; at + size <= symbols.offset + symbols.length; at += size) {
    const start = reader.u32(at, what);
    // Most names differ in the first byte, and a file may have millions.
    if (table[start] !== wanted[0]) continue;
    if (!wanted.every((byte, index) => table[start + index] === byte)) continue;
    return {
      value: reader.address(at + value, layout.bits, what),
      size: reader.size(at + length, layout.bits, what),
    };
  }
  return undefined;
}

/** Reads numbers, and names the missing part and its place when the file ends too early. */
class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #source: string;

  constructor(bytes: Uint8Array, source: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#source = source;
  }

  broken(offset: number, reason: string): InputError {
    return new InputError(`${this.#source} is a damaged ELF file: at byte ${offset}, ${reason}.`);
  }

  require(offset: number, length: number, what: string): void {
    if (offset + length <= this.bytes.length) return;
    throw new InputError(
      `${this.#source} is cut short: it ends at byte ${this.bytes.length}, before the end of ${what} ` +
        `(${length} bytes from byte ${offset}). Copy or build it again.`,
    );
  }

  u8(offset: number, what: string): number {
    this.require(offset, 1, what);
    return this.#view.getUint8(offset);
  }

  u16(offset: number, what: string): number {
    this.require(offset, 2, what);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number, what: string): number {
    this.require(offset, 4, what);
    return this.#view.getUint32(offset, true);
  }

  address(offset: number, bits: 32 | 64, what: string): bigint {
    if (bits === 32) return BigInt(this.u32(offset, what));
    this.require(offset, 8, what);
    return this.#view.getBigUint64(offset, true);
  }

  /** An offset or length within a file: more than 2^53 cannot be meant. */
  size(offset: number, bits: 32 | 64, what: string): number {
    const value = this.address(offset, bits, what);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.broken(offset, `${what} has the size ${value}`);
    return Number(value);
  }
}
