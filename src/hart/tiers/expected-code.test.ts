import { expect, test } from 'vitest';
import { hotEntry } from '../hot-code.ts';
import { ExpectedCode } from './expected-code.ts';

test('gives the places of a page once', () => {
  const hot = [hotEntry(0x1000, 'shallow'), hotEntry(0x1ffe, 'deep'), hotEntry(0xffff_f002, 'deep')];
  const expected = new ExpectedCode(Uint32Array.from(hot));
  expect(expected.take(0)).toEqual([]);
  expect(expected.take(1)).toEqual([
    { halfword: 0, depth: 'shallow' },
    { halfword: 0x7ff, depth: 'deep' },
  ]);
  expect(expected.take(1)).toEqual([]);
  expect(expected.take(0xf_ffff)).toEqual([{ halfword: 1, depth: 'deep' }]);
});
