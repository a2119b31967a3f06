import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultCacheDir } from './cache-dir.ts';

it('defaultCacheDir follows HARTVISOR_CACHE, then XDG_CACHE_HOME when absolute, then the home directory', () => {
  expect(defaultCacheDir({ HARTVISOR_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(defaultCacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/hartvisor');
  expect(defaultCacheDir({ XDG_CACHE_HOME: 'b' })).toMatch(/\/\.cache\/hartvisor$/);
  expect(defaultCacheDir({})).toMatch(/\/\.cache\/hartvisor$/);
});

it('defaultCacheDir takes no home that depends on where the person is', () => {
  const here = process.cwd();
  for (const HOME of ['', '.', 'home', undefined]) {
    const path = defaultCacheDir({ HOME });
    expect(path?.startsWith('/')).toBe(true);
    expect(path?.startsWith(join(here, '.cache'))).toBe(false);
  }
  expect(defaultCacheDir({ HOME: '/h' })).toBe('/h/.cache/hartvisor');
  expect(defaultCacheDir({ HARTVISOR_CACHE: 'mine' })).toBe(join(here, 'mine'));
});
