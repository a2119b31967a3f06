import { homedir } from 'node:os';
import { join } from 'node:path';

/** The directory for what may be kept: `$HARTVISOR_CACHE`, or the XDG base directory specification's place. */
export function defaultCacheDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.HARTVISOR_CACHE) return env.HARTVISOR_CACHE;
  // The XDG specification: a relative path there is invalid and to be ignored.
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  return join(base, 'hartvisor');
}
