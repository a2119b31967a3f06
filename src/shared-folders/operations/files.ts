import { bytesOf, sliceParts } from '../../storage/storage.ts';
import { addEntry, addOpened } from '../attributes.ts';
import { ERRNO, FolderError, refuse } from '../errno.ts';
import type { SharedFolder } from '../folder.ts';
import {
  COPY_IN,
  CREATE_IN,
  ENTRY_OUT,
  FILE_IN,
  MODE,
  OPCODE,
  OPEN,
  OPEN_IN,
  OPEN_OUT,
  READ_IN,
  RELEASE_IN,
  WRITE_IN,
  WRITE_OUT,
} from '../fuse/facts.ts';
import type { FuseReply } from '../fuse/reply.ts';
import type { FuseRequest } from '../fuse/request.ts';
import type { Access, Attributes, Descriptor } from '../host-folder.ts';
import type { FolderNode } from '../nodes.ts';
import type { OpenFile } from '../open-files.ts';
import { newFileGiven } from './new-file.ts';
import type { Operations } from './operation.ts';

/** Requests about open files. */
export const FILE_OPERATIONS: Operations = [
  [OPCODE.OPEN, open, OPEN_OUT.BYTES],
  [OPCODE.CREATE, create, ENTRY_OUT.BYTES + OPEN_OUT.BYTES],
  [OPCODE.READ, read],
  [OPCODE.WRITE, write, WRITE_OUT.BYTES],
  [OPCODE.RELEASE, close],
  [OPCODE.FSYNC, sync],
  [OPCODE.COPY_FILE_RANGE, copy, WRITE_OUT.BYTES],
];

/** Bytes that one request copies at most, and the pieces in which it does. */
const MOST_COPIED = 1 << 24;
const COPIED_AT_ONCE = 1 << 18;
/** Milliseconds within which two changes of a file may bear the same time on the host. */
const COARSEST_TIME_MS = 50;

function open(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(OPEN_IN.BYTES);
  const { file, keep } = openKnown(folder, folder.nodes.get(request.node), request.word(OPEN_IN.FLAGS));
  addOpened(reply, file, keep ? OPEN_OUT.KEEP_CACHE : 0);
}

/** Opens a file that there is. */
function openKnown(
  folder: SharedFolder,
  node: FolderNode,
  flags: number,
): { readonly file: number; readonly keep: boolean } {
  const access = accessOf(flags);
  if (access.write) folder.checkWritable();
  const { descriptor, attributes } = folder.open(node, access);
  const file = folder.addFile(node, descriptor, access);
  if ((flags & OPEN.TRUNC) === 0) return { file, keep: mayKeepContents(node, attributes) };
  try {
    folder.host.truncate(descriptor, 0);
  } catch (error) {
    closeNumber(folder, file);
    throw error;
  }
  return { file, keep: false };
}

function accessOf(flags: number): Access {
  const kind = flags & OPEN.ACCESS;
  return { read: kind !== OPEN.WRITE, write: kind !== OPEN.READ || (flags & OPEN.TRUNC) !== 0 };
}

/**
 * Whether the contents that the guest has from earlier are still those of the file. A change that came right after the
 * look at it could bear the same time, so that a file that was just changed is never taken to be the same.
 */
function mayKeepContents(node: FolderNode, { size, modified, changed }: Attributes): boolean {
  const stamp = [size, modified.seconds, modified.nanoseconds, changed.seconds, changed.nanoseconds].join(
    ' ',
  );
  const isSame = stamp === node.stamp;
  const age =
    performance.timeOrigin + performance.now() - (changed.seconds * 1000 + changed.nanoseconds / 1e6);
  node.stamp = age > COARSEST_TIME_MS ? stamp : '';
  return isSame;
}

function create(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(CREATE_IN.BYTES);
  const flags = request.word(CREATE_IN.FLAGS);
  const mode = request.word(CREATE_IN.MODE);
  const name = request.name(CREATE_IN.BYTES);
  const access = accessOf(flags);
  folder.checkWritable();
  const place = folder.inDirectory(request.node, name);
  const { host, descriptors } = folder;
  let descriptor: number;
  try {
    descriptor = descriptors.take(() => host.create(place, access, mode & MODE.PERMISSIONS));
  } catch (error) {
    const exists = error instanceof FolderError && error.errno === ERRNO.EEXIST;
    if (!exists || (flags & OPEN.EXCL) !== 0) throw error;
    // The guest did not know of it yet.
    openInstead(folder, request, reply, flags);
    return;
  }
  try {
    const attributes = newFileGiven(folder, request, place, mode, { at: descriptor });
    const node = folder.seen(attributes, place.directory, name);
    addEntry(folder, reply, node, attributes);
    addOpened(reply, folder.addFile(node, descriptor, access), 0);
  } catch (error) {
    descriptors.release(() => host.close(descriptor));
    throw error;
  }
}

