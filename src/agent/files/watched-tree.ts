import { AgentError } from '../agent-error.ts';
import { type FileEvent, kindOf } from './file-event.ts';
import type { FolderEntry } from './file-info.ts';
import { IN, type Inotify, type RawEvent } from './inotify.ts';

/** Gives the content of a folder of the guest. */
export type ListFolder = (path: string) => Promise<readonly FolderEntry[]>;

/** Folders that are watched at most, and below each other: a guest may have no end of them. */
const MOST_FOLDERS = 8192;
const DEEPEST = 64;

/** The surroundings of a tree. */
interface TreeParts {
  readonly inotify: Pick<Inotify, 'add'>;
  readonly list: ListFolder;
  tell(event: FileEvent): void;
  /** Nothing more is told. */
  fail(error: unknown): void;
}

/**
 * A folder that is watched with all below it. Linux watches single folders, so that each one that comes is added, and
 * entries put into it before are looked for then. Events are taken one after the other.
 */
export class WatchedTree {
  readonly #top: string;
  readonly #parts: TreeParts;
  /** Paths from the top on by the numbers of their watches. */
  readonly #folders = new Map<number, string>();
  readonly #waiting: RawEvent[] = [];
  #isBusy = true;
  #hasBegun = false;

  constructor(top: string, parts: TreeParts) {
    this.#top = top;
    this.#parts = parts;
  }

  /**
   * Adds all folders that there are.
   *
   * @param watch the number of the top
   * @throws AgentError if there are too many
   */
  async begin(watch: number): Promise<void> {
    this.#folders.set(watch, '');
    await this.#addBelow('', 0);
    // Changes since then are seen, and not told.
    await this.#takeAll();
    this.#hasBegun = true;
  }

  /** Takes an event. */
  take(event: RawEvent): void {
    this.#waiting.push(event);
    if (!this.#isBusy) void this.#takeAll().catch((error: unknown) => this.#parts.fail(error));
  }

  async #takeAll(): Promise<void> {
    this.#isBusy = true;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
      await this.#takeOne(event);
    this.#isBusy = false;
  }

  async #takeOne(event: RawEvent): Promise<void> {
    const { watch, mask, name } = event;
    const kind = kindOf(event);
    if (kind === 'lost') {
      this.#tell({ kind, name: '' });
      return;
    }
    const folder = this.#folders.get(watch);
    if (folder === undefined) return;
    if ((mask & IN.ignored) !== 0) this.#folders.delete(watch);
    // The folder above tells of one that goes itself.
    if (kind === undefined || (name === '' && folder !== '')) return;
    const path = below(folder, name);
    this.#tell({ kind, name: path });
    if ((mask & IN.folder) === 0) return;
    if (kind === 'created') await this.#add(path, path.split('/').length);
    else if ((mask & IN.movedFrom) !== 0) this.#forget(path);
  }

  /** A folder that has come, with its content. */
  async #add(path: string, depth: number): Promise<void> {
    if (depth > DEEPEST)
      throw new AgentError('ELOOP', `${this.#top}: there are more than ${DEEPEST} folders below each other.`);
    const watch = await this.#parts.inotify.add(`${this.#top}/${path}`);
    // It is gone again.
    if (watch === 0) return;
    this.#folders.set(watch, path);
    if (this.#folders.size > MOST_FOLDERS)
      throw new AgentError(
        'ENOSPC',
        `${this.#top}: there are more than ${MOST_FOLDERS} folders to be watched.`,
      );
    await this.#addBelow(path, depth);
  }

  async #addBelow(path: string, depth: number): Promise<void> {
    for (const { name, kind } of await this.#list(path)) {
      const inner = below(path, name);
      this.#tell({ kind: 'created', name: inner });
      if (kind === 'folder') await this.#add(inner, depth + 1);
    }
  }

  async #list(path: string): Promise<readonly FolderEntry[]> {
    try {
      return await this.#parts.list(path === '' ? this.#top : `${this.#top}/${path}`);
    } catch (error) {
      const isGone = error instanceof AgentError && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
      if (isGone && path !== '') return [];
      throw error;
    }
  }

  /** It is elsewhere now: events there are told no more. */
  #forget(path: string): void {
    for (const [watch, folder] of this.#folders)
      if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(watch);
  }

  #tell(event: FileEvent): void {
    if (this.#hasBegun) this.#parts.tell(event);
  }
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
