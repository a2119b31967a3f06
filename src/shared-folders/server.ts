import { bytesOf, sliceParts } from '../storage/storage.ts';
import { ERRNO, FolderError, refuse } from './errno.ts';
import { SharedFolder } from './folder.ts';
import { FUSE, IN_HEADER, INIT_FLAG, INIT_IN, INIT_OUT, OPCODE, WRITE_IN } from './fuse/facts.ts';
import { FuseReply } from './fuse/reply.ts';
import { FuseRequest } from './fuse/request.ts';
import type { HostFolder } from './host-folder.ts';
import { ATTRIBUTE_OPERATIONS } from './operations/attributes.ts';
import { DIRECTORY_OPERATIONS } from './operations/directories.ts';
import { FILE_OPERATIONS } from './operations/files.ts';
import { NAME_OPERATIONS } from './operations/names.ts';
import { restoreFolder, saveFolder } from './saved-folder.ts';

/** Bytes of a request that are copied before it is looked at: more than any but a write has. */
const LONGEST_HEAD = 1 << 14;
/** Bytes of one transfer, and the pages of Linux in that. */
const LARGEST_TRANSFER = 1 << 20;
const PAGES = LARGEST_TRANSFER / 4096;
/** Requests that Linux has under way without anybody waiting, and how many are a lot. */
const BACKGROUND = 64;
const CONGESTION = 48;

const WANTED =
  INIT_FLAG.ASYNC_READ |
  INIT_FLAG.ATOMIC_O_TRUNC |
  INIT_FLAG.BIG_WRITES |
  INIT_FLAG.AUTO_INVAL_DATA |
  INIT_FLAG.DO_READDIRPLUS |
  INIT_FLAG.READDIRPLUS_AUTO |
  INIT_FLAG.ASYNC_DIO |
  INIT_FLAG.PARALLEL_DIROPS |
  INIT_FLAG.MAX_PAGES;

const OPERATIONS = new Map(
  [...NAME_OPERATIONS, ...ATTRIBUTE_OPERATIONS, ...FILE_OPERATIONS, ...DIRECTORY_OPERATIONS].map(
    ([opcode, carryOut, answerBytes = 0]) => [opcode, { carryOut, answerBytes }] as const,
  ),
);

/** Requests that nobody answers. */
const UNANSWERED: readonly number[] = [OPCODE.FORGET, OPCODE.BATCH_FORGET, OPCODE.INTERRUPT];

/** A shared folder, and its listeners. */
export interface FuseServerOptions {
  readonly host: HostFolder;
  /** Nothing in the folder is changed by any request of the guest. */
  readonly readOnly: boolean;
  /** The host has an error that no program expects; `text` says which. */
  onTrouble(text: string): void;
}

/**
 * Serves a folder of the host to a guest by the FUSE protocol, version 7. One request is carried out after the other,
 * and each of them wholly: an answer is there when the method returns.
 */
export class FuseServer {
  readonly #options: FuseServerOptions;
  readonly #reply = new FuseReply();
  #folder: SharedFolder | undefined;

  constructor(options: FuseServerOptions) {
    this.#options = options;
  }

  /**
   * Carries out a request.
   *
   * @param readable the request, as the guest's memory has it: it may change meanwhile
   * @param writable room for the answer
   * @returns bytes of the answer; undefined if the request has not even a header
   */
  serve(readable: readonly Uint8Array[], writable: readonly Uint8Array[]): number | undefined {
    const request = readRequest(readable);
    if (request === undefined) return undefined;
    const reply = this.#reply;
    reply.begin(writable);
    const errno = this.#answer(request, reply);
    return UNANSWERED.includes(request.opcode) ? 0 : reply.send(request.unique, errno);
  }

