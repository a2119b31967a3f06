/** `npm run layers`: fails when an import points up, leaves the portable core or closes a cycle. */

import { globSync, readFileSync } from 'node:fs';
import { checkLayers, unusedRules } from './layer-rules.ts';

const root = new URL('../', import.meta.url);
const paths = globSync('{src,test,bench,guests,scripts}/**/*.ts', { cwd: root.pathname }).sort();
const sources = new Map(
  paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(new URL(path, root), 'utf8')]),
);
const manifest: { dependencies?: Record<string, string> } = JSON.parse(
  readFileSync(new URL('package.json', root), 'utf8'),
);

const violations = checkLayers(sources, Object.keys(manifest.dependencies ?? {}));
for (const { path, line, message } of violations) console.error(`${path}:${line} ${message}`);
const unused = unusedRules(sources);
for (const rule of unused) console.error(`scripts/layer-rules.ts allows ${rule}, which does not exist`);
const files = [...sources.keys()].filter((path) => path.startsWith('src/')).length;
if (files === 0) throw new Error('no sources found under src/');
console.log(`layers: ${files} files in src/, ${violations.length} violations`);
process.exitCode = violations.length + unused.length === 0 ? 0 : 1;
