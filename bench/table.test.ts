import { expect, test } from 'vitest';
import { formatRatio, formatTable } from './table.ts';

test('a table lines up names to the left and numbers to the right', () => {
  expect(
    formatTable([
      ['kernel', 's'],
      ['a', '12.25'],
      ['longer name', '1.5'],
    ]),
  ).toBe(['kernel           s', '-----------  -----', 'a            12.25', 'longer name    1.5'].join('\n'));
});

test('ratios keep the digits that mean something', () => {
  expect([0.256, 1, 12.34].map(formatRatio)).toEqual(['0.26', '1.00', '12.3']);
});
