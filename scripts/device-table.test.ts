import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withTable } from './device-table.ts';

test('docs/devices.md has the devices that machines have', () => {
  const page = readFileSync(new URL('../docs/devices.md', import.meta.url), 'utf8');
  expect(withTable(page), 'run node scripts/device-table.ts').toBe(page);
  expect(() => withTable('')).toThrow('no place for the table');
});
