import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import { type CommandResult, runCommand } from './command.ts';

/** The Debian release that guests come from, unless another one is asked for. */
export const DEFAULT_SUITE = 'trixie';
const guestArchitecture = 'riscv64';
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A package as the index describes it. */
export interface PackageDescription {
  readonly name: string;
  readonly version: string;
  /** Bytes of the package file. */
  readonly size: number;
  /** Bytes that it takes when it is installed, as it says itself. */
  readonly installedSize: number;
}

/** A package that apt would install. */
export interface SelectedPackage {
  readonly name: string;
  readonly version: string;
  /** `riscv64` or `all`. */
  readonly architecture: string;
}

/** A release of an archive, as a line of apt's sources has it. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
}

/** The source of the packages. */
export interface AptOptions {
  /** {@link DEFAULT_SUITE} unless given. */
  readonly suite?: string | undefined;
  /** Debian's name of a processor; `riscv64` unless given. */
  readonly architecture?: string;
  /** The archive's address; that of the machine's own apt unless given. */
  readonly mirror?: string | undefined;
  /** Updates and security updates of the release, from where the machine's own apt has those of its release. */
  readonly updates?: boolean;
  /** Receives a sentence for each source of updates that could not be used. */
  readonly onWarning?: (text: string) => void;
  /** Ends apt, which fails then; what it has downloaded stays. */
  readonly signal?: AbortSignal | undefined;
}

