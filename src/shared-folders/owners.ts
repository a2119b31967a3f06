import { refuse } from './errno.ts';

/** The user or group that files of nobody known belong to in Linux. */
const NOBODY = 65_534;
const ROOT = 0;
/** "Leave it as it is." */
const SAME = -1;

/**
 * Numbers of users, or of groups, in the guest and on the host. Where this process may do everything they are the same.
 * Else all files that it makes are its own user's, which is root in the guest, and the host's root is nobody there: as
 * in a user namespace in which one user is root.
 */
export class Owners {
  readonly #own: number;

  /** @param own the number of this process' user or group */
  constructor(own: number) {
    this.#own = own;
  }

  get areReal(): boolean {
    return this.#own === ROOT;
  }

  /** A file's owner, for the guest. */
  toGuest(host: number): number {
    if (this.areReal) return host;
    if (host === this.#own) return ROOT;
    return host === ROOT ? NOBODY : host;
  }

  /** An owner that the guest wants. @throws FolderError where there is none such */
  toHost(guest: number): number {
    if (this.areReal) return guest;
    return guest === ROOT ? SAME : refuse('EPERM');
  }
}
