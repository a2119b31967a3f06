import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { InputError } from '../errors/input-error.ts';

/** How much is read, in bytes. */
export interface ReadLimits {
  /** Of a file: larger ones are no kernels or initrds, and do not fit into the memory of a guest. */
  readonly file: number;
  /** Of a file that does not tell its size beforehand, such as a pipe: it may never end. */
  readonly stream: number;
  /** Is given the size of a file before it is read, and throws an InputError when that is too much. */
  readonly checkSize?: (bytes: number) => void;
}

/** For kernels and initrds. */
export const guestLimits: ReadLimits = { file: 2 ** 32, stream: 2 ** 30 };

/** Bytes that are read at a time; Node reads no 2 GiB in one go. */
const PIECE = 2 ** 26;
/** The same where nobody knows how much will come. */
const STREAM_PIECE = 2 ** 20;

/**
 * Reads a whole file that a person named.
 *
 * @param what - the file's role as a message begins with it: `The kernel`.
 * @param option - where the name came from: `--kernel`.
 * @throws InputError when it is missing, unreadable, neither a file nor a pipe, empty, above 4 GiB, or above 1 GiB in a
 * pipe.
 */
export async function readInputFile(
  path: string,
  what: string,
  option: string,
  { file: fileLimit, stream: streamLimit, checkSize }: ReadLimits = guestLimits,
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
      if (status.size > fileLimit) {
        throw new InputError(
          `${what} ${path} has ${status.size} bytes. Give at most ${inGiB(fileLimit)}: no guest has more memory.`,
        );
      }
      checkSize?.(status.size);
      const bytes = status.size > 0 ? await readFile(file, status.size) : await readStream(file, streamLimit);
      if (bytes === undefined) {
        throw new InputError(
          `${what} ${path} has not ended after ${inGiB(streamLimit)}, the most that a pipe may bring. Give it as a file.`,
        );
      }
      if (bytes.length === 0)
        throw new InputError(`${what} ${path} is empty. Fetch, copy or build it again.`);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explainedError(error, `${what} ${path} cannot be read`);
  }
}

/** Into memory of its own; less than `size` if the file has become shorter. */
async function readFile(file: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, Math.min(PIECE, size - length));
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length === size ? bytes : bytes.slice(0, length);
}

/** Until it ends. @returns undefined if it does not within the limit */
async function readStream(file: FileHandle, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  // One byte beyond the limit tells that there is more.
  while (length <= limit) {
    const piece = new Uint8Array(Math.min(STREAM_PIECE, limit + 1 - length));
    const { bytesRead } = await file.read(piece, 0, piece.length);
    if (bytesRead === 0) return joined(pieces, length);
    // A pipe gives little at a time: the rest that was not filled is not kept.
    pieces.push(bytesRead === piece.length ? piece : piece.slice(0, bytesRead));
    length += bytesRead;
  }
  return undefined;
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = allocate(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/** The engine has no room for that many bytes. */
class NoRoom extends Error {}

function allocate(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NoRoom(`the system has no room for its ${size} bytes`);
  }
}

function inGiB(bytes: number): string {
  return `${bytes / 2 ** 30} GiB`;
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
    throw explainedError(error, `${what} cannot be written to ${path}`);
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
  ENXIO: 'it is a socket, or a device that is not there',
  ENOMEM: 'the system has no memory for it',
};

/** Puts a system error into words; other errors pass as they are, and words that were found already. */
export function explainedError(error: unknown, what: string): unknown {
  if (error instanceof InputError) return error;
  if (error instanceof NoRoom) return new InputError(`${what}: ${error.message}.`);
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  return new InputError(`${what}: ${reasons[error.code] ?? error.message}.`);
}
