/** Parts that machines have on demand: opened, and known to the threads that a host starts from then on. */
import type { ShareFacts } from '../devices/descriptor.ts';
import type { Closers } from './closers.ts';
import type { DriveOptions } from './drives/drive-options.ts';
import type { OpenDrives } from './drives/open-drives.ts';
import type { NetworkOptions, PreparedNetwork } from './network/open-network.ts';
import type { NodeHost } from './node-host.ts';
import type { ShareOptions } from './shares/share-options.ts';

/** Asks servers for those drives that are theirs. @throws InputError as `connectDrives` */
export async function connectedDrives(drives: readonly DriveOptions[]): Promise<readonly DriveOptions[]> {
  if (drives.length === 0) return drives;
  const { connectDrives } = await import('./drives/connect-drives.ts');
  return connectDrives(drives);
}

/** @returns undefined where there are none @throws InputError as `openDrives` */
export async function giveDrives(
  drives: readonly DriveOptions[],
  host: NodeHost,
  closers: Closers,
): Promise<OpenDrives | undefined> {
  if (drives.length === 0) return undefined;
  const { openDrives } = await import('./drives/open-drives.ts');
  const opened = openDrives(drives);
  closers.add(opened.close);
  host.loadFirst(opened.module);
  return opened;
}

/** @returns undefined where there are none @throws InputError as `openShares` */
export async function giveShares(
  shares: readonly ShareOptions[],
  host: NodeHost,
  closers: Closers,
): Promise<readonly ShareFacts[] | undefined> {
  if (shares.length === 0) return undefined;
  const { openShares } = await import('./shares/open-shares.ts');
  // A guest's share has more than its folder.
  const folders = shares.map(({ folder, tag, readOnly }) => ({ folder, tag, readOnly }));
  const { facts, module, close } = openShares(folders);
  closers.add(close);
  host.loadFirst(module);
  return facts;
}

/** @throws InputError as `prepareNetwork` */
export async function giveNetwork(
  options: NetworkOptions,
  host: NodeHost,
  closers: Closers,
): Promise<Pick<PreparedNetwork, 'facts' | 'forwards'>> {
  const { prepareNetwork } = await import('./network/open-network.ts');
  const { facts, forwards, module, close } = await prepareNetwork(options);
  closers.add(close);
  host.loadFirst(module);
  return { facts, forwards };
}