function openInstead(folder: SharedFolder, request: FuseRequest, reply: FuseReply, flags: number): void {
  const { node } = folder.lookUp(request.node, request.name(CREATE_IN.BYTES)) ?? refuse('ESTALE');
  try {
    const { file } = openKnown(folder, node, flags);
    addEntry(folder, reply, node, folder.find(node).attributes);
    addOpened(reply, file, 0);
  } catch (error) {
    // The guest has not been told of it.
    folder.nodes.forget(node.id, 1);
    throw error;
  }
}

function close(folder: SharedFolder, request: FuseRequest): void {
  request.atLeast(RELEASE_IN.BYTES);
  closeNumber(folder, request.wide(RELEASE_IN.FILE));
}

function closeNumber(folder: SharedFolder, number: number): void {
  const file = folder.opened.remove(number, 'file');
  if (file?.kind !== 'file') refuse('EBADF');
  folder.closeFile(file);
}

function sync(folder: SharedFolder, request: FuseRequest): void {
  request.atLeast(FILE_IN.BYTES);
  const { descriptor } = folder.opened.file(request.wide(FILE_IN.FILE));
  folder.host.sync(descriptor, (request.word(FILE_IN.FLAGS) & FILE_IN.DATA_ONLY) !== 0);
}

/** Reads to the guest's memory in place. */
function read(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(READ_IN.BYTES);
  const { descriptor } = folder.opened.file(request.wide(READ_IN.FILE));
  const position = request.wide(READ_IN.OFFSET);
  if (position > Number.MAX_SAFE_INTEGER) refuse('EINVAL');
  const room = reply.dataRoom(request.word(READ_IN.SIZE));
  reply.transferred(folder.host.read(descriptor, position, room));
}

function write(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(WRITE_IN.BYTES);
  folder.checkWritable();
  const { host } = folder;
  const file = folder.opened.file(request.wide(WRITE_IN.FILE));
  const data = sliceParts(request.data, 0, request.word(WRITE_IN.SIZE));
  if (bytesOf(data) !== request.word(WRITE_IN.SIZE)) refuse('EINVAL');
  const { descriptor, position } = placeToWrite(folder, request, file);
  if (position > Number.MAX_SAFE_INTEGER) refuse('EFBIG');
  const at = reply.add(WRITE_OUT.BYTES);
  reply.word(at + WRITE_OUT.SIZE, host.write(descriptor, position, data));
}

/**
 * Where Linux wants to write. At the end it means where it thinks that is; the host or another guest may have added to
 * the file, and may do so at any moment.
 */
function placeToWrite(
  folder: SharedFolder,
  request: FuseRequest,
  file: OpenFile,
): { readonly descriptor: Descriptor; readonly position: number } {
  const { descriptor, access } = file;
  const position = request.wide(WRITE_IN.OFFSET);
  const fromCache = (request.word(WRITE_IN.WRITE_FLAGS) & WRITE_IN.CACHED) !== 0;
  if (fromCache || (request.word(WRITE_IN.FLAGS) & OPEN.APPEND) === 0 || !access.write)
    return { descriptor, position };
  const appending = folder.appending(file);
  if (appending !== undefined) return { descriptor: appending, position };
  return { descriptor, position: Math.max(position, folder.host.stat({ at: descriptor })?.size ?? 0) };
}

/** Copies from one open file to another on the host. Linux asks for the rest again. */
function copy(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(COPY_IN.BYTES);
  folder.checkWritable();
  if (request.wide(COPY_IN.FLAGS) !== 0) refuse('EINVAL');
  const { opened, host } = folder;
  const from = opened.file(request.wide(COPY_IN.FILE)).descriptor;
  const to = opened.file(request.wide(COPY_IN.TO_FILE)).descriptor;
  const [source, target] = [request.wide(COPY_IN.OFFSET), request.wide(COPY_IN.TO_OFFSET)];
  const length = Math.min(request.wide(COPY_IN.LENGTH), MOST_COPIED);
  if (Math.max(source, target) + length > Number.MAX_SAFE_INTEGER) refuse('EFBIG');
  const piece = new Uint8Array(Math.min(COPIED_AT_ONCE, length));
  let done = 0;
  while (done < length) {
    const part = piece.subarray(0, Math.min(piece.length, length - done));
    const count = host.read(from, source + done, [part]);
    if (count === 0) break;
    const written = host.write(to, target + done, [part.subarray(0, count)]);
    done += written;
    if (written < count) break;
  }
  const at = reply.add(WRITE_OUT.BYTES);
  reply.word(at + WRITE_OUT.SIZE, done);
}
