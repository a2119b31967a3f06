import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernels } from '../../cpu/kernels.ts';
import { KERNELS, SYSTEM_WORKS } from './works.ts';

test('the guest has the works that are measured, and no others of its own', () => {
  const source = readFileSync(new URL('guest/works.c', import.meta.url), 'utf8');
  expect([...source.matchAll(/\{"([\w-]+)", \w+\}/g)].map(([, name]) => name)).toEqual([...SYSTEM_WORKS]);
  expect(kernels.map(({ source: name }) => name)).toEqual(expect.arrayContaining([...KERNELS]));
});
