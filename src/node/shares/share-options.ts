import { checkArgument, listOf, type OptionRules, optionsOf, SWITCH, TEXT } from '../../errors/arguments.ts';

/** A folder of the host that is to be shared with a guest. */
export interface ShareOptions {
  readonly folder: string;
  /** By which the guest mounts it. */
  readonly tag: string;
  /** The guest changes nothing in it. */
  readonly readOnly: boolean;
}

const SHARE: OptionRules<ShareOptions> = { folder: TEXT, tag: TEXT, readOnly: SWITCH };
const SHARES = listOf(
  optionsOf(SHARE, 'a folder to share', ['folder', 'tag', 'readOnly']),
  'a list of folders to share',
);

/** @throws InputError for folders that cannot be */
export function checkShareOptions(folders: readonly ShareOptions[]): void {
  checkArgument('folders', folders, SHARES);
}
