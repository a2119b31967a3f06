import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The directory for files that may be kept: `$HARTVISOR_CACHE`, or the XDG base directory specification's place.
 *
 * @returns an absolute path; undefined where the environment and the system name no home directory
 */
export function defaultCacheDir(env: Environment = process.env): string | undefined {
  if (env.HARTVISOR_CACHE) return resolve(env.HARTVISOR_CACHE);
  // The XDG specification: a relative path there is invalid and to be ignored.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'hartvisor');
  const home = homeDirectory(env);
  return home === undefined ? undefined : join(home, '.cache', 'hartvisor');
}

/** An empty or relative `$HOME` would put files into the present directory. */
function homeDirectory(env: Environment): string | undefined {
  if (env.HOME && isAbsolute(env.HOME)) return env.HOME;
  try {
    const { homedir } = userInfo();
    return isAbsolute(homedir) ? homedir : undefined;
  } catch {
    // A user without an entry in the system's list has no home.
    return undefined;
  }
}
