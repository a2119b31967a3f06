import { parseMemory } from '../../api/quantities.ts';
import { checkArgument, either, NUMBER, type Rule, TEXT } from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { GrowingImage } from '../../storage/growing-image.ts';
import { createQcow2 } from '../../storage/qcow2/create.ts';
import type { KeptDisk, StoredDisk } from './disk-keeper.ts';
import { lockDisk } from './disk-lock.ts';
import { STORED, storedName } from './disk-name.ts';
import { findDisk, listDisks, newDiskKeeper } from './kept-disks.ts';
import { reasonOf } from './reason.ts';

/** A disk has so much room at most: more than any browser gives. */
const LARGEST = 2 ** 40;

const SIZE = either(NUMBER, TEXT);
const CONTENT: Rule = { wanted: 'a Blob, such as a File', fits: (value) => value instanceof Blob };

/**
 * The disks that this browser keeps for the origin of the page: in its private file system or, where a browser has
 * none, in its IndexedDB. They stay over reloads, and until a person clears the site's data.
 * `navigator.storage.persist()` asks the browser not to clear them on its own.
 */
export const disks = {
  /**
   * Makes an empty disk, which takes room as it is written to.
   *
   * @param size bytes that a guest sees, or a text such as `'4G'`
   * @throws InputError when there is one of that name already, or no room
   */
  async create(name: string, size: number | string): Promise<void> {
    checkArgument('name', name, TEXT);
    checkArgument('size', size, SIZE);
    const bytes = typeof size === 'number' ? size : parseMemory(size, 'size:', LARGEST);
    if (!(Number.isSafeInteger(bytes) && bytes >= 512 && bytes <= LARGEST))
      throw new InputError(
        `size: ${bytes} is not possible: give a whole number of bytes, 512 to ${LARGEST}.`,
      );
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
    checkArgument('name', name, TEXT);
    checkArgument('disk', disk, CONTENT);
    if (disk.size === 0) throw new InputError(`The file for the disk ${STORED}${name} is empty.`);
    await write(name, disk);
  },

  /**
   * The file of a disk, to be offered as a download. No machine uses it meanwhile.
   *
   * @throws InputError if there is none
   */
  async export(name: string): Promise<File> {
    checkArgument('name', name, TEXT);
    const release = await lockDisk(storedName(name), true);
    try {
      const { content, changed } = await found(name);
      return new File([await content()], name, { lastModified: changed });
    } finally {
      release();
    }
  },

  async list(): Promise<readonly StoredDisk[]> {
    const all = await listDisks();
    return all.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  },

  /** @throws InputError if there is none, or a machine uses it */
  async remove(name: string): Promise<void> {
    checkArgument('name', name, TEXT);
    const { keeper } = await found(name);
    const release = await lockDisk(storedName(name), false);
    try {
      await keeper.remove(storedName(name));
    } finally {
      release();
    }
  },
};

async function found(name: string): Promise<KeptDisk> {
  const disk = await findDisk(storedName(name));
  if (disk !== undefined) return disk;
  throw new InputError(`There is no disk ${STORED}${name} in this browser.`);
}

async function write(given: string, content: Blob): Promise<void> {
  const name = storedName(given);
  const release = await lockDisk(name, false);
  try {
    if ((await findDisk(name)) !== undefined)
      throw new InputError(
        `There is a disk ${STORED}${name} in this browser already. Remove it, or give another name.`,
      );
    const keeper = await newDiskKeeper();
    try {
      await keeper.write(name, content);
    } catch (error) {
      throw new InputError(`The disk ${STORED}${name} cannot be written: ${reasonOf(error)}.`);
    }
  } finally {
    release();
  }
}
