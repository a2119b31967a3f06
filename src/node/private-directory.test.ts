import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPrivateFile, whyUnusable } from './private-directory.ts';

const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;
let scratch = '';
const inside = (name: string) => join(scratch, name);

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hartvisor-private-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** A directory with just these rights, whatever the umask. */
function directory(name: string, mode: number): string {
  mkdirSync(inside(name));
  chmodSync(inside(name), mode);
  return inside(name);
}

describe('a directory', () => {
  test('that is not there is made for this user alone, with its parents', () => {
    expect(whyUnusable(inside('a/b/c'))).toBeUndefined();
    for (const name of ['a', 'a/b', 'a/b/c']) expect(statSync(inside(name)).mode & 0o777).toBe(0o700);
    expect(whyUnusable(inside('a/b/c'))).toBeUndefined();
  });

  test.each([0o700, 0o755, 0o750])('of mode %o may be used', (mode) => {
    expect(whyUnusable(directory('own', mode))).toBeUndefined();
  });

  test.each([0o777, 0o775, 0o1777, 0o722])('of mode %o may not', (mode) => {
    const path = directory('open', mode);
    expect(whyUnusable(path)).toBe(
      `because others may write to it (mode ${mode.toString(8)}): chmod go-w ${path}`,
    );
  });

  test('below one that everybody may write to may not, but where entries are safe there', () => {
    const parent = directory('parent', 0o777);
    expect(whyUnusable(join(parent, 'own'))).toBe(`because everybody may write to ${parent} (mode 777)`);
    chmodSync(parent, 0o1777);
    expect(whyUnusable(join(parent, 'own'))).toBeUndefined();
  });

  test('behind a symbolic link is looked at where it is', () => {
    directory('open', 0o777);
    symlinkSync('open', inside('link'));
    expect(whyUnusable(inside('link'))).toMatch(/others may write/);
    symlinkSync('nowhere', inside('dangling'));
    expect(whyUnusable(inside('dangling'))).toBe('(EEXIST)');
  });

  test.skipIf(!isRoot)('of another user may not be used, nor one below it', () => {
    const path = directory('theirs', 0o755);
    chownSync(path, NOBODY - 1, NOBODY - 1);
    expect(whyUnusable(path)).toBe(`because it belongs to another user (${NOBODY - 1})`);
    expect(whyUnusable(join(path, 'own'))).toBe(`because ${path} belongs to another user (${NOBODY - 1})`);
  });

  test('that cannot be made is an answer, and comes at once', () => {
    writeFileSync(inside('file'), '');
    expect(whyUnusable(inside('file/below'))).toBe('(ENOTDIR)');
    expect(whyUnusable(inside('file'))).toBe('(ENOTDIR)');
    expect(whyUnusable('/proc/nobody/has/this')).toMatch(/^\((ENOENT|EACCES|EPERM)\)$/);
    expect(whyUnusable(inside('x'.repeat(300)))).toBe('(ENAMETOOLONG)');
  });
});

describe('a file', () => {
  test('is read, unless it is not there, is no file, or everybody may write to it', async () => {
    writeFileSync(inside('own'), 'content', { mode: 0o600 });
    writeFileSync(inside('open'), 'content');
    chmodSync(inside('open'), 0o666);
    expect((await readPrivateFile(inside('own')))?.toString()).toBe('content');
    for (const name of ['open', '.', 'missing']) expect(await readPrivateFile(inside(name))).toBeUndefined();
  });

  test.skipIf(!isRoot)('of another user is not', async () => {
    writeFileSync(inside('theirs'), 'content', { mode: 0o600 });
    chownSync(inside('theirs'), NOBODY - 1, NOBODY - 1);
    expect(await readPrivateFile(inside('theirs'))).toBeUndefined();
  });
});
