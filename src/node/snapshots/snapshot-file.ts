import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import type { SnapshotCodec } from '../../machine/snapshot/codec.ts';
import type { HostFacts } from '../../machine/snapshot/facts.ts';
import { Snapshot } from '../../machine/snapshot/read.ts';
import type { SavedMachine } from '../../machine/snapshot/saved-machine.ts';
import { type SnapshotSize, writeSnapshot } from '../../machine/snapshot/write.ts';
import { packageVersion } from '../package-version.ts';
import { deflateCodec } from './deflate-codec.ts';
import { zstdCodec } from './zstd-codec.ts';

/** Bytes that are read at a time. */
const PIECE = 1 << 20;

/**
 * Writes a paused machine to a file, which is there as a whole or not at all: a file under that name before, or at the
 * end of a link of that name, stays until then.
 *
 * @param codec deflate for one that pages restore
 * @throws InputError when it cannot be written
 */
export async function saveSnapshot(
  path: string,
  saved: SavedMachine,
  notes: HostFacts['notes'] = {},
  codec: SnapshotCodec = zstdCodec,
): Promise<SnapshotSize> {
  try {
    const place = await placeOf(path);
    const temporary = join(dirname(place), `.${basename(place)}.${randomBytes(6).toString('hex')}`);
    // RAM has secrets of the guest: the file is its owner's alone.
    const file = await open(temporary, 'wx', 0o600);
    try {
      const size = await writeSnapshot(saved, { version: packageVersion(), notes }, sinkTo(file), codec);
      await file.close();
      await rename(temporary, place);
      return size;
    } catch (error) {
      await file.close();
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`The snapshot cannot be written to ${path}: ${(error as Error).message}.`);
  }
}

/**
 * The file that a snapshot takes the place of, or is to be.
 *
 * @throws InputError where something else is there, of which a file would take the place: a device, or a pipe
 */
async function placeOf(path: string): Promise<string> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) return path;
  if (there.isFile()) return realpath(path);
  throw new InputError(
    `The snapshot cannot be written to ${path}: it is no file. Give the name of a new one, or of one to replace.`,
  );
}

/**
 * Opens a snapshot of a file.
 *
 * @throws InputError when it cannot be read, or is none
 */
export async function openSnapshot(path: string): Promise<Snapshot> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw new InputError(`The snapshot ${path} cannot be read: ${(error as Error).message}.`);
  }
  return Snapshot.open(piecesOf(file, path), {
    name: `The snapshot ${path}`,
    codec: zstdCodec,
    others: [deflateCodec],
    version: packageVersion(),
  });
}

/** Opens a snapshot in memory. @throws InputError when it is none */
export function snapshotOf(pieces: Iterable<Uint8Array>): Promise<Snapshot> {
  return Snapshot.open(pieces, {
    name: 'The image',
    codec: zstdCodec,
    others: [deflateCodec],
    version: packageVersion(),
  });
}

function sinkTo(file: FileHandle) {
  return {
    write: async (bytes: Uint8Array) => {
      await file.writeFile(bytes);
    },
  };
}

async function* piecesOf(file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const piece = new Uint8Array(PIECE);
      const { bytesRead } = await file.read(piece, 0, PIECE);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } catch (error) {
    throw new InputError(`The snapshot ${path} cannot be read: ${(error as Error).message}.`);
  } finally {
    await file.close();
  }
}
