export { type AssemblerOptions, type Assembly, assemble } from './assembler.ts';
export { AssemblyError } from './assembly-error.ts';
export { type CompressedInstruction, compressedInstructionsFor } from './c.ts';
export { createDecoder, type Decode, type DecoderOptions, findCompressed } from './decoder.ts';
export { type DisassemblyOptions, disassemble, disassembleData } from './disassembler.ts';
export { type Effects, effectsOf } from './effects.ts';
export { emitSemantics } from './emit-semantics.ts';
export { EXTENSION_NAMES, EXTENSIONS, isExtension, vlenOf } from './extensions.ts';
export type { Field, Format, OperandSyntax, RegisterClass, RegisterField } from './formats.ts';
export type { Decoded, Extension, Instruction, Operands, Xlen } from './instruction.ts';
export { F_NAMES, registerName, registerNumber, V_NAMES, X_NAMES } from './registers.ts';
export type {
  AmoOperation,
  AmoWidth,
  AtomicWidth,
  FloatArithmetic,
  FloatBits,
  FloatExtremum,
  FloatFormat,
  FloatRelation,
  FloatSemantics,
  FloatSource,
  IntegerFormat,
  LoadKind,
  MemorySemantics,
  Semantics,
  SemanticsOf,
  StoreWidth,
} from './semantics.ts';
export { findInstruction, instructionNamed, instructionsFor } from './table.ts';
export type {
  Addressing,
  Computation,
  ConfigurationShape,
  ElementFloat,
  ElementGroup,
  ElementOperands,
  ElementsShape,
  ElementTools,
  FloatScale,
  FloatUse,
  FusedLanes,
  GroupOperands,
  GroupsShape,
  LaneOperation,
  MaskLogicShape,
  MemoryShape,
  ReductionShape,
  Source,
  SpecialShape,
  VectorShape,
  WholeMoveShape,
} from './vector/shapes.ts';
export { isSupportedVtype, lmulOf, sewOf, VTYPE } from './vector/vtype.ts';
export { addressWithin } from './words.ts';
