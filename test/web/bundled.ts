/** A page of a user's, by the bundlers that users have. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build as esbuild } from 'esbuild-wasm';
import { build as vite } from 'vite';

const PAGE = '<!doctype html><title>bundled</title><script type="module" src="./entry.js"></script>';
const ENTRY = `
import { boot } from './package/index.js';

async function tick() {
  const vm = await boot({ kernel: '/tick.elf', append: 'rounds=1', memory: '32M', cpus: 2 });
  await vm.console.waitFor('tick: PASS');
  return (await vm.ended).reason;
}
globalThis.checks = { tick };
`;
const BESIDE = [
  ...['thread.js', 'pcpu-thread.js', 'trace-thread.js', 'codec-thread.js', 'snapshot-thread.js'],
  'interpreter-rv64.wasm',
];

/**
 * Builds a page that imports the built package, as docs/web.md says, with Vite and with esbuild.
 *
 * @param folder has the built package, and gets a folder for each of both
 */
export async function bundlePages(folder: string): Promise<void> {
  const root = join(folder, 'user');
  mkdirSync(join(root, 'package'), { recursive: true });
  for (const name of readdirSync(folder).filter((each) => /\.(?:js|wasm)$/.test(each)))
    cpSync(join(folder, name), join(root, 'package', name));
  writeFileSync(join(root, 'index.html'), PAGE);
  writeFileSync(join(root, 'entry.js'), ENTRY);
  await vite({
    ...{ root, base: './', configFile: false, logLevel: 'silent' },
    build: { outDir: join(folder, 'vite'), emptyOutDir: false, minify: false },
  });
  const target = join(folder, 'esbuild');
  const options = { bundle: true, format: 'esm', logLevel: 'silent' } as const;
  await quickly({ ...options, entryPoints: [join(root, 'entry.js')], outfile: join(target, 'entry.js') });
  writeFileSync(join(target, 'index.html'), PAGE);
  for (const name of BESIDE) cpSync(join(folder, name), join(target, name));
}

/** Has V8 leave WebAssembly as it is compiled at first. */
const AS_IT_IS = `--import=data:text/javascript,${encodeURIComponent(
  "import v8 from 'node:v8'; v8.setFlagsFromString('--liftoff-only');",
)}`;

/** V8 optimizes esbuild, a large program that runs in a process of its own, for longer than it has to run here. */
async function quickly(options: BuildOptions): Promise<void> {
  const { NODE_OPTIONS = '' } = process.env;
  process.env.NODE_OPTIONS = `${NODE_OPTIONS} ${AS_IT_IS}`;
  try {
    await esbuild(options);
  } finally {
    process.env.NODE_OPTIONS = NODE_OPTIONS;
  }
}
