import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Headers that a compiler has without a C library (C17, section 4, paragraph 6). */
const FREESTANDING = [
  'float',
  'iso646',
  'limits',
  'stdalign',
  'stdarg',
  'stdbool',
  'stddef',
  'stdint',
  'stdnoreturn',
];
const ROOT = join(import.meta.dirname, '..');

// Debian's cross compiler comes without its C library, unless recommended packages are installed too.
test('programs for guests include no header of a C library', () => {
  const files = globSync('{guests,bench/cpu,bench/linux}/**/*.{c,h}', { cwd: ROOT });
  expect(files.length).toBeGreaterThan(40);
  const hosted = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/#include <(\w+)[^>]*>/g)]
      .filter(([, name]) => !FREESTANDING.includes(name))
      .map(([line]) => `${file}: ${line}`),
  );
  expect(hosted).toEqual([]);
});
