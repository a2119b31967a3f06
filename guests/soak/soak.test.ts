import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectedHeader } from './expected.ts';

const hasHostCompiler = spawnSync('gcc', ['--version']).status === 0;

test.skipIf(!hasHostCompiler)('the expected results are those of this host', () => {
  expect(readFileSync(join(import.meta.dirname, 'expected.h'), 'utf8')).toBe(expectedHeader());
});
