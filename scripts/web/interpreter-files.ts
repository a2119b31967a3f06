import type { Plugin } from 'vite';
import { interpreterBytes, interpreterFile } from '../../src/node/interpreter-module.ts';

/** As `src/web/interpreter.ts` names them. */
const NAMED = /new URL\('\.\/interpreter-rv(32|64)\.wasm', import\.meta\.url\)/g;

/** Has Vite put the interpreters among the page's files, by names that change with their contents. */
export function interpreterFiles(): Plugin {
  return {
    name: 'hartvisor-interpreter-files',
    apply: 'build',
    // Before Vite looks for files of these names beside the source.
    enforce: 'pre',
    async transform(code, id) {
      if (!id.endsWith('/src/web/interpreter.ts')) return null;
      const references = new Map<string, string>();
      for (const xlen of [32, 64] as const) {
        const source = await interpreterBytes(xlen);
        references.set(String(xlen), this.emitFile({ type: 'asset', name: interpreterFile(xlen), source }));
      }
      return code.replace(NAMED, (_, xlen: string) => `import.meta.ROLLUP_FILE_URL_${references.get(xlen)}`);
    },
  };
}
