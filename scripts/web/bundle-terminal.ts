import { copyFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

const element = fileURLToPath(new URL('../../page/element/', import.meta.url));
const INLINE = '?inline';

/**
 * Writes `hartvisor/terminal`, the element with a machine in it: `index.js` with its types. The machine's own modules
 * stay those of `hartvisor/web` beside it, so that a program that uses both has them once. Packages of npm are inside.
 *
 * @param target the directory; `hartvisor/web` is in `../web`
 */
export async function bundleTerminal(target: string): Promise<void> {
  const bundle = await rolldown({
    platform: 'browser',
    transform: { target: 'es2024' },
    input: { index: join(element, 'index.ts') },
    plugins: [styleTexts, webBeside],
  });
  await bundle.write({
    dir: target,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
  });
  await bundle.close();
  copyFileSync(join(element, 'api.d.ts'), join(target, 'index.d.ts'));
}

/** Style sheets as texts, as Vite has them. */
const styleTexts: Plugin = {
  name: 'style-texts',
  resolveId(source, importer) {
    if (!source.endsWith(INLINE) || importer === undefined) return null;
    const path = source.slice(0, -INLINE.length);
    return `${createRequire(importer).resolve(path)}${INLINE}`;
  },
  load(id) {
    if (!id.endsWith(INLINE)) return null;
    const text = readFileSync(id.slice(0, -INLINE.length), 'utf8');
    return { code: `export default ${JSON.stringify(text)};`, moduleType: 'js' };
  },
};

const webBeside: Plugin = {
  name: 'web-beside',
  resolveId: (source) =>
    source === 'hartvisor/web' ? { id: '../web/index.js', external: 'relative' } : null,
};
