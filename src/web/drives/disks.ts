import { parseMemory } from '../../api/quantities.ts';
import { InputError } from '../../errors/input-error.ts';
import { GrowingImage } from '../../storage/growing-image.ts';
import { createQcow2 } from '../../storage/qcow2/create.ts';
import { lockDisk } from './disk-lock.ts';
import { reasonOf, STORED, storedFile, storedFolder, storedName } from './stored-files.ts';

/** A disk that the browser keeps. */
export interface StoredDisk {
  /** For `disk` of `boot`, with `opfs:` before it. */
  readonly name: string;
  /** Bytes that it takes here; what a guest sees can be more. */
  readonly bytes: number;
}

/** A disk has so much room at most: more than any browser gives. */
const LARGEST = 2 ** 40;

/**
 * The disks that this browser keeps for the origin of the page, in its private file system: they stay over reloads, and until a
 * person clears the site's data. `navigator.storage.persist()` asks the browser not to clear them on its own.
 */
export const disks = {
  /**
   * Makes an empty disk, which takes room as it is written to.
   *
   * @param size bytes that a guest sees, or a text such as `'4G'`
   * @throws InputError when there is one of that name already, or no room
   */
  async create(name: string, size: number | string): Promise<void> {
    const bytes = typeof size === 'number' ? size : parseMemory(size, 'size', LARGEST);
    if (!(Number.isSafeInteger(bytes) && bytes >= 512 && bytes <= LARGEST))
      throw new InputError(`size: ${size} bytes are not possible: give 512 to ${LARGEST}.`);
    const image = new GrowingImage();
    createQcow2(image, { size: bytes });
    await write(name, new Blob([image.bytes]));
  },

  /**
   * Keeps a copy of a disk: raw, or qcow2.
   *
   * @throws InputError when there is one of that name already, or no room
   */
  async import(name: string, disk: Blob): Promise<void> {
    if (disk.size === 0) throw new InputError(`The file for the disk ${STORED}${name} is empty.`);
    await write(name, disk);
  },

  /** The file of a disk, to be offered as a download. No machine uses it meanwhile. @throws InputError if there is none */
  async export(name: string): Promise<File> {
    const release = await lockDisk(storedName(name), true);
    try {
      return await (await found(name)).getFile();
    } finally {
      release();
    }
  },

  async list(): Promise<readonly StoredDisk[]> {
    const all: StoredDisk[] = [];
    for await (const [name, handle] of (await storedFolder()).entries()) {
      if (handle instanceof FileSystemFileHandle) all.push({ name, bytes: (await handle.getFile()).size });
    }
    return all.sort((one, other) => (one.name < other.name ? -1 : 1));
  },

  /** @throws InputError if there is none, or a machine uses it */
  async remove(name: string): Promise<void> {
    await found(name);
    const release = await lockDisk(storedName(name), false);
    try {
      await (await storedFolder()).removeEntry(storedName(name));
    } finally {
      release();
    }
  },
};

async function found(name: string): Promise<FileSystemFileHandle> {
  const handle = await storedFile(storedName(name));
  if (handle !== undefined) return handle;
  throw new InputError(`There is no disk ${STORED}${name} in this browser.`);
}

/** What could not be written whole is not kept. */
async function write(given: string, content: Blob): Promise<void> {
  const name = storedName(given);
  const release = await lockDisk(name, false);
  try {
    if ((await storedFile(name)) !== undefined)
      throw new InputError(
        `There is a disk ${STORED}${name} in this browser already. Remove it, or give another name.`,
      );
    const folder = await storedFolder();
    try {
      const handle = await folder.getFileHandle(name, { create: true });
      await content.stream().pipeTo(await handle.createWritable());
    } catch (error) {
      await folder.removeEntry(name).catch(() => undefined);
      throw new InputError(`The disk ${STORED}${name} cannot be written: ${reasonOf(error)}.`);
    }
  } finally {
    release();
  }
}
