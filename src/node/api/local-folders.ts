import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { LocalFolders, TreeEntry } from '../../agent/files/tree.ts';
import { InputError } from '../../errors/input-error.ts';

/** The host's folders, for copies of trees between them and a guest. */
export const localFolders: LocalFolders = {
  entries: (folder) => entriesOf(folder, ''),
  put: (folder, entry) => explained(`${folder}/${entry.path} cannot be written`, () => put(folder, entry)),
};

async function* entriesOf(top: string, below: string): AsyncGenerator<TreeEntry> {
  const found = await explained(`The folder ${join(top, below)} cannot be read`, () =>
    readdir(join(top, below), { withFileTypes: true }),
  );
  for (const each of found.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const kind = each.isFile()
      ? 'file'
      : each.isDirectory()
        ? 'folder'
        : each.isSymbolicLink()
          ? 'link'
          : undefined;
    if (kind === undefined) continue;
    const path = below === '' ? each.name : `${below}/${each.name}`;
    const place = join(top, path);
    yield await explained(`${place} cannot be read`, async () => ({
      ...{ path, kind, mode: (await lstat(place)).mode & 0o7777 },
      target: kind === 'link' ? await readlink(place) : undefined,
      open: async () => Readable.toWeb(createReadStream(place)) as ReadableStream<Uint8Array>,
    }));
    if (kind === 'folder') yield* entriesOf(top, path);
  }
}

/** No link is followed below the folder: a guest may have made it. */
async function put(folder: string, { path, kind, mode, target, open: contents }: TreeEntry): Promise<void> {
  const names = path.split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..' || /[\0\\]/.test(name)))
    throw new InputError(`"${path}" is no path below a folder.`);
  await mkdir(folder, { recursive: true });
  for (let depth = 1; depth < names.length; depth++) await makeFolder(join(folder, ...names.slice(0, depth)));
  const place = join(folder, ...names);
  if (kind === 'folder') {
    await makeFolder(place);
    return;
  }
  if (kind === 'file') {
    await putFile(place, mode & 0o777, await contents());
    return;
  }
  await rm(place, { force: true });
  await symlink(target ?? '', place);
}

async function makeFolder(place: string): Promise<void> {
  await mkdir(place).catch(async (error: unknown) => {
    const status = await lstat(place).catch(() => undefined);
    if (status?.isDirectory() !== true) throw error;
  });
}

/** A file takes the place of another one, or of a link, when it is whole. */
async function putFile(
  place: string,
  mode: number,
  contents: Awaited<ReturnType<TreeEntry['open']>>,
): Promise<void> {
  const beside = join(dirname(place), `.hartvisor-${randomBytes(8).toString('hex')}`);
  const data = contents instanceof ReadableStream ? Readable.fromWeb(contents as never) : contents;
  try {
    await writeFile(beside, data, { flag: 'wx', mode });
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error;
    throw new InputError(`${what}: ${error.message}.`);
  }
}
