import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import { interpreterBytes, interpreterFile } from '../src/node/interpreter-module.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * Writes what pages use, `hartvisor/web`: a page imports `index.js` as it is, and each of its threads is one file:
 * `pcpu-thread.js` those with a machine's harts, `thread.js` most others. Packages of npm are inside, and the
 * interpreters lie beside it.
 *
 * @param target the directory
 */
export async function bundleWeb(target: string): Promise<void> {
  await write(target, 'index', {});
  // In one piece: bundlers that put it beside a page's own script need not split it.
  for (const thread of ['thread', 'pcpu-thread', 'trace-thread', 'codec-thread', 'snapshot-thread'])
    await write(target, thread, { codeSplitting: false });
  for (const xlen of [32, 64] as const)
    writeFileSync(join(target, interpreterFile(xlen)), await interpreterBytes(xlen));
}

async function write(
  target: string,
  name: string,
  output: { readonly codeSplitting?: boolean },
): Promise<void> {
  const bundle = await rolldown({
    cwd: root,
    platform: 'browser',
    transform: { target: 'es2024' },
    input: { [name]: join(root, 'src', 'web', `${name}.ts`) },
    plugins: [builtUrls],
  });
  await bundle.write({
    dir: target,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
    ...output,
  });
  await bundle.close();
}

/** Threads are named by their sources, `new URL('./thread.ts', import.meta.url)`. */
const builtUrls: Plugin = {
  name: 'built-urls',
  transform(code, id) {
    if (!id.startsWith(join(root, 'src', 'web'))) return null;
    return code.replaceAll(
      /new URL\('(\.\/[\w-]+)\.ts', import\.meta\.url\)/g,
      "new URL('$1.js', import.meta.url)",
    );
  },
};
