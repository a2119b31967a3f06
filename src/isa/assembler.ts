import { AssemblyError, OperandError } from './assembly-error.ts';
import { evaluate, type SymbolLookup } from './assembly-expression.ts';
import { parseOperands } from './assembly-operands.ts';
import { parseSource, type Statement } from './assembly-source.ts';
import { compressedInstructionsFor } from './c.ts';
import { findCompressed } from './decoder.ts';
import { directives } from './directives.ts';
import type { Format } from './formats.ts';
import type { Xlen } from './instruction.ts';
import type { Operands } from './operands.ts';
import { expandPseudo, loadImmediate } from './pseudo-instructions.ts';
import { EXACT_CONVERSIONS, ORDERING_SUFFIXES } from './registers.ts';
import { findInstruction } from './table.ts';

/** Symbols for a source, and the place of its first byte. */
export interface AssemblerOptions {
  /** Width of the hart that the code is for; 64 if not given. */
  readonly xlen?: Xlen;
  /** Address of the first byte; 0 if not given. */
  readonly origin?: bigint;
  /** CSR numbers by name; numbers can always be written. */
  readonly csrs?: ReadonlyMap<string, number>;
}

/** The result of assembling. */
export interface Assembly {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Addresses of labels and values of `.equ` symbols. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

/**
 * Assembles source in the syntax of GNU as: instructions of the table (compressed ones where `c.` is written), common
 * pseudo-instructions, labels, numeric labels (`1:`, `1b`, `1f`), and data directives. Forward references take no part
 * in sizes, so that a first pass fixes all addresses and a second one encodes. Jumps are not relaxed: one that is out
 * of range is an error.
 *
 * @throws AssemblyError with the line of the first mistake
 */
export function assemble(source: string, options: AssemblerOptions = {}): Assembly {
  const statements = parseSource(source);
  const layout = new Pass(options);
  layout.run(statements);
  const encoding = new Pass(options, layout);
  encoding.run(statements);
  return { bytes: Uint8Array.from(encoding.bytes), symbols: encoding.symbols };
}

/** Encoding of an instruction: the facts that the assembler needs of 16-bit and 32-bit ones alike. */
interface Encoding {
  readonly name: string;
  readonly match: number;
  readonly format: Format;
  readonly length: 2 | 4;
  readonly isReserved: (operands: Operands) => boolean;
}

const RNE = 0;
const DYNAMIC = 7;

function findEncoding(name: string, xlen: Xlen): Encoding | undefined {
  const compressed = compressedInstructionsFor(xlen).find((one) => one.name === name);
  if (compressed !== undefined) return { ...compressed, length: 2 };
  const instruction = findInstruction(name, xlen);
  return instruction && { ...instruction, length: 4, isReserved: () => false };
}

/** Some operands of a compressed instruction make another one: `c.mv` from x0 would be `c.jr`. */
function isOther({ name, length }: Encoding, bits: number, xlen: Xlen): boolean {
  return length === 2 && findCompressed(bits, xlen)?.name !== name;
}

/** The instruction without its ordering suffix, and aq << 1 | rl. */
function findOrdered(name: string, xlen: Xlen): { encoding: Encoding; ordering: number } | undefined {
  const plain = findEncoding(name, xlen);
  if (plain !== undefined) return { encoding: plain, ordering: 0 };
  const ordering = ORDERING_SUFFIXES.findIndex((suffix) => suffix !== '' && name.endsWith(suffix));
  if (ordering < 0) return undefined;
  const encoding = findEncoding(name.slice(0, -ORDERING_SUFFIXES[ordering].length), xlen);
  return encoding?.format.fields.has('ordering') ? { encoding, ordering } : undefined;
}

/** One run over the source: the first finds where labels are, the second writes bytes. */
class Pass {
  readonly bytes: number[] = [];
  readonly symbols = new Map<string, bigint>();
  /** Addresses of numeric labels, in the order of the source. */
  readonly numbered = new Map<string, bigint[]>();
  readonly #origin: bigint;
  readonly #csrs: ReadonlyMap<string, number>;
  readonly #xlen: Xlen;
  readonly #layout: Pass | undefined;
  #pc = 0n;

  /** @param layout the first pass; undefined: this is the first one */
  constructor({ origin = 0n, csrs = new Map(), xlen = 64 }: AssemblerOptions, layout?: Pass) {
    this.#origin = origin;
    this.#csrs = csrs;
    this.#xlen = xlen;
    this.#layout = layout;
  }

  run(statements: readonly Statement[]): void {
    for (const statement of statements) {
      try {
        for (const label of statement.labels) this.#define(label);
        this.#statement(statement);
      } catch (error) {
        if (!(error instanceof OperandError)) throw error;
        throw new AssemblyError(statement.line, error.message);
      }
    }
  }

  get #here(): bigint {
    return this.#origin + BigInt(this.bytes.length);
  }

