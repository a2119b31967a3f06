import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own directory: two above this module's, both in the sources (src/node) and as built (dist/node). */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Path of a file that comes with the package. */
export function packageFile(path: string): string {
  return join(root, path);
}
