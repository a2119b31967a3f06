import type { FunctionRef } from '../wasm/index.ts';
import type { CallOuts } from './interpreter/call-outs.ts';

/** The functions of TypeScript that generated code calls. */
export type CallOutFunctions = {
  readonly [Name in keyof CallOuts]: (
    argument: number,
  ) => CallOuts[Name] extends FunctionRef<'i32'> ? number : void;
};

/** The functions that the generated module exports. */
export interface GeneratedCode {
  /** Runs the hart whose block is at this address. @returns an EXIT */
  run(hart: number): number;
  /** Whether two pages of 4 KiB hold the same, by their addresses in linear memory: 1 or 0. */
  samePage(a: number, b: number): number;
  /** Everything, with the functions of float/ by their names. */
  readonly exports: WebAssembly.Exports;
}

/**
 * Instantiates the compiled interpreter over a memory.
 *
 * @param regions the functions of compiled regions
 */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  regions: WebAssembly.Table,
  callOuts: CallOutFunctions,
): GeneratedCode {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, regions, ...callOuts } });
  const { run, samePage } = exports;
  if (typeof run !== 'function' || typeof samePage !== 'function') {
    throw new Error('the interpreter module lacks one of its functions');
  }
  return { run, samePage, exports } as GeneratedCode;
}
