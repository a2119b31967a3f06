import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { debianGuest, debianPackage, type FetchProgress } from './debian-guest.ts';

const dpkgMissing = spawnSync('dpkg-deb', ['--version']).error !== undefined;
if (dpkgMissing) console.log('dpkg-deb is not installed: tests that fetch Debian packages are skipped');

const kernelPackage = 'linux-image-6.99.1-riscv64';
let scratch: string;
let cacheDir: string;
let fakePrograms: string;
let log: string;
const realPath = process.env.PATH;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hartvisor-debian-'));
  cacheDir = join(scratch, 'cache');
  fakePrograms = join(scratch, 'programs');
  log = join(scratch, 'log');
  mkdirSync(fakePrograms);
});

afterEach(() => {
  process.env.PATH = realPath;
  rmSync(scratch, { recursive: true, force: true });
});

/** Builds a package and gives its file. */
function buildPackage(name: string, files: Readonly<Record<string, string>>): string {
  const tree = join(scratch, `tree-${name}`);
  const control = `Package: ${name}\nVersion: 1.0\nArchitecture: riscv64\nMaintainer: A <a@example.org>\nDescription: x\n`;
  for (const [path, content] of Object.entries({ ...files, 'DEBIAN/control': control })) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  const file = join(scratch, 'archive', `${name}_1.0_riscv64.deb`);
  mkdirSync(dirname(file), { recursive: true });
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', tree, file], { stdio: 'ignore' });
  return file;
}

