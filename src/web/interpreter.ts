import type { Xlen } from '../machine/cpu.ts';

/**
 * The interpreter of a width as a file that lies beside this module where it was built: written so that bundlers see
 * it. It is the same for all machines, and to generate it takes a cold page a third of a second.
 */
function interpreterUrl(xlen: Xlen): URL {
  return xlen === 32
    ? new URL('./interpreter-rv32.wasm', import.meta.url)
    : new URL('./interpreter-rv64.wasm', import.meta.url);
}

/**
 * Fetches the interpreter that was built with this module. Browsers compile it as it comes, beside the page's own
 * thread.
 *
 * @returns undefined where there is none: in a checkout, or beside a bundle that was copied without it
 */
export async function builtInterpreter(xlen: Xlen): Promise<WebAssembly.Module | undefined> {
  try {
    return await WebAssembly.compileStreaming(fetch(interpreterUrl(xlen)));
  } catch {
    return undefined;
  }
}
