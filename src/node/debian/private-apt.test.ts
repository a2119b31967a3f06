import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import {
  chooseArchive,
  networkSettings,
  parseDependencies,
  parseDescription,
  parseDownloadStatus,
  parseRequired,
  parseSelection,
  updateOneByOne,
  updateSources,
} from './private-apt.ts';

describe('chooseArchive', () => {
  it('takes the main archive, not security, updates or other vendors', () => {
    const targets = [
      'Packages|https://packages.example.org/apt/|stable|Example|main',
      'Packages|http://mirror.example.org/debian-security/|bookworm-security|Debian|main',
      'Packages|http://mirror.example.org/debian/|bookworm-updates|Debian|main',
      'Translations|http://other.example.org/debian/|bookworm|Debian|main',
      'Packages|http://mirror.example.org/debian/|bookworm|Debian|main',
    ].join('\n');
    expect(chooseArchive(targets)).toBe('http://mirror.example.org/debian/');
  });

  it('prefers what says of itself that it is Debian to an address that looks like it', () => {
    const targets =
      'Packages|http://a.example.org/debian/|x|Other\nPackages|http://b.example.org/pool/|trixie|Debian';
    expect(chooseArchive(targets)).toBe('http://b.example.org/pool/');
  });

  it('goes by the address while apt knows no origin', () => {
    expect(chooseArchive('Packages|http://m.example.org/debian|trixie|$(ORIGIN)')).toBe(
      'http://m.example.org/debian',
    );
  });

  it('finds none on another distribution', () => {
    expect(chooseArchive('Packages|http://a.example.org/ubuntu/|noble|Ubuntu\n')).toBeUndefined();
    expect(chooseArchive('Packages|cdrom:[Debian]/debian/|trixie|Debian\n')).toBeUndefined();
    expect(chooseArchive('')).toBeUndefined();
  });
});

it('networkSettings keeps proxies and drops what selects indexes or runs programs', () => {
  const dump = [
    'APT::Update::Post-Invoke:: "rm something";',
    'Acquire::http::Proxy "http://proxy.example.org:3128";',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "true";',
    'Acquire::Languages:: "de";',
    'Dir::Cache "var/cache/apt";',
  ].join('\n');
  expect(networkSettings(dump)).toBe('Acquire::http::Proxy "http://proxy.example.org:3128";');
});

it('parseDependencies reads plain dependencies and alternatives', () => {
  const output =
    'linux-image-riscv64\n  Depends: linux-image-6.12-riscv64\n |Depends: a\n  Depends: b\n  Suggests: c\n';
  expect(parseDependencies(output)).toEqual(['linux-image-6.12-riscv64', 'a', 'b']);
});

it('parseDescription reads version and size, and says when there is no such package', () => {
  expect(parseDescription('x', 'Package: x\nVersion: 1:1.37.0-6+b9\nSize: 941532\n')).toEqual({
    name: 'x',
    version: '1:1.37.0-6+b9',
    size: 941532,
    installedSize: 0,
  });
  expect(() => parseDescription('x', '')).toThrow(InputError);
});

it('parseDownloadStatus reads the fraction of a status line only', () => {
  expect(parseDownloadStatus('dlstatus:1:25.5:Retrieving file 1 of 2')).toBe(0.255);
  expect(parseDownloadStatus('dlstatus:1:101:x')).toBe(1);
  expect(parseDownloadStatus('pmstatus:1:25:x')).toBeUndefined();
});

describe('updateOneByOne', () => {
  const release = { uri: 'http://m.example.org/debian', suite: 'trixie' };
  const updates = { ...release, suite: 'trixie-updates' };
  const security = { uri: 'http://m.example.org/debian-security', suite: 'trixie-security' };

  it('leaves out the source that is broken, and says so', async () => {
    const asked: string[][] = [];
    const warnings: string[] = [];
    const updateFrom = async (some: readonly { readonly suite: string }[]) => {
      asked.push(some.map(({ suite }) => suite));
      if (some.some(({ suite }) => suite === 'trixie-updates'))
        throw new InputError('File has unexpected size.');
    };
    const known = await updateOneByOne([release, updates, security], updateFrom, (text) =>
      warnings.push(text),
    );
    expect(known).toEqual([release, updates, security]);
    expect(asked.at(-1)).toEqual(['trixie', 'trixie-security']);
    expect(warnings).toEqual([
      expect.stringMatching(/no packages of trixie-updates .* unexpected size\. Say/),
    ]);
  });

  it('fails where the release itself is broken', async () => {
    const updateFrom = () => Promise.reject(new InputError('no network'));
    await expect(updateOneByOne([release, security], updateFrom, () => undefined)).rejects.toThrow(
      'no network',
    );
  });
});

describe('updateSources', () => {
  const targets = [
    'Packages|http://m.example.org/debian/|bookworm|Debian',
    'Packages|http://m.example.org/debian/|bookworm-updates|Debian',
    'Packages|http://s.example.org/debian-security/|bookworm-security|$(ORIGIN)',
    'Packages|http://m.example.org/debian/|bookworm-backports|Debian',
    'Packages|http://u.example.org/ubuntu/|noble-updates|Ubuntu',
  ].join('\n');

  it('takes those of another release from the same archives', () => {
    expect(updateSources(targets, 'trixie')).toEqual([
      { uri: 'http://m.example.org/debian/', suite: 'trixie-updates' },
      { uri: 'http://s.example.org/debian-security/', suite: 'trixie-security' },
    ]);
  });

  it('knows that there are none of sid', () => {
    expect(updateSources(targets, 'sid')).toEqual([]);
  });
});

it('parseRequired takes packages of that priority, each once', () => {
  const stanza = (name: string, priority: string) => `Package: ${name}\nPriority: ${priority}\n`;
  const output = ['dash required', 'nano important', 'mawk required', 'dash required'].map((line) => {
    const [name, priority] = line.split(' ');
    return stanza(name, priority);
  });
  expect(parseRequired(output.join('\n'))).toEqual(['dash', 'mawk']);
});

it('parseSelection reads what apt would install', () => {
  const output = `NOTE: This is only a simulation!
Inst gcc-14-base (14.2.0-19 Debian:13.2/stable [riscv64])
Inst libc6 [2.40-1] (2.41-12 Debian:13.2/stable, Debian-Security:13/stable-security [riscv64]) []
Inst tzdata (2025b-4+deb13u1 Debian:13.2/stable [all])
Conf tzdata (2025b-4+deb13u1 Debian:13.2/stable [all])
`;
  expect(parseSelection(output)).toEqual([
    { name: 'gcc-14-base', version: '14.2.0-19', architecture: 'riscv64' },
    { name: 'libc6', version: '2.41-12', architecture: 'riscv64' },
    { name: 'tzdata', version: '2025b-4+deb13u1', architecture: 'all' },
  ]);
});
