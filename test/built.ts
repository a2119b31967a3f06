/** Builds of the sources: made once for all tests that want one, in `build/tests`. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const kept = join(root, 'build', 'tests');
/** All that decides what becomes of a build, beside what is given to it. */
const SOURCES = ['{src,page,scripts}/**/*', 'guests/agent/*.elf', 'package-lock.json'];
/** Milliseconds after which no test that runs still uses a build of sources that were changed. */
const OLD_MS = 3_600_000;

/**
 * A folder with something that is built of the sources. It may be there already, and others use it as well: nobody
 * changes it.
 *
 * @param name of what is built
 * @param make writes it into a folder
 * @param sources that it is made of beside the usual ones: paths of files
 */
export async function built(
  name: string,
  make: (folder: string) => Promise<void>,
  sources: readonly string[] = [],
): Promise<string> {
  const folder = join(kept, `${name}-${sumOf(sources)}`);
  if (existsSync(folder)) return folder;
  const unfinished = join(kept, `unfinished-${name}-${process.pid}`);
  mkdirSync(unfinished, { recursive: true });
  try {
    await make(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Somebody else was faster.
    if (!existsSync(folder)) throw error;
  }
  removeOld();
  return folder;
}

function sumOf(sources: readonly string[]): string {
  const hash = createHash('sha256');
  const found = globSync(SOURCES, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const path of [...found.sort(), ...sources])
    hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

function removeOld(): void {
  for (const name of readdirSync(kept)) {
    const path = join(kept, name);
    // Another process may remove it at the same time.
    const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (changed < Date.now() - OLD_MS) rmSync(path, { recursive: true, force: true });
  }
}
