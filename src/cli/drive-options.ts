import type { VirtioTransportName } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { MOST_DRIVES } from '../machine/parts.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import { DRIVE_FORMATS } from '../node/drives/formats.ts';
import { SERIAL_BYTES, serialOf } from '../node/drives/serial-of.ts';
import { keyAndValue, wordsOf } from './word-list.ts';

/** The options that name drives, as they were typed. */
export interface DriveWords {
  /** Files. */
  readonly disk?: readonly string[] | undefined;
  /** QEMU's lists, as `file=disk.img,snapshot=on`. */
  readonly drive?: readonly string[] | undefined;
}

const KEYS = ['file', 'format', 'if', 'readonly', 'snapshot', 'serial', 'id'] as const;
type Key = (typeof KEYS)[number];

/**
 * Reads `--disk` and `--drive`, the disks first.
 *
 * @param own - drives that come before those that the person names
 * @throws InputError that names the wrong word, and the possible ones
 */
export function readDrives(
  { disk = [], drive = [] }: DriveWords,
  virtio: VirtioTransportName = 'pci',
  own: readonly DriveOptions[] = [],
): readonly DriveOptions[] {
  const drives = [
    ...own,
    ...disk.map((file) => ({ file, readOnly: false, snapshot: false, serial: serialOf(file) })),
    ...drive.map(readDrive),
  ];
  const most = MOST_DRIVES[virtio];
  if (drives.length > most)
    throw new InputError(
      `There are ${drives.length} drives; a machine has ${most} at most with --virtio ${virtio}.`,
    );
  const files = new Map<string, DriveOptions>();
  for (const each of drives) {
    const other = files.get(each.file);
    if (other !== undefined && !(isLeftAlone(each) && isLeftAlone(other)))
      throw new InputError(
        `The drive ${each.file} is given twice: the guest would write to it in two ways. ` +
          'Give both readonly=on or snapshot=on.',
      );
    files.set(each.file, each);
  }
  return drives;
}

function isLeftAlone({ readOnly, snapshot }: DriveOptions): boolean {
  return readOnly || snapshot;
}

function readDrive(text: string): DriveOptions {
  const values = new Map<Key, string>();
  for (const word of wordsOf(text)) {
    const [name, value] = keyAndValue(word);
    const key = KEYS.find((known) => known === name);
    if (key === undefined || value === undefined)
      throw new InputError(
        `--drive ${text}: "${word}" is none of ${KEYS.map((each) => `${each}=`).join(', ')}.`,
      );
    values.set(key, value);
  }
  const file = values.get('file');
  if (file === undefined || file === '')
    throw new InputError(`--drive ${text}: there is no file. Name one, as --drive file=disk.img`);
  only(text, 'if', values.get('if'), ['virtio', 'none']);
  const serial = values.get('serial') ?? serialOf(file);
  if (Buffer.byteLength(serial) > SERIAL_BYTES)
    throw new InputError(`--drive ${text}: the serial number has more than ${SERIAL_BYTES} bytes.`);
  return {
    ...{ file, serial, format: only(text, 'format', values.get('format'), DRIVE_FORMATS) },
    readOnly: isOn(text, 'readonly', values.get('readonly')),
    snapshot: isOn(text, 'snapshot', values.get('snapshot')),
  };
}

function only<Word extends string>(
  text: string,
  key: Key,
  value: string | undefined,
  possible: readonly Word[],
): Word | undefined {
  const known = possible.find((word) => word === value);
  if (value === undefined || known !== undefined) return known;
  throw new InputError(
    `--drive ${text}: ${key}=${value} is not possible; hartvisor has ${possible.join(', ')}.`,
  );
}

function isOn(text: string, key: Key, value = 'off'): boolean {
  if (value === 'on' || value === 'off') return value === 'on';
  throw new InputError(`--drive ${text}: ${key} is on or off, not "${value}".`);
}
