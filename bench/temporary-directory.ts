import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory that goes with its scope, or with this process when that is interrupted. */
export function temporaryDirectory(purpose: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), `hartvisor-${purpose}-`));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.on('exit', remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}
