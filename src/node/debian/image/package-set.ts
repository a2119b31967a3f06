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
  const lists: Readonly<Record<string, readonly string[]>> = {
    tools: discNames(tools),
    essential: discNames(
      [...essential].sort((one, other) => Number(other.name === FIRST) - Number(one.name === FIRST)),
    ),
    all: discNames(all),
    // As if a person had installed the others, and apt these for their sake.
    auto: all.map(({ name }) => name).filter((name) => !named.has(name)),
  };
  return {
    wanted,
    packages: all.map((each, index) => ({ file: fileName(each), discName: discName(index) })),
    essential: essential.length,
    lists: Object.entries(lists).map(([name, lines]) => ({
      path: `${LISTS_PATH}/${name}`,
      data: lines.map((line) => `${line}\n`).join(''),
    })),
    downloadBytes: descriptions.reduce((sum, { size }) => sum + size, 0),
    installedBytes: descriptions.reduce((sum, { installedSize }) => sum + installedSize, 0),
  };
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
