export { ByteWriter } from './byte-writer.ts';
export { type Expr, type FunctionRef, Local, type ValType } from './expression.ts';
export type { FunctionBuilder, Label, StoreName } from './function-builder.ts';
export { type MemoryLimits, ModuleBuilder } from './module-builder.ts';
export {
  call,
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  select,
  tee,
} from './operations.ts';
