import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPrivateFile } from '../../private-directory.ts';
import { makeSshKey } from '../../ssh-key.ts';
import type { FetchOptions } from '../debian-guest.ts';
import { usableCacheDir } from '../fetch-errors.ts';
import { DEFAULT_SUITE, privateApt } from '../private-apt.ts';
import { debianImage } from './debian-image.ts';
import { aptPlaces } from './guest-apt.ts';

/** The disk of the guest `debian`, which is kept in the cache. */
export interface OwnDisk {
  readonly file: string;
  /** A private key by which ssh lets in root. */
  readonly keyFile: string;
  /** The places that its apt has to reach, as `--netdev user,allow=` takes them. */
  readonly places: readonly string[];
  readonly suite: string;
}

/** How the disk is made. */
export interface OwnDiskOptions extends FetchOptions {
  readonly size: number;
  readonly hostname: string;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The disk of the guest `debian`, which is made the first time.
 *
 * @throws InputError when it cannot be made
 * @throws Stopped by `signal`
 */
export async function ownDisk(options: OwnDiskOptions): Promise<OwnDisk> {
  const cacheDir = usableCacheDir(options.cacheDir, 'The Debian image cannot be made', '');
  const suite = DEFAULT_SUITE;
  const file = join(cacheDir, `debian-${suite}.qcow2`);
  const keyFile = join(cacheDir, 'debian-key');
  const sshKey = await ownKey(keyFile);
  if (!existsSync(file)) await debianImage({ ...options, cacheDir, file, sshKeys: [sshKey], packages: [] });
  const places = await readPlaces(join(cacheDir, `debian-${suite}-places.json`), cacheDir);
  return { file, keyFile, places, suite };
}

/** @returns the public key */
async function ownKey(keyFile: string): Promise<string> {
  const known = await readPrivateFile(`${keyFile}.pub`);
  if (known !== undefined && existsSync(keyFile)) return known.toString().trim();
  const { privateKey, publicKey } = makeSshKey('hartvisor guest');
  await writeFile(keyFile, privateKey, { mode: 0o600 });
  // A file that was there keeps its mode otherwise, and ssh takes no key that others can read.
  await chmod(keyFile, 0o600);
  await writeFile(`${keyFile}.pub`, `${publicKey}\n`, { mode: 0o600 });
  return publicKey;
}

/** apt is asked once: it takes as long as the rest of a start. */
async function readPlaces(path: string, cacheDir: string): Promise<readonly string[]> {
  const known = parsePlaces((await readPrivateFile(path))?.toString());
  if (known !== undefined) return known;
  const work = await mkdtemp(join(cacheDir, `.partial-${process.pid}-`));
  try {
    const apt = await privateApt(work, { updates: true });
    const places = aptPlaces(apt.sources(), apt.network, process.env);
    const draft = join(work, 'places.json');
    await writeFile(draft, `${JSON.stringify(places)}\n`, { mode: 0o600 });
    await rename(draft, path);
    return places;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function parsePlaces(text: string | undefined): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
