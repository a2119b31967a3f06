import { type FunctionBuilder, type I32, i32 } from '../wasm/index.ts';

/** Counts a PAUSE instruction down: the hart looks at the counter when it is next asked to leave. */
export function countPause(f: FunctionBuilder, hart: I32, field: number): void {
  f.store('i32.store', hart, i32.sub(i32.load(hart, field), i32.const(1)), field);
}
