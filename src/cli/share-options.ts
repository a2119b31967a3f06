import { basename, resolve } from 'node:path';
import type { VirtioTransportName } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { MOST_SHARES } from '../machine/parts.ts';
import type { ShareOptions } from '../node/shares/share-options.ts';

/** The option that shares folders, as it was typed. */
export interface ShareWords {
  /** `DIR[:TAG][:ro]`. */
  readonly share?: readonly string[] | undefined;
}

const READ_ONLY = ':ro';
/** The room for a tag (virtio 1.2, section 5.11.4). */
const TAG_BYTES = 36;
/** Tags are words of a command in the guest, and names of folders there. */
const TAG = /^[\w@%+=.-]+$/;

/**
 * Reads `--share`.
 *
 * @throws InputError that names the wrong word, and the possible ones
 */
export function readShares(
  { share = [] }: ShareWords,
  virtio: VirtioTransportName = 'pci',
): readonly ShareOptions[] {
  const shares = share.map(readShare);
  const most = MOST_SHARES[virtio];
  if (shares.length > most)
    throw new InputError(
      `--share is given ${shares.length} times; a machine shares ${most} folders at most with --virtio ${virtio}.`,
    );
  const tags = new Set<string>();
  for (const [index, { tag, folder }] of shares.entries()) {
    if (tags.has(tag))
      throw new InputError(
        `--share ${share[index]}: another folder has the tag "${tag}". Give this one a tag: --share ${folder}:TAG`,
      );
    tags.add(tag);
  }
  return shares;
}

function readShare(text: string): ShareOptions {
  const readOnly = text.endsWith(READ_ONLY);
  const rest = readOnly ? text.slice(0, -READ_ONLY.length) : text;
  const colon = rest.lastIndexOf(':');
  const folder = colon < 0 ? rest : rest.slice(0, colon);
  const given = colon < 0 ? undefined : rest.slice(colon + 1);
  if (folder === '') throw new InputError(`--share ${text}: there is no folder. Name one, as --share src`);
  return { folder, tag: given === undefined ? usualTag(text, folder) : checkTag(text, given), readOnly };
}

/** The folder's own name. */
function usualTag(text: string, folder: string): string {
  const name = basename(resolve(folder));
  if (isTag(name)) return name;
  throw new InputError(
    `--share ${text}: "${name}" cannot be the tag by which the guest mounts the folder. Give one: --share ${folder}:TAG`,
  );
}

function checkTag(text: string, tag: string): string {
  if (isTag(tag)) return tag;
  if (Buffer.byteLength(tag) > TAG_BYTES)
    throw new InputError(`--share ${text}: the tag has more than ${TAG_BYTES} bytes. Give a shorter one.`);
  throw new InputError(
    `--share ${text}: "${tag}" is no tag. Give letters and digits, as --share DIR:TAG; a name with a colon needs a tag ` +
      'behind it.',
  );
}

function isTag(word: string): boolean {
  return TAG.test(word) && Buffer.byteLength(word) <= TAG_BYTES && word !== '.' && word !== '..';
}