function fakeProgram(name: string, script: string): void {
  const path = join(fakePrograms, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** Puts an apt in front of the machine's own that serves packages built here. */
function fakeApt(options: { update?: string; archive?: string } = {}): void {
  buildPackage(kernelPackage, { 'boot/vmlinux-6.99.1-riscv64': 'kernel', 'lib/modules/big.ko': 'module' });
  buildPackage('busybox-static', { 'usr/bin/busybox': 'busybox' });
  fakeProgram('apt-config', `echo 'Acquire::Retries "0";'`);
  fakeProgram(
    'apt-get',
    `echo "$1" >> ${log}
case "$1" in
  indextargets) echo '${options.archive ?? 'Packages|http://m.example.org/debian/|bookworm|Debian'}' ;;
  update) ${options.update ?? ':'} ;;
  download)
    [ -n "$APT_CONFIG" ] || exit 9
    printf 'dlstatus:1:50.0:half\\n' >&3
    shift 3
    for name; do cp ${scratch}/archive/"$name"_1.0_riscv64.deb . || exit 100; done ;;
esac`,
  );
  fakeProgram(
    'apt-cache',
    `case "$1" in
  depends) printf '${'linux-image-riscv64\\n  Depends: '}${kernelPackage}\\n' ;;
  show) printf 'Version: 1.0\\nSize: 1000\\n' ;;
esac`,
  );
  process.env.PATH = `${fakePrograms}:${realPath}`;
}

const downloads = () =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line === 'download').length;

describe.skipIf(dpkgMissing)('debianGuest', () => {
  it('fetches kernel and busybox, and nothing else of the packages', async () => {
    fakeApt();
    const progress: FetchProgress[] = [];
    const guest = await debianGuest({ cacheDir, onProgress: (step) => progress.push(step) });
    expect(guest.version).toBe('6.99.1-riscv64');
    expect(readFileSync(guest.kernelPath, 'utf8')).toBe('kernel');
    expect(readFileSync(guest.busyboxPath, 'utf8')).toBe('busybox');
    const files = readdirSync(cacheDir, { recursive: true }).map(String);
    expect(files.filter((file) => file.includes('modules') || file.includes('partial'))).toEqual([]);
    expect(progress.map(({ step }) => step)).toEqual(expect.arrayContaining(['index', 'download', 'unpack']));
    expect(progress.filter(({ step }) => step === 'download').map(({ bytes }) => bytes)).toEqual([
      0, 1000, 2000,
    ]);
  });

  it('is given up by a signal, with its reason, and by an error of the listener, and leaves nothing', async () => {
    fakeApt({ update: 'while :; do sleep 0.01; done' });
    const controller = new AbortController();
    const stopped = debianGuest({
      cacheDir,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow(new Error('enough'));
    const failed = debianGuest({ cacheDir, onProgress: () => Promise.reject(new Error('mine')) });
    await expect(failed).rejects.toThrow(new Error('mine'));
    await vi.waitFor(() => expect(readdirSync(cacheDir)).toEqual([]), { timeout: 60_000 });
  });

  it('uses the cache the second time, without any program', async () => {
    fakeApt();
    const first = await debianGuest({ cacheDir });
    process.env.PATH = join(scratch, 'nothing');
    expect(await debianGuest({ cacheDir })).toEqual(first);
    expect(downloads()).toBe(1);
  });

  it.each<[string, (kernelPath: string) => void]>([
    ['changed', (path) => writeFileSync(path, 'kernal')],
    ['cut short', (path) => writeFileSync(path, 'ker')],
    ['missing', (path) => rmSync(path)],
    ['without its record', () => rmSync(join(cacheDir, 'debian-guest.json'))],
    ['of a damaged record', () => writeFileSync(join(cacheDir, 'debian-guest.json'), '{"format":1')],
  ])('fetches again when the cached kernel is %s', async (_, damage) => {
    fakeApt();
    damage((await debianGuest({ cacheDir })).kernelPath);
    const { kernelPath } = await debianGuest({ cacheDir });
    expect(readFileSync(kernelPath, 'utf8')).toBe('kernel');
    expect(downloads()).toBe(2);
  });

  it('ends well when two fetch at once', async () => {
    fakeApt();
    const guests = await Promise.all([debianGuest({ cacheDir }), debianGuest({ cacheDir })]);
    for (const { kernelPath } of guests) expect(readFileSync(kernelPath, 'utf8')).toBe('kernel');
    expect(guests).toContainEqual(await debianGuest({ cacheDir }));
  });

  it('clears away what a killed process left, and nothing of a living one', async () => {
    fakeApt();
    const dead = spawnSync('true').pid;
    for (const pid of [dead, process.pid])
      mkdirSync(join(cacheDir, `.partial-${pid}-1`, 'x'), { recursive: true });
    await debianGuest({ cacheDir });
    const left = readdirSync(cacheDir).filter((name) => name.startsWith('.partial'));
    expect(left).toEqual([`.partial-${process.pid}-1`]);
  });

  it('clears away old sets that no record names', async () => {
    fakeApt();
    const old = new Date(Date.now() - 86_400_000);
    for (const name of ['debian-guest-0123456789ab', 'debian-guest-ba9876543210']) {
      mkdirSync(join(cacheDir, name, 'boot'), { recursive: true });
      if (name.endsWith('b')) utimesSync(join(cacheDir, name), old, old);
    }
    chmodSync(cacheDir, 0o700);
    const { kernelPath } = await debianGuest({ cacheDir });
    const left = readdirSync(cacheDir).filter((name) => /^debian-guest-\w+$/.test(name));
    expect(left.sort()).toEqual(
      ['debian-guest-ba9876543210', String(kernelPath.slice(cacheDir.length + 1).split('/')[0])].sort(),
    );
  });

  it('refuses a cache that others may write to', async () => {
    mkdirSync(cacheDir);
    chmodSync(cacheDir, 0o777);
    await expect(debianGuest({ cacheDir })).rejects.toThrow(
      /cannot be used because others may write to it \(mode 777\): chmod go-w .*--guest tick/,
    );
  });

  it('names the ways out when the network is missing, and leaves nothing behind', async () => {
    fakeApt({ update: "echo 'E: Failed to fetch: Could not resolve the name' >&2; exit 100" });
    const failure = debianGuest({ cacheDir });
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(
      /^Debian's kernel cannot be fetched: apt-get update failed: Failed to fetch: Could not resolve the name\. Give a kernel of your own with --kernel FILE .*--guest tick\.$/,
    );
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  it('names the ways out when a source is missing', async () => {
    fakeApt({ archive: 'Packages|http://m.example.org/ubuntu/|noble|Ubuntu' });
    await expect(debianGuest({ cacheDir })).rejects.toThrow(/name no Debian archive.*--guest tick/);
  });

  it('says that the download failed when a package is not there', async () => {
    fakeApt();
    rmSync(join(scratch, 'archive', 'busybox-static_1.0_riscv64.deb'));
    await expect(debianGuest({ cacheDir })).rejects.toThrow(/apt-get download failed/);
  });

  it('says that a package is damaged', async () => {
    fakeApt();
    writeFileSync(join(scratch, 'archive', 'busybox-static_1.0_riscv64.deb'), 'no package');
    await expect(debianGuest({ cacheDir })).rejects.toThrow(InputError);
  });
});

describe('without apt', () => {
  it('names the ways out', async () => {
    process.env.PATH = join(scratch, 'nothing');
    await expect(debianGuest({ cacheDir })).rejects.toThrow(
      /^Debian's kernel cannot be fetched: apt-get is not on this machine .*--kernel FILE .*--guest tick/,
    );
  });

  it('says that the cache directory cannot be made', async () => {
    writeFileSync(join(scratch, 'file'), '');
    await expect(debianGuest({ cacheDir: join(scratch, 'file', 'cache') })).rejects.toThrow(
      /the cache directory .*file\/cache cannot be used \(ENOTDIR\)/,
    );
  });
});

describe.skipIf(dpkgMissing)('debianPackage', () => {
  it('unpacks the whole package', async () => {
    fakeApt();
    const fetched = await debianPackage('busybox-static', { cacheDir });
    expect(fetched).toMatchObject({ version: '1.0', files: ['usr/bin/busybox'] });
    expect(readFileSync(join(fetched.directory, 'usr/bin/busybox'), 'utf8')).toBe('busybox');
  });

  it('unpacks what was asked for, beside the whole package', async () => {
    fakeApt();
    const members = ['*/big.ko'];
    const part = await debianPackage(kernelPackage, { cacheDir, members });
    expect(part.files).toEqual(['lib/modules/big.ko']);
    const whole = await debianPackage(kernelPackage, { cacheDir });
    expect(whole.files).toHaveLength(2);
    expect(await debianPackage(kernelPackage, { cacheDir, members })).toEqual(part);
    expect(downloads()).toBe(2);
  });

  it.each(['', '-o', '../x', 'A', 'a b'])('refuses the name %j', async (name) => {
    await expect(debianPackage(name, { cacheDir })).rejects.toThrow(InputError);
  });
});
