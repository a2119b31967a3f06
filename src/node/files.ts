import { open, writeFile } from 'node:fs/promises';
import { InputError } from '../errors/input-error.ts';

/** Larger files are no kernels or initrds, and do not fit into the memory of a guest. */
const largestFile = 0x1_0000_0000;

/**
 * Reads a whole file that a person named.
 *
 * @param what - the file's role as a message begins with it: `The kernel`.
 * @param option - where the name came from: `--kernel`.
 * @throws InputError when it is missing, unreadable, neither a file nor a pipe, empty, or above 4 GiB.
 */
export async function readInputFile(
  path: string,
  what: string,
  option: string,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await open(path, 'r');
    try {
      const status = await file.stat();
      if (status.isDirectory())
        throw new InputError(`${what} ${path} is a directory. Give a file with ${option}.`);
      if (!status.isFile() && !status.isFIFO()) {
        throw new InputError(`${what} ${path} is a device or a socket. Give a file with ${option}.`);
      }
      if (status.size > largestFile) {
        throw new InputError(`${what} ${path} has ${status.size} bytes, more than a guest has memory.`);
      }
      const bytes = ownBytes(await file.readFile());
      if (bytes.length === 0)
        throw new InputError(`${what} ${path} is empty. Fetch, copy or build it again.`);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explained(error, `${what} ${path} cannot be read`);
  }
}

/** A buffer's bytes in memory that nothing else uses: a second copy of a kernel would stay until the collector comes. */
function ownBytes({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return byteLength === buffer.byteLength ? bytes : bytes.slice();
}

/**
 * Writes a file that a person asked for.
 *
 * @param what - its content as a message begins with it: `The device tree`.
 * @throws InputError when the directory is missing or cannot be written.
 */
export async function writeOutputFile(path: string, bytes: Uint8Array, what: string): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw explained(error, `${what} cannot be written to ${path}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'that is a directory',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'a symbolic link leads back to itself',
  ENOSPC: 'no space is left on the disk',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reports an error',
};

/** Puts a system error into words; other errors pass as they are. */
function explained(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  return new InputError(`${what}: ${reasons[error.code] ?? error.message}.`);
}
