import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { discFiles } from '../../../../test/filesystem/disc-reader.ts';
import { writePackageDisc } from './package-disc.ts';

const dpkgMissing = spawnSync('dpkg-deb', ['--version']).error !== undefined;
if (dpkgMissing) console.warn('dpkg-deb is not installed: tests of packages are skipped');

const scratch = mkdtempSync(join(tmpdir(), 'hartvisor-disc-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function buildPackage(name: string, content: string): string {
  const tree = join(scratch, name);
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'etc'));
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    `Package: ${name}\nVersion: 1.0\nArchitecture: riscv64\nMaintainer: A <a@example.org>\nDescription: x\n`,
  );
  writeFileSync(join(tree, 'DEBIAN/conffiles'), '/etc/file\n');
  writeFileSync(join(tree, 'etc/file'), content);
  symlinkSync('file', join(tree, 'etc/link'));
  const file = join(scratch, `${name}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-b', tree, file], { stdio: 'ignore' });
  return file;
}

const dpkgDeb = (...args: readonly string[]) => execFileSync('dpkg-deb', args, { encoding: 'latin1' });

describe.skipIf(dpkgMissing)('writePackageDisc', () => {
  it('writes packages that dpkg reads as it reads those they were made from', async () => {
    const files = [buildPackage('one', 'x'.repeat(3001)), buildPackage('two', 'y')];
    const path = join(scratch, 'disc');
    const packages = files.map((file, index) => ({ file, discName: `P${index}.DEB` }));
    const told: number[] = [];
    await writePackageDisc(path, packages, (index) => told.push(index));
    expect(told).toEqual([0, 1]);
    const onDisc = discFiles(new Uint8Array(readFileSync(path)));
    expect([...onDisc.keys()]).toEqual(['P0.DEB', 'P1.DEB']);
    for (const { file, discName } of packages) {
      const plain = join(scratch, discName);
      writeFileSync(plain, onDisc.get(discName) ?? '');
      for (const way of ['--fsys-tarfile', '--ctrl-tarfile', '--field'])
        expect(dpkgDeb(way, plain)).toBe(dpkgDeb(way, file));
      expect(readFileSync(plain, 'latin1')).toContain('data.tar  ');
    }
  });

  it('says that a package is damaged', async () => {
    const file = join(scratch, 'damaged.deb');
    writeFileSync(file, readFileSync(buildPackage('three', 'z')).subarray(0, 300));
    const packages = [{ file, discName: 'A.DEB' }];
    await expect(writePackageDisc(join(scratch, 'bad'), packages, () => undefined)).rejects.toThrow(
      /damaged\.deb failed/,
    );
  });
});
