import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import { type CommandResult, runCommand } from './command.ts';

/** The Debian release that guests come from. */
const suite = 'trixie';
const guestArchitecture = 'riscv64';
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A package as the index describes it. */
export interface PackageDescription {
  readonly name: string;
  readonly version: string;
  /** Bytes of the package file. */
  readonly size: number;
}

/** apt with a state, cache and source list of its own: it needs no root and changes nothing of the machine's apt. */
export interface PrivateApt {
  /** Fetches the package index. */
  readonly update: () => Promise<void>;
  /** The packages that a package depends on, in the index's order. */
  readonly dependencies: (name: string) => Promise<readonly string[]>;
  readonly describe: (name: string) => Promise<PackageDescription>;
  /**
   * Downloads package files into a directory, verified against the signed index.
   *
   * @param onFraction - receives how much is there, 0 to 1.
   */
  readonly download: (
    names: readonly string[],
    directory: string,
    onFraction: (fraction: number) => void,
  ) => Promise<void>;
}

/**
 * Prepares a private apt for Debian's riscv64 packages below `directory`, which must exist. The archive's address and
 * the network settings (proxies, timeouts) are those of the machine's own apt.
 *
 * @throws InputError when the machine's apt sources name no Debian archive.
 * @throws CommandMissing when apt is not installed.
 */
export async function privateApt(directory: string): Promise<PrivateApt> {
  const archive = await findDebianArchive();
  const network = networkSettings((await runCommand('apt-config', ['dump'])).stdout);
  const configuration = await writeState(directory, archive, network);
  const env = { APT_CONFIG: configuration };
  const apt = async (
    command: string,
    args: readonly string[],
    cwd = directory,
    onStatus: (line: string) => void = ignore,
  ) => {
    const result = await runCommand(command, args, { env, cwd, onStatusLine: onStatus });
    if (result.status !== 0) throw aptFailure(`${command} ${args[0]}`, result);
    return result.stdout;
  };
  return {
    async update() {
      await apt('apt-get', ['update', '-o', 'APT::Update::Error-Mode=any']);
    },
    async dependencies(name) {
      return parseDependencies(await apt('apt-cache', ['depends', name]));
    },
    async describe(name) {
      return parseDescription(name, await apt('apt-cache', ['show', '--no-all-versions', name]));
    },
    async download(names, target, onFraction) {
      const onStatus = (line: string) => {
        const fraction = parseDownloadStatus(line);
        if (fraction !== undefined) onFraction(fraction);
      };
      await apt('apt-get', ['download', '-o', 'APT::Status-Fd=3', ...names], target, onStatus);
    },
  };
}

function ignore(): void {}

function aptFailure(what: string, result: CommandResult): InputError {
  const errors = result.stderr.split('\n').filter((line) => line.startsWith('E: '));
  const reason = errors.length > 0 ? errors.map((line) => line.slice(3)).join(' ') : result.stderr.trim();
  return new InputError(`${what} failed: ${reason || `status ${result.status}`}`);
}

const targetFormat = '$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(ORIGIN)';

async function findDebianArchive(): Promise<string> {
  const { stdout } = await runCommand('apt-get', ['indextargets', '--format', targetFormat]);
  const archive = chooseArchive(stdout);
  if (archive === undefined) {
    throw new InputError(
      "this machine's apt sources name no Debian archive (a source whose address ends in /debian)",
    );
  }
  return archive;
}

/**
 * The address of the main Debian archive among apt's index targets, one line each as
 * `created-by|address|release|origin`. The origin is a literal `$(ORIGIN)` while apt has not fetched that source yet;
 * then the address decides.
 */
export function chooseArchive(targets: string): string | undefined {
  const candidates = targets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([kind, address = '', release = '']) => {
      const partial = /-(security|updates|backports|proposed)|^stable-|\//.test(release);
      return kind === 'Packages' && !partial && !address.startsWith('cdrom:') && !/security/.test(address);
    });
  const known = candidates.find(([, , , origin]) => origin === 'Debian');
  const likely = candidates.find(([, address = '']) => /\/debian\/?$/.test(address));
  return (known ?? likely)?.[1];
}

/** The machine's network settings for apt, without what selects indexes: those would be fetched needlessly. */
export function networkSettings(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => line.startsWith('Acquire::') && !/^Acquire::(IndexTargets|Languages)/.test(line))
    .join('\n');
}

async function writeState(directory: string, archive: string, network: string): Promise<string> {
  const path = (name: string) => join(directory, name);
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'etc']) {
    await mkdir(path(name), { recursive: true });
  }
  const options = [`arch=${guestArchitecture}`];
  if (await exists(debianKeyring)) options.push(`signed-by=${debianKeyring}`);
  await writeFile(path('sources.list'), `deb [${options.join(' ')}] ${archive} ${suite} main\n`);
  await writeFile(path('state/status'), '');
  const settings: Record<string, string> = {
    'Dir::Etc::Main': '/dev/null',
    // The machine's own configuration may run programs after an update; only its network settings are taken.
    'Dir::Etc::Parts': path('etc'),
    'Dir::Etc::SourceList': path('sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State': path('state'),
    'Dir::State::Lists': path('state/lists'),
    'Dir::State::status': path('state/status'),
    'Dir::Cache': path('cache'),
    'APT::Architecture': guestArchitecture,
    'APT::Architectures': guestArchitecture,
    'Acquire::Languages': 'none',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  await writeFile(path('apt.conf'), `${lines.join('\n')}\n${network}\n`);
  return path('apt.conf');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The `Depends:` lines of `apt-cache depends`, alternatives included. */
export function parseDependencies(output: string): readonly string[] {
  return [...output.matchAll(/^[ |]*Depends: (\S+)$/gm)].map((match) => match[1]);
}

/** Version and size of a package out of `apt-cache show`. */
export function parseDescription(name: string, output: string): PackageDescription {
  const version = /^Version: (\S+)$/m.exec(output)?.[1];
  const size = /^Size: (\d+)$/m.exec(output)?.[1];
  if (version === undefined || size === undefined) {
    throw new InputError(`Debian ${suite} has no package "${name}" for ${guestArchitecture}`);
  }
  return { name, version, size: Number(size) };
}

/** The fraction out of a status line of apt, `dlstatus:ITEM:PERCENT:TEXT`; undefined for other lines. */
export function parseDownloadStatus(line: string): number | undefined {
  const percent = /^dlstatus:[^:]*:([0-9.]+):/.exec(line)?.[1];
  return percent === undefined ? undefined : Math.min(1, Number(percent) / 100);
}
