/**
 * `npm run build`, its first half: the sources as few files in `dist/`, or in the directory that is given. A process
 * and each of its threads load some hundred modules before a guest runs, and to find, read and link one takes Node half
 * a millisecond. The compiler adds the types.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { interpreterBytes, interpreterFile } from '../src/node/interpreter-module.ts';
import { bundleWeb } from './bundle-web.ts';
import { bundleTerminal } from './web/bundle-terminal.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const target = process.argv[2] ?? join(root, 'dist');

/** Modules that are started or imported by name: the command, the threads, and the `exports` of package.json. */
const entries = [
  'cli/main',
  'node/worker-entry',
  'node/verify-entry',
  'node/stress-entry',
  'verify/threaded/forced-order',
  'node/own-protocol-thread',
  'node/drives/drive-thread',
  'node/drives/http-thread',
  'node/network/link-thread',
  'node/network/network-thread',
  'node/shares/share-thread',
  'node/trace/trace-thread',
  'node/index',
  'interrupts/index',
  'verify/public',
];

rmSync(target, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  platform: 'node',
  // The oldest Node that the package runs on (`engines`). Sources do without `using`, which it cannot read.
  transform: { target: 'node22' },
  input: Object.fromEntries(entries.map((name) => [name, join(root, 'src', `${name}.ts`)])),
  // Packages come as dependencies.
  external: /^(?![./])/,
});
await bundle.write({
  dir: target,
  entryFileNames: '[name].js',
  // Beside the entries of threads: modules find these, and the package's own files, from where they are themselves.
  chunkFileNames: 'node/[name]-[hash].js',
});
await bundle.close();
for (const xlen of [32, 64] as const) {
  writeFileSync(join(target, 'node', interpreterFile(xlen)), await interpreterBytes(xlen));
}
await bundleWeb(join(target, 'web'));
await bundleTerminal(join(target, 'terminal'));
