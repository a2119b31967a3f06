/** Mistakes and refusals, by an apt that is a script. A whole image is made by `scripts/debian-image.ts`. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../../errors/input-error.ts';
import { type DebianImageOptions, debianImage, Stopped } from './debian-image.ts';

const realPath = process.env.PATH;
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hartvisor-image-'));
  mkdirSync(join(scratch, 'programs'));
});

afterEach(() => {
  process.env.PATH = realPath;
  rmSync(scratch, { recursive: true, force: true });
});

function program(name: string, script: string): void {
  const path = join(scratch, 'programs', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** An archive of a single package, `dash`, that is said to take so many KiB. */
function fakeApt({ installedKib = 100, update = ':' } = {}): void {
  const stanza = (name: string) =>
    `Package: ${name}\\nVersion: 1.0\\nPriority: required\\nSize: 1000\\nInstalled-Size: ${installedKib}\\n\\n`;
  program('apt-config', `echo 'Acquire::Retries "0";'`);
  program(
    'apt-get',
    `case "$*" in
  indextargets*) printf 'Packages|http://m.example.org/debian/|bookworm|Debian\\nPackages|http://m.example.org/debian/|bookworm-updates|Debian\\n' ;;
  update*) cp "$(dirname "$APT_CONFIG")/sources.list" ${scratch}/sources; ${update} ;;
  *nonsense*) echo 'E: Unable to locate package nonsense' >&2; exit 100 ;;
  *--simulate*) echo 'Inst dash (1.0 Debian:13/stable [riscv64])' ;;
  *--download-only*) echo download >> ${scratch}/log; exit 100 ;;
esac`,
  );
  program('apt-cache', `printf '${stanza('dash')}'`);
  process.env.PATH = `${join(scratch, 'programs')}:${realPath}`;
}

function make(options: Partial<DebianImageOptions> = {}) {
  return debianImage({
    ...{ file: join(scratch, 'image.qcow2'), cacheDir: join(scratch, 'cache'), size: 8 * 2 ** 30 },
    ...{ hostname: 'debian', sshKeys: [], packages: [] },
    ...options,
  });
}

describe('debianImage', () => {
  it.each<[string, () => Partial<DebianImageOptions>, RegExp]>([
    ['a file that is there', () => ({ file: '/dev/null' }), /\/dev\/null is there already/],
    ['a folder that is not there', () => ({ file: join(scratch, 'no/x') }), /there is no folder .*no\./],
    [
      'an unknown package',
      () => ({ packages: ['nonsense'] }),
      /made: Debian trixie has no package "nonsense" for riscv64\.$/,
    ],
    ['what is no name', () => ({ packages: ['-o'] }), /"-o" is not the name of a Debian package/],
    ['a disk that is too small', () => ({ size: 2 ** 20 }), /need a disk of \d+ MiB at least: --size \d+M/],
  ])('refuses %s, and leaves nothing behind', async (_, options, message) => {
    fakeApt();
    const attempt = make(options());
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(message);
    expect(readdirSync(scratch)).not.toContain('image.qcow2');
    const cache = join(scratch, 'cache');
    const left = readdirSync(scratch).includes('cache') ? readdirSync(cache) : [];
    expect(left.filter((name) => name.startsWith('.partial'))).toEqual([]);
  });

  it('says how much room is missing before it downloads anything', async () => {
    fakeApt({ installedKib: 2 ** 40 });
    await expect(make({ size: 2 ** 52 })).rejects.toThrow(/has \d+ MiB left, and the image may need \d+ MiB/);
    expect(readdirSync(scratch)).not.toContain('log');
  });

  it('does without updates where the archive has none of the release', async () => {
    fakeApt({ update: `! grep -q updates ${join(scratch, 'sources')} || exit 100` });
    await expect(make()).rejects.toThrow(/download|install failed/);
    expect(readFileSync(join(scratch, 'sources'), 'utf8')).toMatch(/^deb \[.*\] http:\/\/m.* trixie main\n$/);
    expect(readFileSync(join(scratch, 'log'), 'utf8')).toBe('download\n');
  });

  it('says that the archive does not have the release', async () => {
    fakeApt({
      update: `echo "E: The repository 'http://x y Release' does not have a Release file." >&2; exit 100`,
    });
    await expect(make({ suite: 'woody' })).rejects.toThrow(/the archive has no release "woody"/);
  });

  it('says that another apt is at work there', async () => {
    const words = 'E: Could not get lock /c/archives/lock. It is held by process 123 (apt-get)';
    fakeApt({ update: `echo "${words}" >&2; exit 100` });
    await expect(make()).rejects.toThrow(
      'another apt (process 123) is at work in /c/archives. Wait for its end, or end it',
    );
  });

  it('says that apt is missing', async () => {
    process.env.PATH = join(scratch, 'programs');
    await expect(make()).rejects.toThrow(/apt-get is not on this machine/);
  });

  it('stops when it is told to', async () => {
    fakeApt();
    await expect(make({ signal: AbortSignal.abort() })).rejects.toThrow(Stopped);
    expect(readdirSync(scratch)).not.toContain('log');
  });

  it('ends apt when it is told to stop', async () => {
    fakeApt({ update: `exec 3>&-; echo $$ > ${join(scratch, 'pid')}; exec sleep 1000` });
    const stop = new AbortController();
    const attempt = make({ signal: stop.signal, onWarning: () => expect.unreachable() });
    attempt.catch(() => undefined);
    await vi.waitFor(() => expect(readFileSync(join(scratch, 'pid'), 'utf8')).toMatch(/\d\n/), 60_000);
    stop.abort();
    await expect(attempt).rejects.toThrow(Stopped);
    expect(() => process.kill(Number(readFileSync(join(scratch, 'pid'), 'utf8')), 0)).toThrow(/ESRCH/);
  });

  it('removes what is left of the making of an image that is there', async () => {
    const file = join(scratch, 'image.qcow2');
    mkdirSync(`${file}.unfinished`);
    writeFileSync(file, 'complete');
    await expect(make()).rejects.toThrow(/is there already/);
    expect(readdirSync(scratch)).not.toContain('image.qcow2.unfinished');
  });
});
