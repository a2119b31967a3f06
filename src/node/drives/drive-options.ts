import {
  checkArgument,
  listOf,
  OBJECT,
  type OptionRules,
  optionsOf,
  SWITCH,
  TEXT,
  word,
} from '../../errors/arguments.ts';
import type { RemoteFile } from '../../storage/http/range-source.ts';
import type { DriveFormat } from './formats.ts';

/** A file that is to be a drive. */
export interface DriveOptions {
  readonly file: string;
  readonly readOnly: boolean;
  /** Changes go to a temporary file, and are gone with the machine. */
  readonly snapshot: boolean;
  /** Up to 20 bytes, for the guest. */
  readonly serial: string;
  /** The format of the file; found by its contents unless it is given. */
  readonly format?: DriveFormat | undefined;
  /** The file of a server, where `file` is a URL: `connectDrives` finds it. */
  readonly remote?: RemoteFile | undefined;
}

const DRIVE: OptionRules<DriveOptions> = {
  file: TEXT,
  readOnly: SWITCH,
  snapshot: SWITCH,
  serial: TEXT,
  format: word('raw', 'qcow2'),
  remote: OBJECT,
};
const DRIVES = listOf(
  optionsOf(DRIVE, 'a drive', ['file', 'readOnly', 'snapshot', 'serial']),
  'a list of drives',
);

/** @throws InputError for drives that cannot be */
export function checkDriveOptions(drives: readonly DriveOptions[]): void {
  checkArgument('drives', drives, DRIVES);
}
