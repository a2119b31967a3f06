import { InputError } from '../../../errors/input-error.ts';
import { type DiskKeeper, type KeptDisk, type StoredDisk, Unavailable } from '../disk-keeper.ts';
import { STORED } from '../disk-name.ts';
import { reasonOf } from '../reason.ts';

/** The folder of the origin's private file system that has the disks. */
const FOLDER = 'hartvisor-disks';

/** Disks as files of the origin's private file system. */
export const fileKeeper: DiskKeeper = {
  kind: 'file',
  async check(): Promise<void> {
    await folderOfDisks();
  },

  async find(name: string): Promise<KeptDisk | undefined> {
    const handle = await diskFile(name);
    if (handle === undefined) return undefined;
    const file = await handle.getFile();
    return {
      ...{ keeper: fileKeeper, name, bytes: file.size, changed: file.lastModified },
      start: async (bytes) => new Uint8Array(await file.slice(0, bytes).arrayBuffer()),
      content: () => Promise.resolve(file),
    };
  },

  async list(): Promise<readonly StoredDisk[]> {
    const all: StoredDisk[] = [];
    for await (const [name, handle] of (await folderOfDisks()).entries()) {
      if (handle instanceof FileSystemFileHandle) all.push({ name, bytes: (await handle.getFile()).size });
    }
    return all;
  },

  async write(name: string, content: Blob): Promise<void> {
    const folder = await folderOfDisks();
    try {
      const handle = await folder.getFileHandle(name, { create: true });
      await content.stream().pipeTo(await handle.createWritable());
    } catch (error) {
      await folder.removeEntry(name).catch(() => undefined);
      throw error;
    }
  },

  async remove(name: string): Promise<void> {
    await (await folderOfDisks()).removeEntry(name);
  },
};

/** @returns undefined where there is no disk of that name */
export async function diskFile(name: string): Promise<FileSystemFileHandle | undefined> {
  const folder = await folderOfDisks();
  return folder.getFileHandle(name).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw new InputError(`The disk ${STORED}${name} cannot be opened: ${reasonOf(error)}.`);
  });
}

async function folderOfDisks(): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch (error) {
    throw new Unavailable(reasonOf(error));
  }
}