  #define(label: string): void {
    if (/^\d/.test(label)) {
      this.numbered.set(label, [...(this.numbered.get(label) ?? []), this.#here]);
      return;
    }
    if (this.symbols.has(label)) throw new OperandError(`'${label}' is already defined`);
    this.symbols.set(label, this.#here);
  }

  /** Symbols as they are here: `.equ` values so far, labels of the whole source, and `.` for the address. */
  readonly #lookup: SymbolLookup = (name) => {
    if (name === '.') return this.#pc;
    const local = /^(\d+)([bf])$/.exec(name);
    if (local !== null) return this.#localLabel(local[1], local[2]);
    return this.symbols.get(name) ?? this.#layout?.symbols.get(name);
  };

  #localLabel(number: string, direction: string): bigint | undefined {
    const before = this.numbered.get(number) ?? [];
    if (direction === 'b') return before.at(-1);
    return this.#layout?.numbered.get(number)?.[before.length];
  }

  #statement({ name, operands }: Statement): void {
    this.#pc = this.#here;
    if (name === '') return;
    if (name.startsWith('.')) this.#directive(name, operands);
    else this.#instruction(name, operands);
  }

  #directive(name: string, operands: readonly string[]): void {
    const directive = directives.get(name);
    if (directive === undefined) throw new OperandError(`directive '${name}' is not known`);
    directive(operands, {
      offset: this.bytes.length,
      // Sizes, and symbols of .equ, must be known in the first pass; data need not be.
      evaluate: (text) => this.#evaluate(text),
      evaluateData: (text) => (this.#layout === undefined ? 0n : this.#evaluate(text)),
      define: (symbol, value) => this.symbols.set(symbol, value),
      emit: (bytes) => {
        for (const byte of bytes) this.bytes.push(byte);
      },
    });
  }

  #evaluate(text: string): bigint {
    return evaluate(text, this.#lookup);
  }

  #instruction(name: string, operands: readonly string[]): void {
    const expansion = this.#expand(name, operands);
    if (expansion === undefined) {
      this.#encode(name, operands);
      return;
    }
    for (const { name: inner, operands: parts } of expansion.flatMap(parseSource)) this.#encode(inner, parts);
  }

  /** The instructions for a pseudo-instruction: those with values and addresses here, the others by template. */
  #expand(name: string, operands: readonly string[]): readonly string[] | undefined {
    const [first = '', second = ''] = operands;
    if (name === 'li' && operands.length === 2) {
      const value = this.#evaluate(second);
      const bits = BigInt(this.#xlen);
      if (value < -(2n ** (bits - 1n)) || value >= 2n ** bits)
        throw new OperandError(`${value} does not fit in ${bits} bits`);
      return loadImmediate(first, value, this.#xlen);
    }
    if ((name === 'la' || name === 'lla') && operands.length === 2) {
      return this.#pcRelative(first, second, (low) => `addi ${first}, ${first}, ${low}`);
    }
    if (name === 'call' && operands.length === 1) {
      return this.#pcRelative('ra', first, (low) => `jalr ra, ${low}(ra)`);
    }
    if (name === 'tail' && operands.length === 1) {
      return this.#pcRelative('t1', first, (low) => `jalr x0, ${low}(t1)`);
    }
    return expandPseudo(name, operands);
  }

  /** `auipc`, and an instruction that adds the low 12 bits of the distance. */
  #pcRelative(register: string, target: string, second: (low: bigint) => string): readonly string[] {
    const distance = this.#layout === undefined ? 0n : this.#evaluate(target) - this.#pc;
    const low = BigInt.asIntN(12, distance);
    const high = BigInt.asIntN(this.#xlen - 12, (distance - low) >> 12n);
    if (high !== BigInt.asIntN(20, high)) throw new OperandError(`'${target}' is more than 2 GiB away`);
    return [`auipc ${register}, ${high}`, second(low)];
  }

  #encode(name: string, operands: readonly string[]): void {
    const found = findOrdered(name, this.#xlen);
    if (found === undefined)
      throw new OperandError(`instruction '${name}' is not known${this.#xlen === 32 ? ' on RV32' : ''}`);
    const { encoding, ordering } = found;
    const bits = this.#layout === undefined ? 0 : this.#encodingBits(encoding, ordering, operands);
    for (let index = 0; index < encoding.length; index++) this.bytes.push((bits >>> (8 * index)) & 0xff);
  }

  #encodingBits(encoding: Encoding, ordering: number, texts: readonly string[]): number {
    const { name, format, match, isReserved } = encoding;
    const context = { pc: this.#pc, lookup: this.#lookup, csrs: this.#csrs, xlen: this.#xlen };
    const parsed = parseOperands(format, texts, context, EXACT_CONVERSIONS.has(name) ? RNE : DYNAMIC);
    const operands = format.fields.has('ordering') ? { ...parsed, rm: ordering } : parsed;
    const bits = (match | format.encode(operands)) >>> 0;
    this.#checkRegisters(format, operands, bits);
    if (isReserved(format.decode(bits)) || isOther(encoding, bits, this.#xlen))
      throw new OperandError('these operands are reserved');
    return bits;
  }

  /** Compressed instructions reach few registers: operands that come out of the encoding must be those that went in. */
  #checkRegisters(format: Format, operands: Operands, bits: number): void {
    const encoded = format.decode(bits);
    for (const field of ['rd', 'rs1', 'rs2'] as const) {
      if (format.registers[field] !== undefined && encoded[field] !== operands[field]) {
        throw new OperandError(`the ${field} register cannot be encoded in this instruction`);
      }
    }
  }
}
