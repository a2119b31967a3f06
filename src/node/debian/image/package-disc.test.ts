import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { discFiles } from '../../../../test/filesystem/disc-reader.ts';
import { type DiscPackage, writePackageDisc } from './package-disc.ts';

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

  describe('of which a part was written before', () => {
    const packages = ['four', 'five', 'six'].map((name, index) => ({ name, discName: `P${index}.DEB` }));

    /** A disc of the first packages, as it is before the others are written, and the whole one. */
    async function begun(name: string, count: number) {
      const made = packages.map((each) => ({
        ...each,
        file: buildPackage(`${name}-${each.name}`, each.name),
      }));
      const whole = join(scratch, `${name}-whole`);
      await writePackageDisc(whole, made, () => undefined);
      const path = join(scratch, name);
      const stopped = writePackageDisc(path, made, (index) => {
        if (index === count) throw new Error('stopped');
      });
      await expect(stopped).rejects.toThrow('stopped');
      const notes = readFileSync(`${whole}.notes`, 'latin1').split('\n').slice(0, count);
      writeFileSync(`${path}.notes`, notes.map((line) => `${line}\n`).join(''));
      return { path, made, whole: readFileSync(whole) };
    }

    async function unpacked(path: string, made: readonly DiscPackage[]): Promise<readonly number[]> {
      const told: number[] = [];
      await writePackageDisc(path, made, (index) => told.push(index));
      return told;
    }

    it.each([1, 2])('goes on behind package %d', async (count) => {
      const { path, made, whole } = await begun(`part-${count}`, count);
      expect(await unpacked(path, made)).toEqual([1, 2].filter((index) => index >= count));
      expect(readFileSync(path).equals(whole)).toBe(true);
      expect(await unpacked(path, made)).toEqual([]);
      expect(readFileSync(path).equals(whole)).toBe(true);
    });

    it('takes nothing for whole that is not: a note in part, or a disc that is shorter', async () => {
      const { path, made, whole } = await begun('torn', 1);
      appendFileSync(`${path}.notes`, 'P1.DEB 38');
      expect(await unpacked(path, made)).toEqual([1, 2]);
      expect(readFileSync(path).equals(whole)).toBe(true);
      truncateSync(path, whole.length - 4096);
      expect(await unpacked(path, made)).toEqual([2]);
      expect(readFileSync(path).equals(whole)).toBe(true);
      rmSync(path);
      expect(await unpacked(path, made)).toEqual([0, 1, 2]);
      expect(readFileSync(path).equals(whole)).toBe(true);
    });
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
