import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** An entry of a lockfile, as far as the tests look at it. */
interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const root = fileURLToPath(new URL('..', import.meta.url));
/** All files of that name which the project wrote itself. */
const named = (name: string) =>
  globSync(`**/${name}`, { cwd: root, exclude: (path) => /(^|\/)(node_modules|build|dist)$/.test(path) });
const lockfiles = named('package-lock.json');

test('are found', () => {
  expect(lockfiles).toEqual(expect.arrayContaining(['package-lock.json', 'test/nodes/package-lock.json']));
});

test('pin all that is installed: whatever has dependencies has one', () => {
  const needing = named('package.json').filter((file) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(`${root}/${file}`, 'utf8'));
    return Object.keys({ ...dependencies, ...devDependencies }).length > 0;
  });
  for (const file of needing)
    expect(lockfiles).toContain(file.replace(/package\.json$/, 'package-lock.json'));
});

describe.each(lockfiles)('%s', (file) => {
  const text = readFileSync(`${root}/${file}`, 'utf8');
  const { packages }: { packages: Readonly<Record<string, Locked>> } = JSON.parse(text);
  const installed = Object.entries(packages).filter(
    ([path, { link }]) => /(^|\/)node_modules\//.test(path) && !link,
  );

  test('pins by its hash each package that can be installed', () => {
    expect(installed.length).toBeGreaterThan(0);
    const without = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
    expect(without.map(([path]) => path)).toEqual([]);
  });

  test('has no package with an install script, which could fetch what no hash covers', () => {
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual(
      [],
    );
  });

  test('names no registry', () => {
    expect(text).not.toMatch(/"resolved": "https?:/);
  });
});

test('dependencies are pinned to one version', () => {
  for (const file of named('package.json')) {
    const manifest: Record<string, Readonly<Record<string, string>> | undefined> = JSON.parse(
      readFileSync(`${root}/${file}`, 'utf8'),
    );
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
        expect(range, `${name} in ${file}`).toMatch(/^(npm:[a-z0-9-]+@)?\d+\.\d+\.\d+$|^file:/);
      }
    }
  }
});
