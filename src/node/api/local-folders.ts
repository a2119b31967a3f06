import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { decodeName, encodeName } from '../../agent/byte-text.ts';
import type { LocalFolders, TreeEntry } from '../../agent/files/tree.ts';
import { InputError } from '../../errors/input-error.ts';

/** The host's folders, for copies of trees between them and a guest. */
export const localFolders: LocalFolders = {
  entries: (folder) => entriesOf(folder, ''),
  put: (folder, entry) => explained(`${folder}/${entry.path} cannot be written`, () => put(folder, entry)),
};

/** The place of a name below a folder, in bytes: names of Linux need not be UTF-8. */
function placeOf(folder: string, path: string): Buffer {
  return Buffer.from(encodeName(join(folder, path)));
}

async function* entriesOf(top: string, below: string): AsyncGenerator<TreeEntry> {
  const found = await explained(`The folder ${join(top, below)} cannot be read`, () =>
    readdir(placeOf(top, below), { withFileTypes: true, encoding: 'buffer' }),
  );
  for (const each of found.sort((one, other) => Buffer.compare(one.name, other.name))) {
    const kind = each.isFile()
      ? 'file'
      : each.isDirectory()
        ? 'folder'
        : each.isSymbolicLink()
          ? 'link'
          : undefined;
    if (kind === undefined) continue;
    const name = decodeName(each.name);
    const path = below === '' ? name : `${below}/${name}`;
    const place = placeOf(top, path);
    yield await explained(`${join(top, path)} cannot be read`, async () => ({
      ...{ path, kind, mode: (await lstat(place)).mode & 0o7777 },
      target: kind === 'link' ? decodeName(await readlink(place, { encoding: 'buffer' })) : undefined,
      open: async () => Readable.toWeb(createReadStream(place)) as ReadableStream<Uint8Array>,
    }));
    if (kind === 'folder') yield* entriesOf(top, path);
  }
}

/** No link is followed below the folder: a guest may have made it. */
async function put(folder: string, { path, kind, mode, target, open: contents }: TreeEntry): Promise<void> {
  const names = path.split('/');
  // A backslash is a letter where it does not part names, as in units of systemd.
  const parts = sep === '/' ? /\0/ : /[\0\\]/;
  if (names.some((name) => name === '' || name === '.' || name === '..' || parts.test(name)))
    throw new InputError(`"${path}" is no path below a folder.`);
  await mkdir(folder, { recursive: true });
  for (let depth = 1; depth < names.length; depth++)
    await makeFolder(placeOf(folder, names.slice(0, depth).join('/')));
  const place = placeOf(folder, path);
  if (kind === 'folder') {
    await makeFolder(place);
    return;
  }
  if (kind === 'file') {
    const beside = [...names.slice(0, -1), `.hartvisor-${randomBytes(8).toString('hex')}`].join('/');
    await putFile(place, placeOf(folder, beside), mode & 0o777, await contents());
    return;
  }
  await rm(place, { force: true });
  await symlink(Buffer.from(encodeName(target ?? '')), place);
}

async function makeFolder(place: Buffer): Promise<void> {
  await mkdir(place).catch(async (error: unknown) => {
    const status = await lstat(place).catch(() => undefined);
    if (status?.isDirectory() !== true) throw error;
  });
}

/** A file takes the place of another one, or of a link, when it is whole. @param beside where it is made */
async function putFile(
  place: Buffer,
  beside: Buffer,
  mode: number,
  contents: Awaited<ReturnType<TreeEntry['open']>>,
): Promise<void> {
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
