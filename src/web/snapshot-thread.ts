/**
 * The first module of the worker that reads a snapshot for a page: it fetches the bytes, checks their sums, and has
 * them unpacked into the machine's memory. Another such worker writes a snapshot of a machine, or copies it.
 */
import { InputError } from '../errors/input-error.ts';
import type { ByteChunks } from '../machine/snapshot/byte-source.ts';
import type { SnapshotSink } from '../machine/snapshot/codec.ts';
import { copyMachine } from '../machine/snapshot/copy.ts';
import { Snapshot } from '../machine/snapshot/read.ts';
import { writeSnapshot } from '../machine/snapshot/write.ts';
import { withDeflate } from './deflate-codec.ts';
import { fetchPieces } from './fetch-file.ts';
import { PACKAGE_VERSION } from './package-version.ts';
import { PieceQueue } from './piece-queue.ts';
import type { FromSnapshotThread, SnapshotSource, ToSnapshotThread } from './snapshot-messages.ts';
import { wholeBuffer } from './whole-buffer.ts';

/** The surroundings of a dedicated worker; the compiler is told of pages alone. */
interface SnapshotScope {
  postMessage(message: FromSnapshotThread, transfer?: readonly ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToSnapshotThread>) => void): void;
}

/** More than any snapshot has: a machine has 4 GiB at most. */
const LARGEST_SNAPSHOT = 2 ** 33;

const scope = globalThis as unknown as SnapshotScope;
const pieces = new PieceQueue();
const wanted = Promise.withResolvers<Extract<ToSnapshotThread, { kind: 'read' }>>();

scope.addEventListener('message', ({ data }) => {
  carryOut(data).catch(fail);
});

async function carryOut(order: ToSnapshotThread): Promise<void> {
  switch (order.kind) {
    case 'piece':
      return pieces.add(order.bytes);
    case 'read':
      return wanted.resolve(order);
    case 'open':
      return read(order.source, order.name);
    case 'write':
      return write(order);
    case 'copy':
      scope.postMessage({ kind: 'machine', saved: copyMachine(order.saved, order.pcpus) });
  }
}

async function read(source: SnapshotSource, name: string): Promise<void> {
  await withDeflate(async (codec) => {
    const snapshot = await Snapshot.open(chunksOf(source), { name, codec, version: PACKAGE_VERSION });
    const { facts } = snapshot;
    scope.postMessage({ kind: 'facts', facts });
    const { pcpus, attached } = await wanted.promise;
    scope.postMessage({ kind: 'machine', saved: await snapshot.machine({ pcpus, attached }) });
  });
}

async function write({ saved, notes }: Extract<ToSnapshotThread, { kind: 'write' }>): Promise<void> {
  await withDeflate((codec) => writeSnapshot(saved, { version: PACKAGE_VERSION, notes }, pageSink, codec));
  scope.postMessage({ kind: 'written' });
}

const pageSink: SnapshotSink = {
  write: (bytes) => {
    const piece = wholeBuffer(bytes as Uint8Array<ArrayBuffer>);
    scope.postMessage({ kind: 'piece', bytes: piece }, [piece.buffer]);
    return Promise.resolve();
  },
};

function chunksOf(source: SnapshotSource): ByteChunks {
  switch (source.kind) {
    case 'address': {
      const { url, base } = source;
      return fetchPieces(url, 'The snapshot', {
        ...{ base, most: LARGEST_SNAPSHOT },
        onProgress: ({ bytes = 0, totalBytes }) => tell(bytes, totalBytes),
      });
    }
    case 'blob':
      return counted(source.blob);
    case 'pieces':
      return pieces;
  }
}

async function* counted(blob: Blob): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of blob.stream()) {
    bytes += piece.length;
    tell(bytes, blob.size);
    yield piece;
  }
}

/** Milliseconds between two messages of progress at least; the first one and the last one are told always. */
const PROGRESS_MS = 50;
let toldAt = Number.NEGATIVE_INFINITY;

function tell(bytes: number, totalBytes: number | undefined): void {
  const now = performance.now();
  if (now - toldAt < PROGRESS_MS && bytes !== totalBytes) return;
  toldAt = now;
  scope.postMessage({ kind: 'progress', bytes, totalBytes });
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  scope.postMessage({ kind: 'failed', message, isInput: error instanceof InputError });
}