  /** The guest's knowledge and its open files, for {@link restore}; nothing before it has begun. */
  *save(): Generator<Uint8Array> {
    if (this.#folder !== undefined) yield* saveFolder(this.#folder);
  }

  /** In a server that the guest has not used: takes over a piece of another one's knowledge. */
  restore(saved: Uint8Array): void {
    const { host, readOnly } = this.#options;
    this.#folder ??= new SharedFolder(host, readOnly);
    restoreFolder(this.#folder, saved);
  }

  /** Closes all that the guest has open. */
  close(): void {
    this.#folder?.close();
    this.#folder = undefined;
  }

  /** @returns the number of the error; 0 if there is none */
  #answer(request: FuseRequest, reply: FuseReply): number {
    try {
      this.#carryOut(request, reply);
      return 0;
    } catch (error) {
      if (error instanceof FolderError) return error.errno;
      this.#options.onTrouble(error instanceof Error ? error.message : String(error));
      return ERRNO.EIO;
    }
  }

  #carryOut(request: FuseRequest, reply: FuseReply): void {
    const { opcode } = request;
    if (opcode === OPCODE.INIT) {
      this.#begin(request, reply);
      return;
    }
    if (opcode === OPCODE.DESTROY) {
      this.close();
      return;
    }
    const folder = this.#folder ?? refuse('EIO');
    // Operations that Linux hears of as not there, it does itself or does without, and asks for no more.
    const { carryOut, answerBytes } = OPERATIONS.get(opcode) ?? refuse('ENOSYS');
    if (reply.room < answerBytes) refuse('ERANGE');
    carryOut(folder, request, reply);
  }

  /** A guest begins, or begins anew. */
  #begin(request: FuseRequest, reply: FuseReply): void {
    request.atLeast(INIT_IN.BYTES);
    const major = request.word(INIT_IN.MAJOR);
    if (major < FUSE.major) refuse('EPROTO');
    const at = reply.add(INIT_OUT.BYTES);
    reply.word(at + INIT_OUT.MAJOR, FUSE.major);
    reply.word(at + INIT_OUT.MINOR, FUSE.minor);
    // A newer one is to ask again by this version.
    if (major > FUSE.major) return;
    const { host, readOnly } = this.#options;
    this.close();
    this.#folder = new SharedFolder(host, readOnly);
    reply.word(at + INIT_OUT.MAX_READAHEAD, request.word(INIT_IN.MAX_READAHEAD));
    reply.word(at + INIT_OUT.FLAGS, request.word(INIT_IN.FLAGS) & WANTED);
    reply.half(at + INIT_OUT.MAX_BACKGROUND, BACKGROUND);
    reply.half(at + INIT_OUT.CONGESTION, CONGESTION);
    reply.word(at + INIT_OUT.MAX_WRITE, LARGEST_TRANSFER);
    reply.word(at + INIT_OUT.TIME_GRAN, 1);
    reply.half(at + INIT_OUT.MAX_PAGES, PAGES);
  }
}

/** Copies a request, but for the data of one that writes. Undefined if it is none. */
function readRequest(readable: readonly Uint8Array[]): FuseRequest | undefined {
  const header = copy(readable, 0, IN_HEADER.BYTES);
  const there = bytesOf(readable);
  if (header.length < IN_HEADER.BYTES) return undefined;
  const view = new DataView(header.buffer);
  const length = view.getUint32(IN_HEADER.LEN, true);
  if (length < IN_HEADER.BYTES || length > there) return undefined;
  const isWrite = view.getUint32(IN_HEADER.OPCODE, true) === OPCODE.WRITE;
  const head = Math.min(length, IN_HEADER.BYTES + (isWrite ? WRITE_IN.BYTES : LONGEST_HEAD));
  const rest = copy(readable, IN_HEADER.BYTES, head - IN_HEADER.BYTES);
  const all = new Uint8Array(head);
  all.set(header);
  all.set(rest, IN_HEADER.BYTES);
  return new FuseRequest(all, isWrite ? sliceParts(readable, head, length - head) : []);
}

function copy(parts: readonly Uint8Array[], offset: number, bytes: number): Uint8Array<ArrayBuffer> {
  const found = sliceParts(parts, offset, bytes);
  const all = new Uint8Array(bytesOf(found));
  let done = 0;
  for (const part of found) {
    all.set(part, done);
    done += part.length;
  }
  return all;
}
