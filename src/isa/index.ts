export { assemble } from './assembler.ts';
export { AssemblyError } from './assembly-error.ts';
export { compressedInstructionsFor } from './c.ts';
export { createDecoder, type Decode, findCompressed } from './decoder.ts';
export { disassemble, disassembleData } from './disassembler.ts';
export { effectsOf } from './effects.ts';
export { emitSemantics } from './emit-semantics.ts';
export { EXTENSION_NAMES, EXTENSIONS, isExtension, vlenOf } from './extensions.ts';
export type { Format, RegisterClass, RegisterField } from './formats.ts';
export type { Decoded, Extension, Instruction, Operands, Xlen } from './instruction.ts';
export { registerName, registerNumber } from './registers.ts';
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
  StoreWidth,
} from './semantics.ts';
export { instructionNamed, instructionsFor } from './table.ts';
export type {
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
