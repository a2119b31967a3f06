import { PagePlacer } from '../machine/snapshot/page-placer.ts';

/** Packs bytes as raw deflate data (RFC 1951). */
export async function pack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of through(bytes, new CompressionStream('deflate-raw'))) {
    pieces.push(piece);
    size += piece.length;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** @throws Error for bytes that are no such data, or unpacks to other than `size` bytes */
export async function unpack(
  packed: Uint8Array<ArrayBuffer>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(size);
  let at = 0;
  await unpackPieces(packed, size, (piece) => {
    whole.set(piece, at);
    at += piece.length;
  });
  return whole;
}

/**
 * Unpacks pages of RAM into their places.
 *
 * @returns whether all of it had its place
 * @throws Error for bytes that are no such data, or unpacks to other than `size` bytes
 */
export async function unpackPages(
  packed: Uint8Array<ArrayBuffer>,
  size: number,
  ram: Uint8Array,
): Promise<boolean> {
  const placer = new PagePlacer(ram);
  await unpackPieces(packed, size, (piece) => placer.take(piece));
  return placer.isWhole;
}

/**
 * Unpacks raw deflate data, and hands out each piece as it comes.
 *
 * @throws Error for bytes that are no such data, or unpacks to other than `size` bytes
 */
async function unpackPieces(
  packed: Uint8Array<ArrayBuffer>,
  size: number,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  let rest = size;
  for await (const piece of through(packed, new DecompressionStream('deflate-raw'))) {
    rest -= piece.length;
    if (rest < 0) throw new Error('there is more than was packed');
    take(piece);
  }
  if (rest > 0) throw new Error('there is less than was packed');
}

/** The stream is fed by hand: one of a Blob would have the browser's own process store the bytes first. */
function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  const writer = stream.writable.getWriter();
  // A failure here is met where the other end is read.
  writer.write(bytes).catch(() => undefined);
  writer.close().catch(() => undefined);
  return stream.readable;
}
