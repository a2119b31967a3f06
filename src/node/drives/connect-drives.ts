import { InputError } from '../../errors/input-error.ts';
import { FORMAT_BYTES, formatOf } from '../../storage/formats.ts';
import { connect, fetchPart, PATIENCE, type Patience } from '../../storage/http/range-source.ts';
import { checkDriveOptions, type DriveOptions } from './drive-options.ts';
import type { Layer } from './layers.ts';

/** Whether a drive's file is one of a server. */
export function isUrl(file: string): boolean {
  return /^https?:\/\//i.test(file);
}

/**
 * Asks servers for the drives that are theirs: how large they are and how they begin. Changes to such a drive are gone
 * with the machine.
 *
 * @returns the drives, for `openDrives`
 * @throws InputError that says which drive a server does not give, and why
 */
export async function connectDrives(
  drives: readonly DriveOptions[],
  patience: Patience = PATIENCE,
): Promise<readonly DriveOptions[]> {
  checkDriveOptions(drives);
  return Promise.all(drives.map((drive) => (isUrl(drive.file) ? connectDrive(drive, patience) : drive)));
}

async function connectDrive(drive: DriveOptions, patience: Patience): Promise<DriveOptions> {
  const { file } = drive;
  try {
    const remote = await connect(file, patience);
    const start = new Uint8Array(Math.min(FORMAT_BYTES, remote.size));
    await fetchPart(remote, 0, start, patience);
    const looks = formatOf(start) ?? 'raw';
    if (drive.format === undefined && looks !== 'raw' && looks !== 'qcow2')
      throw new Error(`it is in the format ${looks}, which hartvisor does not read`);
    const format = drive.format ?? (looks === 'qcow2' ? 'qcow2' : 'raw');
    return { ...drive, remote, format, snapshot: !drive.readOnly };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError(`The drive ${file} cannot be used: ${why}.`);
  }
}

/** The layer of a drive on a server. It lies over nothing: its maker may not name files of this host. */
export function remoteLayer({ file, remote, format = 'raw' }: DriveOptions): Layer {
  if (remote === undefined)
    throw new InputError(`The drive ${file} is on a server: call connectDrives first.`);
  const common = { file, source: remote, format, bytes: remote.size };
  return { ...common, probed: false, readOnly: true, backing: undefined };
}
