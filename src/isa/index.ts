export { type CompressedInstruction, compressedInstructions } from './c.ts';
export { createDecoder, type Decode, type DecoderOptions, findCompressed } from './decoder.ts';
export { type Effects, effectsOf } from './effects.ts';
export type { Field, Format, OperandSyntax, RegisterClass, RegisterField } from './formats.ts';
export type { Decoded, Extension, Instruction, Operands } from './instruction.ts';
export type {
  AmoOperation,
  AtomicWidth,
  FloatArithmetic,
  FloatBits,
  FloatFormat,
  FloatSemantics,
  FloatSource,
  IntegerFormat,
  LoadKind,
  MemorySemantics,
  Semantics,
  SemanticsOf,
  StoreWidth,
} from './semantics.ts';
export { findInstruction, instructionNamed, instructions } from './table.ts';
