/** Shipped modules with a mistake in them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** A mistake: other text in the place of a piece that occurs once in a file. */
export interface Mistake {
  /** Path below `src/`. */
  readonly file: string;
  readonly piece: string;
  readonly by: string;
}

/** Copies of modules, for as long as a test file runs. */
export class ChangedSources {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hartvisor-changed-'));
  #copies = 0;

  /**
   * Imports copies of modules, which import each other, and all others from where they are.
   *
   * @param files paths below `src/`; what the first exports is returned
   */
  async import(files: readonly string[], { file, piece, by }: Mistake): Promise<unknown> {
    const room = join(this.#folder, String(this.#copies++));
    for (const each of files) {
      const text = readFileSync(join(source, each), 'utf8');
      if (each === file && text.split(piece).length !== 2) throw new Error(`${file} has not one: ${piece}`);
      const path = join(room, each);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, withImports(each, each === file ? text.replace(piece, by) : text, files));
    }
    return import(pathToFileURL(join(room, files[0])).href);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

function withImports(file: string, text: string, copied: readonly string[]): string {
  return text.replace(/(?<= from ')\.[^']+(?=';)/g, (specifier) => {
    const target = posix.join(posix.dirname(file), specifier);
    return copied.includes(target) ? specifier : pathToFileURL(join(source, target)).href;
  });
}
