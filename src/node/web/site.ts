import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import { type ContentType, contentTypeOf } from './content-types.ts';

/** A file that a site gives. */
export interface SiteFile extends ContentType {
  /** On the host. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Changes with the content. */
  readonly tag: string;
  /** Its name changes with its content, so that nobody has to ask for it again. */
  readonly isLasting: boolean;
}

/** Vite names files by their content: `name-XXXXXXXX.js`. */
const LASTING = /-[\w-]{8}\.\w+$/;
const INDEX = 'index.html';

/**
 * The files of a site by the paths of their addresses. It is a closed list, made once: no path that somebody asks for
 * is ever made into one of the host, so that there is none that could lead out.
 */
export class Site {
  readonly #files = new Map<string, SiteFile>();

  /**
   * All files of a folder, with those below it. Links are left out: they may lead elsewhere.
   *
   * @throws InputError when it cannot be read
   */
  static ofFolder(folder: string): Site {
    const site = new Site();
    try {
      site.#addFolder('/', folder);
    } catch (error) {
      throw new InputError(`The folder ${folder} cannot be served: ${(error as Error).message}.`);
    }
    return site;
  }

  /** By hand: Node's own walk of a tree goes through links to folders. */
  #addFolder(path: string, folder: string): void {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = join(folder, entry.name);
      if (entry.isDirectory()) this.#addFolder(`${path}${entry.name}/`, file);
      else if (entry.isFile()) this.add(`${path}${entry.name}`, file);
    }
  }

  /** Adds a file of the host. @param path as of an address, decoded: `/guest/guest.json` */
  add(path: string, file: string): void {
    const { size, mtimeMs, ino } = lstatSync(file);
    const tag = `${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}-${ino.toString(36)}`;
    const entry = { file, size, tag, isLasting: LASTING.test(path), ...contentTypeOf(path) };
    this.#files.set(path, entry);
    if (path.endsWith(`/${INDEX}`)) this.#files.set(path.slice(0, -INDEX.length), entry);
  }

  /**
   * Looks for the file of a request.
   *
   * @param target as in the request, with escapes and a query
   */
  find(target: string): SiteFile | undefined {
    const [escaped] = target.split(/[?#]/, 1);
    try {
      return this.#files.get(decodeURIComponent(escaped));
    } catch {
      // Escapes that are none.
      return undefined;
    }
  }

  /** Paths of all files. */
  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }
}