/** apt with a state, cache and source list of its own: it needs no root and changes nothing of the machine's apt. */
export interface PrivateApt {
  /** Fetches the package index. */
  readonly update: () => Promise<void>;
  /** The packages that a package depends on, in the index's order. */
  readonly dependencies: (name: string) => Promise<readonly string[]>;
  readonly describe: (name: string) => Promise<PackageDescription>;
  /** The same for many packages at once, in no order. */
  readonly describeAll: (names: readonly string[]) => Promise<readonly PackageDescription[]>;
  /** The sources that there are, the release itself first, also those whose index {@link update} could not fetch. */
  readonly sources: () => readonly AptSource[];
  /** The machine's settings for its network, as lines of an apt configuration. */
  readonly network: string;
  /** The names of packages of priority `required`: without them a system is none. */
  readonly required: () => Promise<readonly string[]>;
  /** The packages that apt installs in an empty system for the sake of these: they, and those that they depend on. */
  readonly select: (names: readonly string[]) => Promise<readonly SelectedPackage[]>;
  /**
   * Downloads the files of {@link select} into the cache of this apt, verified against the signed index. Files that are
   * there already are not downloaded again, not even a part of a file.
   *
   * @param onFraction - receives the part of the missing bytes that has come, 0 to 1
   * @returns the directory
   */
  readonly fetch: (names: readonly string[], onFraction: (fraction: number) => void) => Promise<string>;
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
 * Prepares a private apt for Debian's packages of one kind of processor below `directory`, which must exist. The
 * archive's address and the network settings (proxies, timeouts) are those of the machine's own apt.
 *
 * @throws InputError when the machine's apt sources name no Debian archive.
 * @throws CommandMissing when apt is not installed.
 */
export async function privateApt(directory: string, options: AptOptions = {}): Promise<PrivateApt> {
  const { suite = DEFAULT_SUITE, architecture = guestArchitecture, onWarning = ignore } = options;
  let sources = await findSources({ ...options, suite });
  const network = networkSettings((await runCommand('apt-config', ['dump'])).stdout);
  const configuration = await writeState(directory, architecture, network);
  const apt = aptProgram(directory, { configuration, suite, signal: options.signal });
  const updateFrom = async (some: readonly AptSource[]) => {
    await writeSources(directory, architecture, some);
    await apt('apt-get', ['update', '-o', 'APT::Update::Error-Mode=any']);
  };
  return {
    network,
    sources: () => sources,
    async update() {
      try {
        await updateFrom(sources);
      } catch (error) {
        if (sources.length === 1) throw error;
        sources = await updateOneByOne(sources, updateFrom, onWarning);
      }
    },
    ...packageFacts(apt, suite),
    ...packageFiles(apt, directory),
  };
}

/** Runs one of apt's programs, and gives its output. @throws the error of {@link aptFailure} for its failure */
type Apt = (
  command: string,
  args: readonly string[],
  cwd?: string,
  onStatus?: (line: string) => void,
) => Promise<string>;

/** @param configuration its file */
function aptProgram(
  directory: string,
  {
    configuration,
    suite,
    signal,
  }: { readonly configuration: string; readonly suite: string; readonly signal: AbortSignal | undefined },
): Apt {
  const env = { APT_CONFIG: configuration };
  return async (command, args, cwd = directory, onStatus = ignore) => {
    const result = await runCommand(command, args, { env, cwd, onStatusLine: onStatus, signal });
    // No failure of the archive, in whose place another source would do.
    signal?.throwIfAborted();
    if (result.status !== 0) throw aptFailure(`${command} ${args[0]}`, result, suite);
    return result.stdout;
  };
}

/** Questions that the lists of packages answer. */
function packageFacts(
  apt: Apt,
  suite: string,
): Pick<PrivateApt, 'dependencies' | 'describe' | 'describeAll' | 'required'> {
  return {
    async dependencies(name) {
      return parseDependencies(await apt('apt-cache', ['depends', name]));
    },
    async describe(name) {
      return parseDescription(name, await apt('apt-cache', ['show', '--no-all-versions', name]), suite);
    },
    async describeAll(names) {
      const text = await apt('apt-cache', ['show', '--no-all-versions', ...names]);
      return text.split(/\n\n+/).flatMap((stanza) => {
        const name = /^Package: (\S+)$/m.exec(stanza)?.[1];
        return name === undefined ? [] : [parseDescription(name, stanza, suite)];
      });
    },
    async required() {
      return parseRequired(await apt('apt-cache', ['dumpavail']));
    },
  };
}

/** A choice of packages, and their files. */
function packageFiles(apt: Apt, directory: string): Pick<PrivateApt, 'select' | 'fetch' | 'download'> {
  const install = (args: readonly string[], names: readonly string[], onStatus?: (line: string) => void) =>
    apt(
      'apt-get',
      ['install', '-q', '-y', '--no-install-recommends', ...args, ...names],
      directory,
      onStatus,
    );
  return {
    async select(names) {
      return parseSelection(await install(['--simulate'], names));
    },
    async fetch(names, onFraction) {
      await install(['--download-only', '-o', 'APT::Status-Fd=3'], names, forFraction(onFraction));
      return join(directory, 'cache/archives');
    },
    async download(names, target, onFraction) {
      await apt('apt-get', ['download', '-o', 'APT::Status-Fd=3', ...names], target, forFraction(onFraction));
    },
  };
}

function forFraction(onFraction: (fraction: number) => void): (line: string) => void {
  return (line) => {
    const fraction = parseDownloadStatus(line);
    if (fraction !== undefined) onFraction(fraction);
  };
}

function ignore(): void {}

/** An archive has no such release. */
class NoRelease extends InputError {}

/**
 * Fetches as much as can be fetched of a release and its updates, of which one may be broken for a while. Security
 * updates must not be missing without a word.
 *
 * @param updateFrom - fetches the indexes of some sources
 * @returns the sources that there are: not every archive has updates of every release
 */
export async function updateOneByOne(
  [release, ...updates]: readonly AptSource[],
  updateFrom: (some: readonly AptSource[]) => Promise<void>,
  onWarning: (text: string) => void,
): Promise<readonly AptSource[]> {
  let usable = [release];
  await updateFrom(usable);
  const known = [release];
  for (const source of updates) {
    try {
      await updateFrom([...usable, source]);
      usable = [...usable, source];
      known.push(source);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (error instanceof NoRelease) continue;
      known.push(source);
      onWarning(
        `There are no packages of ${source.suite} in this image, since their list could not be fetched: ` +
          // apt ends its own sentences.
          `${error.message.replace(/\.$/, '')}. Say \`apt-get update && apt-get upgrade\` in the guest later.`,
      );
    }
  }
  // The last one may have failed, and left its lists.
  await updateFrom(usable);
  return known;
}

function aptFailure(what: string, result: CommandResult, suite: string): InputError {
  const unknown = /^E: Unable to locate package (\S+)$/m.exec(result.stderr)?.[1];
  if (unknown !== undefined) return noPackage(unknown, suite);
  const noRelease = /^E: The repository '.* Release' does not have a Release file/m.test(result.stderr);
  if (noRelease) return new NoRelease(`the archive has no release "${suite}"`);
  // That of a call of hartvisor that was killed goes on by itself.
  const holder = /^E: Could not get lock (\S+)\. It is held by process (\d+)/m.exec(result.stderr);
  if (holder !== null) {
    const [, lock, pid] = holder;
    return new InputError(
      `another apt (process ${pid}) is at work in ${dirname(lock)}. Wait for its end, or end it: what it has downloaded is used`,
    );
  }
  const errors = result.stderr.split('\n').filter((line) => line.startsWith('E: '));
  const reason = errors.length > 0 ? errors.map((line) => line.slice(3)).join(' ') : result.stderr.trim();
  return new InputError(`${what} failed: ${reason || `status ${result.status}`}`);
}

const targetFormat = '$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(ORIGIN)';

async function findSources({
  suite = DEFAULT_SUITE,
  mirror,
  updates,
}: AptOptions): Promise<readonly AptSource[]> {
  if (mirror !== undefined) return [{ uri: mirror, suite }];
  const { stdout } = await runCommand('apt-get', ['indextargets', '--format', targetFormat]);
  const archive = chooseArchive(stdout);
  if (archive === undefined) {
    throw new InputError(
      "this machine's apt sources name no Debian archive (a source whose address ends in /debian)",
    );
  }
  return [{ uri: archive, suite }, ...(updates === true ? updateSources(stdout, suite) : [])];
}

/**
 * The sources of a release's updates, by those that the machine's apt has for its own release: of
 * `bookworm-security` becomes `trixie-security`.
 *
 * @param targets - as for {@link chooseArchive}
 */
export function updateSources(targets: string, suite: string): readonly AptSource[] {
  // These have none.
  if (['sid', 'unstable', 'experimental', 'testing'].includes(suite)) return [];
  const found = new Map<string, AptSource>();
  for (const line of targets.split('\n')) {
    const [kind, uri = '', release = '', origin = ''] = line.split('|');
    const [, which] = /^[a-z]+-(updates|security)$/.exec(release) ?? [];
    const isDebian = origin === 'Debian' || /\/debian(-security)?\/?$/.test(uri);
    if (kind === 'Packages' && which !== undefined && isDebian && !uri.startsWith('cdrom:'))
      found.set(which, { uri, suite: `${suite}-${which}` });
  }
  return [...found.values()];
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

/** The machine's network settings for apt, without those that select indexes: those would be fetched needlessly. */
export function networkSettings(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => line.startsWith('Acquire::') && !/^Acquire::(IndexTargets|Languages)/.test(line))
    .join('\n');
}

async function writeSources(
  directory: string,
  architecture: string,
  sources: readonly AptSource[],
): Promise<void> {
  const options = [`arch=${architecture}`];
  if (await exists(debianKeyring)) options.push(`signed-by=${debianKeyring}`);
  const lines = sources.map(({ uri, suite }) => `deb [${options.join(' ')}] ${uri} ${suite} main\n`);
  await writeFile(join(directory, 'sources.list'), lines.join(''));
}

async function writeState(directory: string, architecture: string, network: string): Promise<string> {
  const path = (name: string) => join(directory, name);
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'etc']) {
    await mkdir(path(name), { recursive: true });
  }
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
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
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
export function parseDescription(name: string, output: string, suite = DEFAULT_SUITE): PackageDescription {
  const version = /^Version: (\S+)$/m.exec(output)?.[1];
  const size = /^Size: (\d+)$/m.exec(output)?.[1];
  if (version === undefined || size === undefined) throw noPackage(name, suite);
  const installed = /^Installed-Size: (\d+)$/m.exec(output)?.[1];
  return { name, version, size: Number(size), installedSize: 1024 * Number(installed ?? 0) };
}

function noPackage(name: string, suite: string): InputError {
  return new InputError(`Debian ${suite} has no package "${name}" for ${guestArchitecture}`);
}

/** The packages of priority `required` out of `apt-cache dumpavail`. */
export function parseRequired(output: string): readonly string[] {
  const names = output.split(/\n\n+/).flatMap((stanza) => {
    const name = /^Package: (\S+)$/m.exec(stanza)?.[1];
    return name !== undefined && /^Priority: required$/m.test(stanza) ? [name] : [];
  });
  return [...new Set(names)];
}

/** The packages out of `apt-get install --simulate`: `Inst mawk (1.3.4 Debian:13.2/stable [riscv64])`. */
export function parseSelection(output: string): readonly SelectedPackage[] {
  return [...output.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\S+)\]\)/gm)].map(
    ([, name, version, architecture]) => ({ name, version, architecture }),
  );
}

/** The fraction out of a status line of apt, `dlstatus:ITEM:PERCENT:TEXT`; undefined for other lines. */
export function parseDownloadStatus(line: string): number | undefined {
  const percent = /^dlstatus:[^:]*:([0-9.]+):/.exec(line)?.[1];
  return percent === undefined ? undefined : Math.min(1, Number(percent) / 100);
}
