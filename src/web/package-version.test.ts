import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { PACKAGE_VERSION } from './package-version.ts';

test('pages know the version of the package', () => {
  expect(PACKAGE_VERSION).toBe(manifest.version);
});
