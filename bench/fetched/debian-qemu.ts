/**
 * QEMU of another Debian release than this machine's, with every library that it needs, in a directory of its own: apt
 * works on a state of its own there, so it needs no root and changes nothing of the machine's.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../src/errors/input-error.ts';
import { type CommandResult, runCommand, unpackMembers } from '../../src/node/debian/command.ts';
import { chooseArchive, networkSettings } from '../../src/node/debian/private-apt.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const program = 'qemu-system-riscv64';
const packageName = 'qemu-system-riscv';

/** Debian releases whose QEMU runs RISC-V and that can be asked for by name. */
const releases: readonly string[] = ['trixie'];

/** True for the name of a release that {@link fetchQemu} takes. */
export function isDebianRelease(name: string): boolean {
  return releases.includes(name);
}

/**
 * Fetches QEMU and its libraries: about 35 MB.
 *
 * @param directory below which it is put
 * @returns the path of a script that runs it
 * @throws InputError when apt or the archive is missing, or the machine's kind has no such package
 */
export async function fetchQemu(
  release: string,
  directory: string,
  onProgress: (line: string) => void,
): Promise<string> {
  onProgress(`Fetching ${packageName} of Debian ${release} and its libraries`);
  const root = join(directory, `qemu-${release}`);
  const tree = join(root, 'tree');
  await mkdir(tree, { recursive: true });
  const archives = await download(release, root);
  for (const name of (await readdir(archives)).filter((entry) => entry.endsWith('.deb'))) {
    await unpackMembers(join(archives, name), tree, ['*']);
  }
  const script = join(root, program);
  await writeFile(script, startScript(tree, await findLoader(tree)), { mode: 0o755 });
  return script;
}

/**
 * Its own loader and libraries, since the program may need a newer C library than this machine's; its own firmware,
 * since a program that a loader starts does not know where it lies. Without a sound system to choose it looks for none:
 * the modules that this machine may have for it are another QEMU's.
 */
export function startScript(tree: string, loader: Loader): string {
  const libraries = join(tree, 'usr/lib', loader.folder);
  const start = [join(libraries, loader.file), '--library-path', libraries, join(tree, 'usr/bin', program)];
  const words = [...start, '-L', join(tree, 'usr/share/qemu'), '-audio', 'none'].map(quoted);
  return `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The dynamic loader and the folder of libraries that it lies in. */
export interface Loader {
  /** Below `usr/lib`, as `x86_64-linux-gnu`. */
  readonly folder: string;
  readonly file: string;
}

async function findLoader(tree: string): Promise<Loader> {
  const entries = await readdir(join(tree, 'usr/lib'), { withFileTypes: true });
  for (const { name: folder } of entries.filter((entry) => entry.isDirectory())) {
    const names = folder.includes('-linux-') ? await readdir(join(tree, 'usr/lib', folder)) : [];
    const file = names.find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    // Firmware for the guest's kind of machine has a folder of that kind too, without a loader.
    if (file !== undefined) return { folder, file };
  }
  throw new InputError(`Debian's packages for ${program} hold no dynamic loader, so it cannot be run here.`);
}

async function download(release: string, root: string): Promise<string> {
  const path = (name: string) => join(root, name);
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'etc']) {
    await mkdir(path(name), { recursive: true });
  }
  const architecture = (await command('dpkg', ['--print-architecture'])).trim();
  const targets = ['indextargets', '--format', '$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(ORIGIN)'];
  const archive = chooseArchive(await command('apt-get', targets));
  if (archive === undefined) {
    throw new InputError("--qemu: this machine's apt sources name no Debian archive to fetch from.");
  }
  const source = `deb [arch=${architecture} signed-by=${keyring}] ${archive} ${release} main\n`;
  await writeFile(path('sources.list'), source);
  await writeFile(path('state/status'), '');
  const settings: Record<string, string> = {
    'Dir::Etc::Main': '/dev/null',
    'Dir::Etc::Parts': path('etc'),
    'Dir::Etc::SourceList': path('sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State': path('state'),
    'Dir::State::status': path('state/status'),
    'Dir::Cache': path('cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'Acquire::Languages': 'none',
    'Debug::NoLocking': 'true',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  const network = networkSettings(await command('apt-config', ['dump']));
  await writeFile(path('apt.conf'), `${lines.join('\n')}\n${network}\n`);
  const env = { APT_CONFIG: path('apt.conf') };
  await command('apt-get', ['update', '-o', 'APT::Update::Error-Mode=any'], env);
  // With nothing installed there, apt downloads the whole set, down to the C library.
  const install = ['install', '--download-only', '--no-install-recommends', '-y', packageName];
  await command('apt-get', install, env);
  return path('cache/archives');
}

async function command(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  let result: CommandResult;
  try {
    result = await runCommand(name, args, { env });
  } catch (error) {
    throw new InputError(`--qemu: a release's QEMU is fetched by apt, but ${(error as Error).message}.`);
  }
  if (result.status === 0) return result.stdout;
  const reason = result.stderr.trim().split('\n').slice(0, 3).join(' ');
  throw new InputError(`--qemu: ${name} ${args[0]} failed: ${reason || `status ${result.status}`}`);
}
