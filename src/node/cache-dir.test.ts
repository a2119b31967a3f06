import { expect, it } from 'vitest';
import { defaultCacheDir } from './cache-dir.ts';

it('defaultCacheDir follows HARTVISOR_CACHE, then XDG_CACHE_HOME when absolute, then the home directory', () => {
  expect(defaultCacheDir({ HARTVISOR_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(defaultCacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/hartvisor');
  expect(defaultCacheDir({ XDG_CACHE_HOME: 'b' })).toMatch(/\/\.cache\/hartvisor$/);
  expect(defaultCacheDir({})).toMatch(/\/\.cache\/hartvisor$/);
});
