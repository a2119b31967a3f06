/** Packs bytes as raw deflate data (RFC 1951). */
export function pack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return joined(through(bytes, new CompressionStream('deflate-raw')), Number.POSITIVE_INFINITY);
}

/** @throws Error for what is no such data, or unpacks to more than `size` bytes */
export function unpack(packed: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array<ArrayBuffer>> {
  return joined(through(packed, new DecompressionStream('deflate-raw')), size);
}

function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream().pipeThrough(stream);
}

/** @throws Error where there are more than `most` bytes */
async function joined(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array<ArrayBuffer>> {
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
