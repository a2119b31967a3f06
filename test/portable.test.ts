/** Tests that `tsconfig.portable.json` keeps Node and the DOM out of the rooms that run in browsers, too. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
mkdirSync(join(root, 'build'), { recursive: true });
const directory = mkdtempSync(join(root, 'build', 'portable-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('rooms that are portable have neither names of Node nor of pages, and have those that both share', () => {
  const lines = [
    'export const id = process.pid;',
    "export const bytes = Buffer.from('x');",
    'export const title = document.title;',
    'export const page = window;',
    'export const later = setImmediate(() => 0);',
    'export const answer = fetch("http://127.0.0.1/");',
    'export const now = performance.now();',
    'export const memory = new WebAssembly.Memory({ initial: 1 });',
    'export const text = new TextDecoder().decode(new TextEncoder().encode("x"));',
  ];
  writeFileSync(join(directory, 'room.ts'), lines.join('\n'));
  const config = {
    extends: join(root, 'tsconfig.portable.json'),
    include: ['room.ts', join(root, 'types')],
    exclude: [],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', directory], { encoding: 'utf8' });
  const refused = [...stdout.matchAll(/room\.ts\((\d+),/g)].map(([, line]) => Number(line));
  expect(refused).toEqual([1, 2, 3, 4, 5]);
});
