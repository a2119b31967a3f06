import { join } from 'node:path';
import type { ExtraFile } from '../../../boot/initramfs.ts';
import { InputError } from '../../../errors/input-error.ts';
import type { PrivateApt, SelectedPackage } from '../private-apt.ts';
import { USUAL_PACKAGES } from './configuration.ts';
import type { DiscPackage } from './package-disc.ts';
import { LISTS_PATH } from './second-stage.ts';

/** The packages of an image. */
export interface PackageSet {
  readonly packages: readonly DiscPackage[];
  /** How many are installed before there is an apt. */
  readonly essential: number;
  /** How many each portion has of those that are installed then, one portion after the other. */
  readonly portions: readonly number[];
  /** Lists of names for the guest that makes the image. */
  readonly lists: readonly ExtraFile[];
  /** Bytes that are downloaded if nothing is there yet. */
  readonly downloadBytes: number;
  /** Bytes in the image, as the packages say themselves. */
  readonly installedBytes: number;
  /** The packages that apt is to fetch. */
  readonly wanted: readonly string[];
}

/** Makes file systems in the guest; it and its dependencies are unpacked there first. */
const FORMATTER = 'e2fsprogs';
/** Has links in the root directory that all others rely on. */
const FIRST = 'base-files';

/**
 * Chooses the packages of an image.
 *
 * @param apt - that has fetched its index
 * @param more - packages beside the usual ones
 * @throws InputError for a package that there is not
 */
export async function choosePackages(apt: PrivateApt, more: readonly string[]): Promise<PackageSet> {
  for (const name of more) checkName(name);
  const required = await apt.required();
  const wanted = [...new Set([...required, ...USUAL_PACKAGES, ...more])];
  const all = sorted(await apt.select(wanted));
  const essential = await apt.select([...required, 'apt']);
  const tools = await apt.select([FORMATTER]);
  const descriptions = await apt.describeAll(all.map(({ name }) => name));
  const places = new Map(all.map(({ name }, index) => [name, discName(index)]));
  const discNames = (packages: readonly SelectedPackage[]) =>
    packages.map(({ name }) => places.get(name)?.toLowerCase() ?? notOnDisc(name));
  const named = new Set([...required, ...USUAL_PACKAGES, ...more]);
  const portions = await choosePortions(apt, { all, essential, wanted, required });
  const lists: Readonly<Record<string, readonly string[]>> = {
    ...Object.fromEntries(portions.map((portion, index) => [`install-${index + 1}`, discNames(portion)])),
    tools: discNames(tools),
    essential: discNames(
      [...essential].sort((one, other) => Number(other.name === FIRST) - Number(one.name === FIRST)),
    ),
    // As if a person had installed the others, and apt these for their sake.
    auto: all.map(({ name }) => name).filter((name) => !named.has(name)),
  };
  return {
    wanted,
    packages: all.map((each, index) => ({ file: fileName(each), discName: discName(index) })),
    essential: essential.length,
    portions: portions.map((portion) => portion.length),
    lists: Object.entries(lists).map(([name, lines]) => ({
      path: `${LISTS_PATH}/${name}`,
      data: lines.map((line) => `${line}\n`).join(''),
    })),
    downloadBytes: descriptions.reduce((sum, { size }) => sum + size, 0),
    installedBytes: descriptions.reduce((sum, { installedSize }) => sum + installedSize, 0),
  };
}

/** Packages of a portion at least: keeping its result takes as long as installing a few of them. */
const PORTION = 20;
/** Parts of the names that are tried: apt takes more than a second to choose the packages of each. */
const MOST_TRIED = 6;

/**
 * Divides the packages that apt installs into portions that can be installed one after the other, each with all that it
 * depends on in it or before it.
 *
 * @param all - sorted by their names
 */
export async function choosePortions(
  apt: Pick<PrivateApt, 'select'>,
  {
    all,
    essential,
    wanted,
    required,
  }: {
    readonly all: readonly SelectedPackage[];
    readonly essential: readonly SelectedPackage[];
    readonly wanted: readonly string[];
    readonly required: readonly string[];
  },
): Promise<readonly (readonly SelectedPackage[])[]> {
  const known = new Set(all.map(({ name }) => name));
  const there = new Set(essential.map(({ name }) => name));
  const missing = () => all.filter(({ name }) => !there.has(name));
  const portions: SelectedPackage[][] = [];
  const named = wanted.filter((name) => !required.includes(name));
  const tried = Math.min(MOST_TRIED, Math.floor(missing().length / PORTION));
  for (let part = 1; part < tried && missing().length >= 2 * PORTION; part++) {
    const count = Math.floor((part * named.length) / tried);
    const chosen = new Set(
      (await apt.select([...required, ...named.slice(0, count)])).map(({ name }) => name),
    );
    const portion = missing().filter(({ name }) => chosen.has(name));
    // Of two packages that do for a dependency, apt may choose another one for a part than for all.
    if (portion.length < PORTION || ![...chosen].every((name) => known.has(name))) continue;
    portions.push(portion);
    for (const { name } of portion) there.add(name);
  }
  const rest = missing();
  return rest.length === 0 ? portions : [...portions, rest];
}

/** The packages with their files in a directory. */
export function packagesIn(directory: string, { packages }: PackageSet): readonly DiscPackage[] {
  return packages.map((each) => ({ ...each, file: join(directory, each.file) }));
}

/** As apt calls the file of a package. */
function fileName({ name, version, architecture }: SelectedPackage): string {
  return `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;
}

function discName(index: number): string {
  return `P${String(index).padStart(5, '0')}.DEB`;
}

function sorted(packages: readonly SelectedPackage[]): readonly SelectedPackage[] {
  return [...packages].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The rules for names (Debian policy 5.6.1). */
function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name))
    throw new InputError(`"${name}" is not the name of a Debian package`);
}

function notOnDisc(name: string): never {
  throw new Error(`apt needs ${name} for a part of the packages, and not for all of them`);
}
