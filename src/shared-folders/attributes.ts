import type { SharedFolder } from './folder.ts';
import { ATTR, ATTR_OUT, ENTRY_OUT, OPEN_OUT } from './fuse/facts.ts';
import type { FuseReply } from './fuse/reply.ts';
import type { Attributes } from './host-folder.ts';
import type { FolderNode } from './nodes.ts';

/** Seconds for which the guest believes its knowledge of a name or a file, though the host may change it. */
const BELIEVED = 1;

/** Adds the attributes of a file. */
export function addAttributes(folder: SharedFolder, reply: FuseReply, attributes: Attributes): void {
  const at = reply.add(ATTR_OUT.BYTES);
  reply.word(at + ATTR_OUT.VALID, BELIEVED);
  putAttributes(folder, reply, at + ATTR_OUT.ATTR, attributes);
}

/** Adds a file that the guest has just been told of. */
export function addEntry(
  folder: SharedFolder,
  reply: FuseReply,
  node: FolderNode,
  attributes: Attributes,
): void {
  const at = reply.add(ENTRY_OUT.BYTES);
  reply.wide(at + ENTRY_OUT.NODE, node.id);
  reply.word(at + ENTRY_OUT.ENTRY_VALID, BELIEVED);
  reply.word(at + ENTRY_OUT.ATTR_VALID, BELIEVED);
  putAttributes(folder, reply, at + ENTRY_OUT.ATTR, attributes);
}

/** Adds the answer that there is no file of that name, which the guest may believe for as long. */
export function addNothing(reply: FuseReply): void {
  const at = reply.add(ENTRY_OUT.BYTES);
  reply.word(at + ENTRY_OUT.ENTRY_VALID, BELIEVED);
}

/** Adds the number of the file that was opened. */
export function addOpened(reply: FuseReply, file: number, flags: number): void {
  const at = reply.add(OPEN_OUT.BYTES);
  reply.wide(at + OPEN_OUT.FILE, file);
  reply.word(at + OPEN_OUT.FLAGS, flags);
}

function putAttributes(
  { users, groups }: SharedFolder,
  reply: FuseReply,
  at: number,
  attributes: Attributes,
): void {
  const { number, size, blocks, accessed, modified, changed, mode, links, uid, gid } = attributes;
  reply.word(at + ATTR.INO, number[0]);
  reply.word(at + ATTR.INO + 4, number[1]);
  reply.wide(at + ATTR.SIZE, size);
  reply.wide(at + ATTR.BLOCKS, blocks);
  reply.wide(at + ATTR.ATIME, accessed.seconds);
  reply.wide(at + ATTR.MTIME, modified.seconds);
  reply.wide(at + ATTR.CTIME, changed.seconds);
  reply.word(at + ATTR.ATIME_NSEC, accessed.nanoseconds);
  reply.word(at + ATTR.MTIME_NSEC, modified.nanoseconds);
  reply.word(at + ATTR.CTIME_NSEC, changed.nanoseconds);
  reply.word(at + ATTR.MODE, mode);
  reply.word(at + ATTR.NLINK, links);
  reply.word(at + ATTR.UID, users.toGuest(uid));
  reply.word(at + ATTR.GID, groups.toGuest(gid));
  reply.word(at + ATTR.RDEV, attributes.device);
  reply.word(at + ATTR.BLKSIZE, attributes.blockBytes);
}
