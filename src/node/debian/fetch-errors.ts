import { resolve } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import { defaultCacheDir } from '../cache-dir.ts';
import { whyUnusable } from '../private-directory.ts';
import { CommandMissing } from './command.ts';

/**
 * The directory for fetched files, which is made if it is not there.
 *
 * @param given - the default one unless it is given
 * @param what - names the work that fails without it, as a message begins: "Debian's kernel cannot be fetched"
 * @param wayOut - a sentence for people without it; may be empty
 * @throws InputError when it cannot be used
 */
export function usableCacheDir(given: string | undefined, what: string, wayOut: string): string {
  const cacheDir = given ?? defaultCacheDir();
  if (cacheDir === undefined) {
    const noHome = 'there is no home directory to keep it in (name one with HARTVISOR_CACHE)';
    throw cannotFetch(what, noHome, wayOut);
  }
  const unusable = whyUnusable(resolve(cacheDir));
  if (unusable !== undefined) throw cannotFetch(what, unusableCache(cacheDir, unusable), wayOut);
  return cacheDir;
}

function unusableCache(cacheDir: string, why: string): string {
  return `the cache directory ${cacheDir} cannot be used ${why}`;
}

function cannotFetch(what: string, reason: string, wayOut: string): InputError {
  return new InputError(`${what}: ${reason.replace(/\.$/, '')}. ${wayOut}`.trim());
}

/** Puts a failure into words for the user of hartvisor; defects of hartvisor pass as they are. */
export function explained(error: unknown, what: string, wayOut: string, cacheDir: string): unknown {
  const message = (reason: string) => cannotFetch(what, reason, wayOut);
  if (error instanceof CommandMissing) {
    return message(`${error.command} is not on this machine (Debian and its relatives have it)`);
  }
  if (error instanceof InputError) return message(error.message);
  if (isSystemError(error)) return message(unusableCache(cacheDir, `(${error.code})`));
  if (error instanceof Error) return message(error.message);
  return error;
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
