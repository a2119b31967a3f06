import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { defaultCacheDir } from './cache-dir.ts';
import { whyUnusable } from './private-directory.ts';

/** The directory below that of the cache. */
export const COMPILED = 'compiled';

let directory: string | undefined;
let known = false;

/**
 * Where Node keeps compiled modules: files there are run as they are. Without a name Node takes a directory below /tmp
 * that any user of the system can make first; ours is this user's alone, or there is none. A person's own
 * `NODE_COMPILE_CACHE` counts.
 */
export function compileCacheDir(): string | undefined {
  if (known) return directory;
  known = true;
  directory = process.env.NODE_COMPILE_CACHE || ownDirectory();
  return directory;
}

function ownDirectory(): string | undefined {
  const cache = defaultCacheDir();
  if (cache === undefined || whyUnusable(cache) !== undefined) return undefined;
  const path = join(cache, COMPILED);
  return whyUnusable(path) === undefined ? path : undefined;
}

/** From here on this thread keeps its compiled code. */
export function useCompileCache(): void {
  const path = compileCacheDir();
  if (path !== undefined) enableCompileCache(path);
}
