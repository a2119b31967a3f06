/** `npm run example -- NAME`: an example of `examples/` on the sources of this checkout. */
import { readdirSync } from 'node:fs';

const folder = new URL('../examples/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -'.ts'.length));
const name = process.argv[2] ?? '';
// An example finds its own arguments where it would without this script.
process.argv.splice(2, 1);
if (names.includes(name)) await import(new URL(`${name}.ts`, folder).href);
else {
  console.error(`Give the name of an example: npm run example -- ${names.join('|')}`);
  process.exitCode = 2;
}
