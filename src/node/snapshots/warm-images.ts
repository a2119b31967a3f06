import { createHash } from 'node:crypto';
import { readdir, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { buildLayout } from '../../machine/snapshot/build-layout.ts';
import { SNAPSHOT_VERSION } from '../../machine/snapshot/format.ts';
import { defaultCacheDir } from '../cache-dir.ts';
import { packageVersion } from '../package-version.ts';
import { whyUnusable } from '../private-directory.ts';

/** Images that are kept: those that were used last. */
const KEPT = 3;
const ENDING = '.snapshot';
/** Milliseconds after which nobody writes an image any more. */
const UNFINISHED_MS = 3_600_000;

/**
 * Images of guests that have booted, in the cache directory, by all that decides about a guest. An image holds all of
 * its guest's memory and is trusted, so that the folder has to be this user's alone.
 */
export class WarmImages {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns undefined where there is no folder for them */
  static open(): WarmImages | undefined {
    const cache = defaultCacheDir();
    if (cache === undefined) return undefined;
    const folder = join(cache, 'warm');
    return whyUnusable(folder) === undefined ? new WarmImages(folder) : undefined;
  }

  /** The file for a guest. @param facts all that decides about it */
  pathOf(facts: unknown): string {
    const all = JSON.stringify([packageVersion(), SNAPSHOT_VERSION, buildLayout(), facts]);
    return join(this.#folder, `${createHash('sha256').update(all).digest('hex')}${ENDING}`);
  }

  /** Whether there is an image, which is going to be used then. */
  async use(path: string): Promise<boolean> {
    const now = new Date();
    return utimes(path, now, now).then(
      () => true,
      () => false,
    );
  }

  /** An image that cannot be used. */
  async drop(path: string): Promise<void> {
    await unlink(path).catch(() => undefined);
  }

  /** Removes those that were not used for longest, and the rests of those that were not written to their end. */
  async prune(): Promise<void> {
    const files = await Promise.all(
      (await readdir(this.#folder)).map(async (name) => {
        const path = join(this.#folder, name);
        return { path, isWhole: name.endsWith(ENDING), used: (await stat(path)).mtimeMs };
      }),
    );
    const whole = files.filter(({ isWhole }) => isWhole).sort((one, other) => other.used - one.used);
    const longAgo = Date.now() - UNFINISHED_MS;
    const broken = files.filter(({ isWhole, used }) => !isWhole && used < longAgo);
    for (const { path } of [...whole.slice(KEPT), ...broken]) await this.drop(path);
  }
}

/** A digest that tells one content from another. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Facts that tell one file from another, without reading it. */
export async function fileFacts(path: string): Promise<readonly (string | number)[]> {
  const { size, mtimeMs, ino } = await stat(path);
  return [path, size, mtimeMs, ino];
}
