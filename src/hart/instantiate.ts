/** Instantiates the compiled interpreter over a memory. @returns its function `run(hart block)`, which gives an EXIT */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  callOuts: Record<string, CallableFunction>,
): (hart: number) => number {
  const { run } = new WebAssembly.Instance(module, { env: { memory, ...callOuts } }).exports;
  if (typeof run !== 'function') throw new Error('the interpreter module has no function `run`');
  return run as (hart: number) => number;
}
