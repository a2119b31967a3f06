import { InputError } from '../../errors/input-error.ts';

/** Before the name of a disk that the browser keeps. */
export const STORED = 'opfs:';
/** The folder of the origin's private file system that has the disks. */
const FOLDER = 'hartvisor-disks';

/** Whether a drive's file is one that the browser keeps. */
export function isStored(file: string): boolean {
  return file.startsWith(STORED);
}

/**
 * The name of a disk without what is before it.
 *
 * @throws InputError for what is no name
 */
export function storedName(file: string): string {
  const name = isStored(file) ? file.slice(STORED.length) : file;
  if (/^[\w][\w .-]{0,99}$/.test(name)) return name;
  throw new InputError(
    `disk: "${name}" is no name for a disk. Give up to 100 letters, digits, dots, dashes and spaces, such as ${STORED}home.`,
  );
}

/** The folder of all disks of this origin. @throws InputError where the browser keeps no files */
export async function storedFolder(): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch (error) {
    throw new InputError(
      `This browser keeps no disks for this page (${reasonOf(error)}). In a private window some never do; a disk of a ` +
        'server works everywhere.',
    );
  }
}

/** @returns undefined where there is no disk of that name */
export async function storedFile(name: string): Promise<FileSystemFileHandle | undefined> {
  const folder = await storedFolder();
  return folder.getFileHandle(name).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw new InputError(`The disk ${STORED}${name} cannot be opened: ${reasonOf(error)}.`);
  });
}

/** What the browser says of an error; in words where it says that there is no room. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'QuotaExceededError')
    return 'the browser has no more room for this page';
  return error instanceof Error ? error.message : String(error);
}
