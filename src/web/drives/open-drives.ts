import type { VmDisk } from '../../api/boot-options.ts';
import type { DriveFacts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { createExchange } from '../../storage/exchange.ts';
import { FORMAT_BYTES, formatOf } from '../../storage/formats.ts';
import { GrowingImage } from '../../storage/growing-image.ts';
import { PART } from '../../storage/http/http-storage.ts';
import { connect, fetchPart, type RemoteFile } from '../../storage/http/range-source.ts';
import { ImageError } from '../../storage/qcow2/errors.ts';
import { readHeader } from '../../storage/qcow2/header.ts';
import { absoluteUrl } from '../fetch-file.ts';
import { lockDisk } from './disk-lock.ts';
import { isStored, STORED, storedName } from './disk-name.ts';
import { stampDrives } from './drive-stamps.ts';
import { DRIVE_FORMATS, type DriveFormat, type DriveLayer, type DriveStart } from './drive-start.ts';
import { findDisk } from './kept-disks.ts';
import { BLOCK } from './records/block-store.ts';

const SECTOR = 512;
/** Bytes of an image in which its header is. */
const HEADER_BYTES = 1 << 16;
/** For the guest (virtio 1.2, section 5.2.6.1). */
const SERIAL_BYTES = 20;

/** Services of the page for drives. */
export interface DriveServices {
  /** Starts a thread that fetches parts of a file for the one at the other end of the exchange. */
  fetchFor(exchange: SharedArrayBuffer, file: RemoteFile): void;
  /** Starts a thread that keeps a disk in records for the one at the other end of the exchange. */
  keepFor(exchange: SharedArrayBuffer, name: string, readOnly: boolean): void;
  /** Takes a function that gives up something that is held. */
  onClose(close: () => void): void;
}

/** Drives that are open until they are closed. */
export interface OpenDrives {
  readonly facts: readonly DriveFacts[];
  /** By which threads get at them. */
  readonly starts: readonly DriveStart[];
  /** Marks of their files that change with them, for the notes of a snapshot. */
  notes(): Promise<Readonly<Record<string, string>>>;
}

/**
 * Opens the disks of a machine.
 *
 * @throws InputError that names the one that cannot be used, the reason, and a remedy
 */
export async function openDrives(disks: readonly VmDisk[], services: DriveServices): Promise<OpenDrives> {
  const facts: DriveFacts[] = [];
  const starts: DriveStart[] = [];
  for (const disk of disks) {
    const { file, serial = serialOf(file) } = disk;
    const start = isStored(file) ? await openStored(disk, services) : await openRemote(disk, services);
    starts.push(start);
    facts.push({ name: file, bytes: start.bytes, readOnly: disk.readOnly === true, serial });
  }
  return { facts, starts, notes: () => stampDrives(starts) };
}

async function openStored(disk: VmDisk, services: DriveServices): Promise<DriveStart> {
  const { file, readOnly = false, snapshot: forgets = false } = disk;
  const name = storedName(file);
  if ((await findDisk(name)) === undefined)
    throw new InputError(
      `There is no disk ${STORED}${name} in this browser. Make an empty one: await disks.create('${name}', '4G').`,
    );
  const isRead = readOnly || forgets;
  services.onClose(await lockDisk(name, isRead));
  // Its last user may have changed it.
  const kept = await findDisk(name);
  if (kept === undefined) throw new InputError(`The disk ${STORED}${name} was removed meanwhile.`);
  const start = await kept.start(HEADER_BYTES);
  const format = formatFor(disk, start);
  const bytes = format === 'raw' ? kept.bytes : sizeOf(disk, start);
  const exchange = kept.keeper.kind === 'records' ? createExchange(BLOCK) : undefined;
  if (exchange !== undefined) services.keepFor(exchange, name, isRead);
  const layer: DriveLayer = {
    ...{ kind: 'stored', name, format, probed: disk.format === undefined },
    ...{ readOnly: isRead, exchange },
  };
  return { file, layer, forgets, bytes: wholeSectors(disk, bytes) };
}

async function openRemote(disk: VmDisk, services: DriveServices): Promise<DriveStart> {
  const { file, readOnly = false } = disk;
  try {
    const remote = await connect(absoluteUrl(file).href);
    const start = new Uint8Array(Math.min(HEADER_BYTES, remote.size));
    await fetchPart(remote, 0, start);
    const format = formatFor(disk, start);
    const bytes = format === 'raw' ? remote.size : sizeOf(disk, start);
    const exchange = createExchange(PART);
    services.fetchFor(exchange, remote);
    const layer = { kind: 'remote', file: remote, format, exchange } as const;
    return { file, layer, forgets: !readOnly, bytes: wholeSectors(disk, bytes) };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `The disk ${file} cannot be used: ${error instanceof TypeError ? NO_ANSWER : (error as Error).message}. A page keeps disks ` +
        `of its own by names such as ${STORED}home.`,
    );
  }
}

const NO_ANSWER =
  'its server does not answer, or lets no page of another origin read it in parts (CORS, with Access-Control-Expose-Headers: ' +
  'Content-Range, ETag)';

function formatFor({ file, format }: VmDisk, start: Uint8Array): DriveFormat {
  if (format !== undefined) {
    if (DRIVE_FORMATS.includes(format)) return format;
    throw new InputError(
      `The disk ${file}: there is no format "${format}"; give one of ${DRIVE_FORMATS.join(', ')}.`,
    );
  }
  const looks = formatOf(start.subarray(0, FORMAT_BYTES)) ?? 'raw';
  if (looks === 'raw' || looks === 'qcow2') return looks;
  throw new InputError(`The disk ${file} is in the format ${looks}, which hartvisor does not read.`);
}

/** Of the disk in an image, as a guest sees it. */
function sizeOf({ file }: VmDisk, start: Uint8Array<ArrayBuffer>): number {
  try {
    const { size, backing } = readHeader(new GrowingImage(start));
    if (backing === undefined) return Math.floor(size / SECTOR) * SECTOR;
    throw new ImageError(
      `lies over ${backing.name}, and a page has no other files. Convert it: qemu-img convert -O qcow2`,
    );
  } catch (error) {
    if (error instanceof ImageError) throw new InputError(`The disk ${file} ${error.message}.`);
    throw error;
  }
}

function wholeSectors({ file }: VmDisk, bytes: number): number {
  if (bytes > 0 && bytes % SECTOR === 0) return bytes;
  throw new InputError(
    `The disk ${file} has ${bytes} bytes, which are not whole sectors of ${SECTOR} bytes.`,
  );
}

function serialOf(file: string): string {
  const name =
    file
      .replace(/[?#].*$/, '')
      .split(/[/:]/)
      .at(-1) ?? '';
  let serial = name;
  while (new TextEncoder().encode(serial).length > SERIAL_BYTES) serial = serial.slice(0, -1);
  return serial;
}
