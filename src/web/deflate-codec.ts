import type { SnapshotCodec } from '../machine/snapshot/codec.ts';

/** Deflate, by the browser's own threads. */
export const deflateCodec: SnapshotCodec = {
  name: 'deflate',
  pack: (bytes) => joined(through(bytes, new CompressionStream('deflate-raw')), Number.POSITIVE_INFINITY),
  unpack: (packed, size) =>
    joined(through(packed as Uint8Array<ArrayBuffer>, new DecompressionStream('deflate-raw')), size),
};

function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream) {
  return new Blob([bytes]).stream().pipeThrough(stream);
}

/** @throws Error where there are more than `most` bytes */
async function joined(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of stream) {
    pieces.push(piece);
    size += piece.length;
    if (size > most) throw new Error('there is more than was packed');
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
