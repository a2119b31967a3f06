import { refuse } from '../errno.ts';
import type { InDirectory, SharedFolder } from '../folder.ts';
import { MODE } from '../fuse/facts.ts';
import type { FuseRequest } from '../fuse/request.ts';
import type { Attributes, Place } from '../host-folder.ts';

const SAME = -1;

/**
 * Gives a file that was just made the owner and the permissions that the guest wants, which the host's file mask may
 * have narrowed.
 *
 * @param mode undefined for a symbolic link
 */
export function newFileGiven(
  folder: SharedFolder,
  { uid, gid }: Pick<FuseRequest, 'uid' | 'gid'>,
  { directory, ...place }: InDirectory,
  mode: number | undefined,
  at: Place = place,
): Attributes {
  const { host, users } = folder;
  const made = host.stat(at) ?? refuse('ESTALE');
  let changed = false;
  if (users.areReal) {
    const newUid = made.uid === uid ? SAME : uid;
    // A directory may hand down its group.
    const newGid = made.gid === gid || handsDown(folder, place) ? SAME : gid;
    if (newUid !== SAME || newGid !== SAME) {
      host.setOwner(at, newUid, newGid);
      changed = true;
    }
  }
  // Set also behind a change of owner, which takes some of the permissions.
  const inherited = made.mode & MODE.SETGID & ((made.mode & MODE.KIND) === MODE.DIRECTORY ? ~0 : 0);
  const wanted = mode === undefined ? undefined : (mode & MODE.PERMISSIONS) | inherited;
  if (wanted !== undefined && (changed || (made.mode & MODE.PERMISSIONS) !== wanted)) {
    host.setMode(at, wanted);
    changed = true;
  }
  return changed ? (host.stat(at) ?? refuse('ESTALE')) : made;
}

function handsDown({ host }: SharedFolder, { at }: Place): boolean {
  return ((host.stat({ at })?.mode ?? 0) & MODE.SETGID) !== 0;
}
