import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes from a directory the leftovers of processes that were killed.
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

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is such a process, it is another user's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
