import { addAttributes } from '../attributes.ts';
import { refuse } from '../errno.ts';
import type { SharedFolder } from '../folder.ts';
import {
  ATTR_OUT,
  GETATTR_IN,
  LONGEST_NAME,
  MODE,
  OPCODE,
  SET,
  SETATTR_IN,
  STATFS_OUT,
} from '../fuse/facts.ts';
import type { FuseReply } from '../fuse/reply.ts';
import type { FuseRequest } from '../fuse/request.ts';
import type { Attributes, Place, Timestamp } from '../host-folder.ts';
import type { FolderNode } from '../nodes.ts';
import type { Operations } from './operation.ts';

/** Requests about the attributes of a file, and how full the host's file system is. */
export const ATTRIBUTE_OPERATIONS: Operations = [
  [OPCODE.GETATTR, getAttributes, ATTR_OUT.BYTES],
  [OPCODE.SETATTR, setAttributes, ATTR_OUT.BYTES],
  [OPCODE.STATFS, room, STATFS_OUT.BYTES],
];

const SAME = -1;
const NANOSECONDS = 1e9;

function getAttributes(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(GETATTR_IN.BYTES);
  addAttributes(folder, reply, folder.find(folder.nodes.get(request.node)).attributes);
}

function setAttributes(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(SETATTR_IN.BYTES);
  folder.checkWritable();
  const node = folder.nodes.get(request.node);
  const valid = request.word(SETATTR_IN.VALID);
  const { place, attributes } = folder.find(node);
  // The owner first: a new one takes permissions away.
  if ((valid & (SET.UID | SET.GID)) !== 0) {
    const { users, groups } = folder;
    const uid = (valid & SET.UID) !== 0 ? users.toHost(request.word(SETATTR_IN.UID)) : SAME;
    const gid = (valid & SET.GID) !== 0 ? groups.toHost(request.word(SETATTR_IN.GID)) : SAME;
    if (uid !== SAME || gid !== SAME) folder.host.setOwner(place, uid, gid);
  }
  if ((valid & SET.MODE) !== 0) folder.host.setMode(place, request.word(SETATTR_IN.MODE) & MODE.PERMISSIONS);
  if ((valid & SET.SIZE) !== 0) setSize(folder, node, request);
  if ((valid & (SET.ATIME | SET.MTIME)) !== 0) setTimes(folder, place, request, attributes);
  addAttributes(folder, reply, folder.find(node).attributes);
}

function setSize(folder: SharedFolder, node: FolderNode, request: FuseRequest): void {
  const { host, descriptors } = folder;
  const size = request.wide(SETATTR_IN.SIZE);
  if (size > Number.MAX_SAFE_INTEGER) refuse('EFBIG');
  const open = node.files.find(({ access }) => access.write);
  if (open !== undefined) {
    host.truncate(open.descriptor, size);
    return;
  }
  const { descriptor } = folder.open(node, { read: false, write: true });
  try {
    host.truncate(descriptor, size);
  } finally {
    descriptors.release(() => host.close(descriptor));
  }
}

function setTimes(folder: SharedFolder, place: Place, request: FuseRequest, before: Attributes): void {
  const valid = request.word(SETATTR_IN.VALID);
  const time = (given: number, now: number, seconds: number, nanoseconds: number, old: Timestamp) => {
    if ((valid & now) !== 0) return timeNow();
    return (valid & given) !== 0
      ? { seconds: request.signed(seconds), nanoseconds: request.word(nanoseconds) % NANOSECONDS }
      : old;
  };
  const { ATIME, ATIME_NSEC, MTIME, MTIME_NSEC } = SETATTR_IN;
  folder.host.setTimes(
    place,
    time(SET.ATIME, SET.ATIME_NOW, ATIME, ATIME_NSEC, before.accessed),
    time(SET.MTIME, SET.MTIME_NOW, MTIME, MTIME_NSEC, before.modified),
  );
}

function timeNow(): Timestamp {
  const milliseconds = performance.timeOrigin + performance.now();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.floor((milliseconds - seconds * 1000) * 1e6) };
}

function room({ host }: SharedFolder, _request: FuseRequest, reply: FuseReply): void {
  const { blockBytes, blocks, free, available, files, freeFiles } = host.room();
  const at = reply.add(STATFS_OUT.BYTES);
  reply.wide(at + STATFS_OUT.BLOCKS, blocks);
  reply.wide(at + STATFS_OUT.BFREE, free);
  reply.wide(at + STATFS_OUT.BAVAIL, available);
  reply.wide(at + STATFS_OUT.FILES, files);
  reply.wide(at + STATFS_OUT.FFREE, freeFiles);
  reply.word(at + STATFS_OUT.BSIZE, blockBytes);
  reply.word(at + STATFS_OUT.FRSIZE, blockBytes);
  reply.word(at + STATFS_OUT.NAMELEN, LONGEST_NAME);
}
