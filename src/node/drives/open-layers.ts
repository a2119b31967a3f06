import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import { FORMAT_BYTES, formatOf } from '../../storage/formats.ts';
import { ImageError } from '../../storage/qcow2/errors.ts';
import { type BackingName, readHeader } from '../../storage/qcow2/header.ts';
import { FileImage } from './file-image.ts';
import { DRIVE_FORMATS, type DriveFormat } from './formats.ts';
import type { Layer } from './layers.ts';

/** Offsets in files are exact below. */
const LARGEST = 2 ** 53 - 512;
/** Images that lie over each other. */
const MOST_LAYERS = 32;

/** A file that is to be opened as a disk. */
export interface LayerOptions {
  readonly file: string;
  readonly readOnly: boolean;
  /** Undefined: that of the file's first bytes. */
  readonly format: DriveFormat | undefined;
}

/** The layers that are open so far. */
interface Chain {
  /** The names of the files above, for messages. */
  readonly above: readonly string[];
  /** Device and inode of each. */
  readonly seen: ReadonlySet<string>;
}

/**
 * Opens a file that holds a disk, and those that it lies over, each of which is named in the one above.
 *
 * @param onOpen is given each descriptor
 * @throws InputError that names the file that cannot be used, the reason, and a remedy
 */
export function openLayers(options: LayerOptions, onOpen: (descriptor: number) => void): Layer {
  return openLayer(options, onOpen, { above: [], seen: new Set() });
}

function openLayer(
  { file, readOnly, format: given }: LayerOptions,
  onOpen: (descriptor: number) => void,
  { above, seen }: Chain,
): Layer {
  const who = above.length === 0 ? `The drive ${file}` : `The file ${file}, over which ${above.at(-1)} lies,`;
  const descriptor = open(who, file, readOnly, above.length > 0);
  onOpen(descriptor);
  const { dev, ino, size } = checkedStatus(who, file, descriptor);
  const identity = `${dev}:${ino}`;
  if (seen.has(identity))
    throw new InputError(
      `${who} lies over itself: ${[...above, file].join(' over ')}. There is no such disk.`,
    );
  if (above.length === MOST_LAYERS)
    throw new InputError(
      `The drive ${above[0]} lies over more than ${MOST_LAYERS} files, which is too deep.`,
    );
  const format = given ?? probe(who, file, descriptor);
  const common = {
    ...{ file, source: descriptor, format, probed: given === undefined, readOnly },
    bytes: size,
  };
  const name = format === 'qcow2' ? backingOf(who, descriptor) : undefined;
  if (name === undefined) return { ...common, backing: undefined };
  const chain = { above: [...above, file], seen: new Set([...seen, identity]) };
  const below = { file: backingPath(who, file, name), readOnly: true, format: backingFormat(who, name) };
  return { ...common, backing: openLayer(below, onOpen, chain) };
}

/** @param inner the file is named in another one, which a guest or somebody else may have written */
function open(who: string, file: string, readOnly: boolean, inner: boolean): number {
  try {
    // Nobody may be at the other end of a pipe.
    const { O_RDONLY, O_RDWR, O_NONBLOCK = 0 } = constants;
    return openSync(file, (readOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT')
      throw new InputError(
        inner
          ? `${who} does not exist. \`qemu-img rebase\` gives an image another one to lie over.`
          : `${who} does not exist. \`truncate -s 4G ${file}\` makes an empty one.`,
      );
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new InputError(
        `${who} cannot be ${readOnly ? 'read' : 'written'}. ` +
          (inner ? 'It has to be readable.' : 'With snapshot=on or readonly=on it only has to be readable.'),
      );
    if (code === 'EISDIR') throw new InputError(`${who} is a folder. Give a file.`);
    throw new InputError(`${who} cannot be opened: ${(error as Error).message}.`);
  }
}

function checkedStatus(who: string, file: string, descriptor: number) {
  const status = fstatSync(descriptor);
  if (!status.isFile())
    throw new InputError(`${who} is no regular file. Copy it into one with dd, and give that.`);
  if (status.size === 0) throw new InputError(`${who} is empty. Give it a size: truncate -s 4G ${file}`);
  if (status.size > LARGEST) throw new InputError(`${who} is larger than ${LARGEST} bytes.`);
  return status;
}

function probe(who: string, file: string, descriptor: number): DriveFormat {
  const start = new Uint8Array(FORMAT_BYTES);
  readSync(descriptor, start, 0, start.length, 0);
  const format = formatOf(start);
  if (format === undefined || format === 'qcow2') return format ?? 'raw';
  throw new InputError(
    `${who} is in the format ${format}, which hartvisor does not read. ` +
      `Convert it: qemu-img convert -O qcow2 ${file} ${file}.qcow2`,
  );
}

function backingOf(who: string, descriptor: number): BackingName | undefined {
  try {
    return readHeader(new FileImage(descriptor)).backing;
  } catch (error) {
    throw imageMistake(who, error);
  }
}

/** A mistake of an image, as one of its giver. */
export function imageMistake(who: string, error: unknown): unknown {
  return error instanceof ImageError ? new InputError(`${who} ${error.message}.`) : error;
}

/** Files alone: an image that somebody made may not have hartvisor reach into a network. */
function backingPath(who: string, file: string, { name }: BackingName): string {
  if (/^[\w+.-]+:/.test(name))
    throw new InputError(`${who} lies over ${name}, which is no file. \`qemu-img rebase\` can change that.`);
  return isAbsolute(name) ? name : join(dirname(file), name);
}

function backingFormat(who: string, { name, format }: BackingName): DriveFormat | undefined {
  const known = DRIVE_FORMATS.find((each) => each === format);
  if (format !== undefined && known === undefined)
    throw new InputError(
      `${who} lies over ${name} in the format ${format}; ${DRIVE_FORMATS.join(' and ')} are possible.`,
    );
  return known;
}

/** Closes all that was opened. */
export function closeAll(descriptors: number[]): void {
  for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
}
