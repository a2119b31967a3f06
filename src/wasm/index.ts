export { ByteWriter } from './byte-writer.ts';
export {
  ConstHole,
  type Expr,
  type FunctionRef,
  Local,
  type ValType,
} from './expression.ts';
export { FunctionBuilder, type Label } from './function-builder.ts';
export { indexHole, SLOTS } from './hole.ts';
export { type MemoryLimits, ModuleBuilder, writeSingleFunction } from './module-builder.ts';
export {
  call,
  callIndirect,
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  relaxedMadd,
  select,
} from './operations.ts';
export { FLOAT_LANES, INTEGER_LANES, type V128, v128 } from './simd.ts';
export type { Stencil } from './stencil.ts';
export { labelHole, localHole, recordStencil } from './stencil-builder.ts';
export { moduleText } from './text.ts';
