import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriveFacts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import type { ThreadModule } from '../node-host.ts';
import type { OpenDrive } from './drive-thread.ts';

const SECTOR = 512;
/** Offsets in files are exact below. */
const LARGEST = 2 ** 53 - SECTOR;

/** A file that is to be a drive. */
export interface DriveOptions {
  readonly file: string;
  readonly readOnly: boolean;
  /** Changes go to a temporary file, and are gone with the machine. */
  readonly snapshot: boolean;
  /** Up to 20 bytes, for the guest. */
  readonly serial: string;
}

/** Drives that are open until the process ends or they are closed. */
export interface OpenDrives {
  readonly facts: readonly DriveFacts[];
  /** By which threads get at them. */
  readonly module: ThreadModule;
  close(): void;
}

/** How contents of other formats begin. */
const FORMATS: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: 'qcow2', magic: [0x51, 0x46, 0x49, 0xfb] },
  { name: 'VMDK', magic: [0x4b, 0x44, 0x4d, 0x56] },
  { name: 'VHDX', magic: [0x76, 0x68, 0x64, 0x78, 0x66, 0x69, 0x6c, 0x65] },
];

/**
 * Opens the files of drives.
 *
 * @throws InputError that says which file cannot be used, why, and what to do
 */
export function openDrives(options: readonly DriveOptions[]): OpenDrives {
  const descriptors: number[] = [];
  const close = () => {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  };
  try {
    const opened = options.map((drive) => {
      const descriptor = open(drive);
      descriptors.push(descriptor);
      const bytes = sizeOf(drive.file, descriptor);
      const changes = drive.snapshot ? temporary(bytes) : undefined;
      if (changes !== undefined) descriptors.push(changes);
      return { descriptor, changes, bytes } satisfies OpenDrive;
    });
    const facts = options.map(({ file, readOnly, serial }, index) => ({
      ...{ name: file, bytes: opened[index].bytes, readOnly, serial },
    }));
    const own = import.meta.url;
    // Beside this file in a checkout; in a package the bundler has both in one folder.
    const url = new URL(own.endsWith('.ts') ? './drive-thread.ts' : './drives/drive-thread.js', own).href;
    return { facts, module: { url, data: opened }, close };
  } catch (error) {
    close();
    throw error;
  }
}

function open({ file, readOnly, snapshot }: DriveOptions): number {
  try {
    return openSync(file, readOnly || snapshot ? 'r' : 'r+');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT')
      throw new InputError(
        `The drive ${file} does not exist. \`truncate -s 4G ${file}\` makes an empty one.`,
      );
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new InputError(
        `The drive ${file} cannot be ${readOnly || snapshot ? 'read' : 'written'}. ` +
          'With snapshot=on or readonly=on it only has to be readable.',
      );
    throw new InputError(`The drive ${file} cannot be opened: ${(error as Error).message}.`);
  }
}

function sizeOf(file: string, descriptor: number): number {
  const status = fstatSync(descriptor);
  if (!status.isFile())
    throw new InputError(`The drive ${file} is no regular file. Copy it into one with dd, and give that.`);
  const { size } = status;
  if (size === 0) throw new InputError(`The drive ${file} is empty. Give it a size: truncate -s 4G ${file}`);
  if (size > LARGEST) throw new InputError(`The drive ${file} is larger than ${LARGEST} bytes.`);
  const start = new Uint8Array(8);
  readSync(descriptor, start, 0, start.length, 0);
  const format = FORMATS.find(({ magic }) => magic.every((byte, index) => byte === start[index]));
  if (format !== undefined)
    throw new InputError(
      `The drive ${file} is in the format ${format.name}, which hartvisor does not read. ` +
        `Convert it: qemu-img convert -O raw ${file} ${file}.raw`,
    );
  if (size % SECTOR !== 0)
    throw new InputError(
      `The drive ${file} has ${size} bytes, which are not whole sectors of ${SECTOR} bytes. ` +
        `Make it longer: truncate -s ${Math.ceil(size / SECTOR) * SECTOR} ${file}`,
    );
  return size;
}

/** A file without a name, which takes room only for what is written. */
function temporary(bytes: number): number {
  const path = join(tmpdir(), `hartvisor-${process.pid}-${crypto.randomUUID()}`);
  try {
    const descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    ftruncateSync(descriptor, bytes);
    return descriptor;
  } catch (error) {
    throw new InputError(
      `No temporary file of ${bytes} bytes can be made in ${tmpdir()} for changes to a drive: ` +
        `${(error as Error).message}. TMPDIR names another folder.`,
    );
  }
}
