import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const config = fileURLToPath(new URL('../../page/vite.config.ts', import.meta.url));

/** Builds the page into a folder, which is emptied before. There is no guest in it. */
export async function buildPage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({ configFile: config, logLevel: 'warn', build: { outDir: folder } });
}
