import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes from a directory what processes that were killed left behind.
 *
 * @param name - matches the names of unfinished files and directories; its first group is the number of their process
 */
export async function removeAbandoned(directory: string, name: RegExp): Promise<void> {
  for (const entry of await readdir(directory)) {
    const owner = name.exec(entry)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    await rm(join(directory, entry), { recursive: true, force: true });
  }
}

/** Milliseconds; caches that are in use are written to, or marked as used, more often. */
const FORGOTTEN_MS = 30 * 24 * 3_600_000;

/**
 * Removes from a directory what nobody has changed for 30 days.
 *
 * @param name - matches the names of what may go
 */
export async function removeForgotten(directory: string, name: RegExp): Promise<void> {
  const before = Date.now() - FORGOTTEN_MS;
  for (const entry of await readdir(directory)) {
    if (!name.test(entry)) continue;
    const path = join(directory, entry);
    const status = await lstat(path).catch(() => undefined);
    if (status !== undefined && status.mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is such a process, it is another user's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
