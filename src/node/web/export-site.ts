import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import type { PageGuest } from './page-guest.ts';

/** Folders whose files have names by their contents: those of an older page would stay for ever. */
const OWN_FOLDERS = ['assets', 'guest'] as const;
/** By which a folder is known as one of ours. */
const MARK = 'isolation-worker.js';

/**
 * Writes the page with its guest as a folder for a file host.
 *
 * @param page the folder of the built page
 * @param target the new folder; one that was written before is renewed
 * @throws InputError when it cannot be written, or has files of others
 */
export function exportSite(page: string, target: string, guest: PageGuest): void {
  try {
    const isOther = existsSync(target) && readdirSync(target).length > 0 && !existsSync(join(target, MARK));
    if (isOther)
      throw new InputError(
        `The folder ${target} has other files in it. Give one that is empty, or not there.`,
      );
    for (const name of OWN_FOLDERS) rmSync(join(target, name), { recursive: true, force: true });
    cpSync(page, target, { recursive: true });
    addGuest(target, guest);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`The folder ${target} cannot be written: ${(error as Error).message}.`);
  }
}

/** Adds the files of a guest to the folder of a page. */
export function addGuest(target: string, { files }: PageGuest): void {
  const folder = join(target, 'guest');
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of files) {
    const copy = join(folder, name);
    copyFileSync(file, copy);
    // In the cache they are this user's alone; here they are for everybody, as the rest of the page.
    chmodSync(copy, 0o644);
  }
}
