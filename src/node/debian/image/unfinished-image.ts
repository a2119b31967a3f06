import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type FileLock, LOCK_ENDING, lockFile } from '../../drives/lock-file.ts';

/** The ending of the folder, behind the image's name. */
const ENDING = '.unfinished';
const STATE = 'state.json';
const KEPT = /^after-(\d+)\.qcow2$/;

/** The folder's notes: which image it is. */
interface State {
  readonly format: 1;
  readonly key: string;
  readonly uuid: string;
}

/**
 * An image that is being made, in a folder beside it: its disc of packages, the disk in its present state, and a copy
 * of the disk as it was behind the last stage that is whole. The copy appears under its name when it is complete and on
 * the host's disk, and nobody writes to it, so that the work can go on from there however it ended.
 */
export class UnfinishedImage {
  /** Of the image's file system: the same one in all calls that make it. */
  readonly uuid: string;
  /** Stages whose result is kept. */
  readonly done: number;
  readonly #file: string;
  readonly #folder: string;
  readonly #lock: FileLock;

  private constructor(file: string, { uuid }: State, done: number, lock: FileLock) {
    this.uuid = uuid;
    this.done = done;
    this.#file = file;
    this.#folder = file + ENDING;
    this.#lock = lock;
  }

  /**
   * Finds the work on an image that an earlier call began, if it was the same image, or begins anew.
   *
   * @param file - absolute
   * @param inputs - all that decides on the image's contents
   * @throws InputError while another process makes it
   */
  static async open(file: string, inputs: readonly (string | Uint8Array)[]): Promise<UnfinishedImage> {
    const folder = file + ENDING;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = lockFile(`The image ${file}`, folder);
    try {
      const key = keyOf(inputs);
      const state = await readState(folder);
      if (state?.key === key) return new UnfinishedImage(file, state, await lastKept(folder), lock);
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
      const begun: State = { format: 1, key, uuid: crypto.randomUUID() };
      await writeFile(join(folder, `${STATE}.new`), `${JSON.stringify(begun)}\n`, { mode: 0o600 });
      await rename(join(folder, `${STATE}.new`), join(folder, STATE));
      return new UnfinishedImage(file, begun, 0, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Where the disc with the packages is, or will be. */
  get disc(): string {
    return join(this.#folder, 'packages.iso');
  }

  /** The disk in its present state. */
  get disk(): string {
    return join(this.#folder, 'disk.qcow2');
  }

  get folder(): string {
    return this.#folder;
  }

  /** Brings the disk back to its state behind the last stage that is whole; without one there is none. */
  async rewind(): Promise<void> {
    await rm(this.disk, { force: true });
    if (this.done > 0) await copyFile(this.#kept(this.done), this.disk, constants.COPYFILE_FICLONE);
  }

  /**
   * Keeps the disk as it is, behind a stage, in place of the one kept before.
   *
   * @throws the error of the file system: nothing is kept then but what was
   */
  async keep(stage: number): Promise<void> {
    const draft = join(this.#folder, 'copy.qcow2');
    try {
      await copyFile(this.disk, draft, constants.COPYFILE_FICLONE);
      await sync(draft);
      await rename(draft, this.#kept(stage));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    for (const name of await readdir(this.#folder))
      if (KEPT.test(name) && name !== basename(this.#kept(stage))) await rm(join(this.#folder, name));
  }

  /** Gives the disk, which is complete, its name, and removes all else. */
  async finish(): Promise<void> {
    await sync(this.disk);
    await rename(this.disk, this.#file);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Lets others go on with it. */
  close(): void {
    this.#lock.release();
  }

  #kept(stage: number): string {
    return join(this.#folder, `after-${stage}.qcow2`);
  }
}

/** Removes what a process left of an image that it completed, and was killed then. */
export async function removeLeftovers(file: string): Promise<void> {
  await rm(file + ENDING, { recursive: true, force: true });
  await rm(file + ENDING + LOCK_ENDING, { force: true });
}

function keyOf(inputs: readonly (string | Uint8Array)[]): string {
  // Of each its own digest, so that no two lists are alike when they are joined.
  return hash('sha256', inputs.map((each) => hash('sha256', each)).join(' '));
}

async function readState(folder: string): Promise<State | undefined> {
  try {
    const value = JSON.parse(await readFile(join(folder, STATE), 'utf8')) as Partial<State> | null;
    const { format, key, uuid } = value ?? {};
    if (format !== 1 || typeof key !== 'string' || typeof uuid !== 'string') return undefined;
    // It becomes a word of a script.
    return /^[0-9a-f-]{36}$/.test(uuid) ? { format, key, uuid } : undefined;
  } catch {
    return undefined;
  }
}

async function lastKept(folder: string): Promise<number> {
  const stages = (await readdir(folder)).map((name) => Number(KEPT.exec(name)?.[1] ?? 0));
  return Math.max(0, ...stages);
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}
