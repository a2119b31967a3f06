import { parseDiskSize } from '../api/quantities.ts';
import { InputError } from '../errors/input-error.ts';
import { formatIpv4 } from '../network/address.ts';
import { parseRule } from '../network/policy.ts';
import type { OwnDisk } from '../node/debian/image/own-disk.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import type { NetworkOptions } from '../node/network/open-network.ts';
import { fetchProgress } from './fetch-progress.ts';
import { IMAGE_DEFAULTS } from './image-defaults.ts';
import { interruptible } from './interrupted.ts';
import { warn } from './warn.ts';

/** The message when the making of an image is interrupted. */
export const STOPPED = 'Stopped. The same command goes on with what was done.';

/** The guest `debian`, as a machine is told of it. */
export interface DebianDisk extends OwnDisk {
  readonly drive: DriveOptions;
}

/**
 * The disk of the guest `debian`, which is made the first time, with progress.
 *
 * @param persistent - changes of the guest are kept
 * @throws InputError when it cannot be made
 */
export async function debianDisk(persistent: boolean): Promise<DebianDisk> {
  const { ownDisk } = await import('../node/debian/image/own-disk.ts');
  const progress = fetchProgress(process.stderr);
  const size = parseDiskSize(IMAGE_DEFAULTS.size);
  const { hostname } = IMAGE_DEFAULTS;
  const own = await interruptible(
    (signal) =>
      ownDisk({ size, hostname, signal, onProgress: progress.report, onWarning: warn }).finally(
        progress.done,
      ),
    STOPPED,
  );
  const drive = {
    file: own.file,
    format: 'qcow2',
    readOnly: false,
    snapshot: !persistent,
    serial: 'debian',
  } as const;
  return { ...own, drive };
}

/** A network with a way to the archives of the guest's apt, unless the person wants the guest to be alone. */
export function withPlaces(network: NetworkOptions, places: readonly string[]): NetworkOptions {
  if (network.restrict) return network;
  const rules = places.flatMap((place) => parseRule(place) ?? []);
  return { ...network, allow: [...network.allow, ...rules] };
}

/** How the guest is reached by ssh; undefined unless one of its forwards leads there. */
export function sshNotice(forwards: NetworkOptions['forwards'], { keyFile }: OwnDisk): string | undefined {
  const forward = forwards.find(({ protocol, guestPort }) => protocol === 'tcp' && guestPort === 22);
  if (forward === undefined) return undefined;
  const host = forward.host === 0 ? '127.0.0.1' : formatIpv4(forward.host);
  return (
    `ssh -p ${forward.hostPort} -i ${keyFile} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ` +
    `root@${host} leads into the guest.`
  );
}

/** @throws InputError for a word that only the guest `debian` understands */
export function refusePersistent(persistent: true | undefined): void {
  if (persistent === true)
    throw new InputError('--persistent is for --guest debian. Disks of yours keep their changes anyway.');
}
