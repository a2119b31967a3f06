import type { Extension } from './extensions.ts';
import type { Format } from './formats.ts';
import type { Operands } from './operands.ts';
import type { SemanticsOf, Xlen } from './semantics.ts';
import type { VectorShape } from './vector/shapes.ts';

export type { Extension, Operands, Xlen };

/** One instruction: its encoding, its needs, and its semantics. */
export interface Instruction {
  /** Assembler mnemonic, such as `amoadd.d`. */
  readonly name: string;
  /** Its number among the instructions of both widths; the interpreter's dispatch number is derived from it. */
  readonly id: number;
  /** Bits of the encoding that are fixed, and their values: `(bits & mask) === match`, as unsigned 32-bit. */
  readonly match: number;
  readonly mask: number;
  /** Operand layout: how operands are extracted, inserted and written in assembler. */
  readonly format: Format;
  /** The extension that brings the instruction; without it the encoding is illegal. */
  readonly extension: Extension;
  /** Another extension that brings it as well: it takes one of the two. */
  readonly alsoIn: Extension | undefined;
  /** A second extension without which the encoding is illegal, such as `h` for `hinval.vvma`. */
  readonly alsoNeeds: Extension | undefined;
  /** XLEN for which the encoding exists; undefined for both. */
  readonly xlen: Xlen | undefined;
  /** It is illegal while mstatus.FS (and vsstatus.FS in a virtual machine) is Off. */
  readonly needsFloat: boolean;
  /** The shape of a vector instruction; `semantics` leaves all of it to the hart. */
  readonly vector: VectorShape | undefined;
  readonly semantics: SemanticsOf;
}

/** A decoded instruction: a compressed one decodes to the instruction that it expands to, with `length` 2. */
export interface Decoded extends Operands {
  readonly instruction: Instruction;
  /** Bytes: 2 or 4. */
  readonly length: 2 | 4;
  /** The encoding: 16 bits of a compressed instruction, else 32 bits, unsigned. */
  readonly bits: number;
}
