import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withExtensions } from './extension-table.ts';

test('docs/cpu.md has the extensions that harts have', () => {
  const page = readFileSync(new URL('../docs/cpu.md', import.meta.url), 'utf8');
  expect(withExtensions(page), 'run node scripts/extension-table.ts').toBe(page);
  expect(() => withExtensions('')).toThrow('no place for the table');
});
